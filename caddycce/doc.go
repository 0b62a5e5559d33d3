// Package caddycce is the CCE endpoint as a module of Caddy: JSON commands over
// HTTPS for BlueOnyx's CCE daemon behind its socket.
//
//	https://:9092 {
//		tls /etc/admserv/certs/certificate /etc/admserv/certs/key
//		cce /v2/cce {
//			api_access 191.89.131.84/32
//			api_password_file /etc/sallyport/api-admin.pass
//		}
//	}
//
// The way of a request:
//
//  1. admit finds out who asks: a program on this machine, one at a listed
//     address, or a guest whom the caddyauth app knows. All others are told
//     Forbidden.
//  2. internal/cceapi reads the body and makes commands of it, which are values
//     and never text.
//  3. forLocal, forListed or forGuest finds the session of cced in which the
//     caller acts.
//  4. internal/cce carries the commands out, over connections that are pooled by
//     session, and makes the answer.
//
// Tokens, transactions, connections and counts of failures are kept through
// reloads, on a desk. What package cscp checks and quotes is not looked at here
// again; nothing here writes a line to cced.
package caddycce
