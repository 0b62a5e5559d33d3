// Package cceapi is the HTTP contract of the CCE endpoint: what a body asks for,
// and what is answered. It knows the commands of package cscp, but neither
// connections nor HTTP handlers.
package cceapi
