// Package cce is what the CCE endpoint does: it carries requests out over
// connections to cced, and keeps what it must know between requests.
//
//   - Tokens are what LOGIN has issued: each stands for a session of cced.
//   - Brake slows guessing at passwords down.
//   - Account is the account behind LOGIN, and Rotation gives it a new password.
//   - Limits are what a caller may do who is no administrator of CCE.
//
// The package knows neither HTTP nor Caddy.
package cce
