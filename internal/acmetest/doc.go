// Package acmetest holds the test of automatic TLS: a certificate over ACME in
// front of token_auth. It is a package of its own because the test sets a
// variable of the certificate authority that is the same for all of a process.
package acmetest
