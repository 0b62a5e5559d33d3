// Package caddyauth is the gate of a Caddy server: who is asking, and may he?
//
//	{
//		caddyauth {
//			store sqlite /var/lib/sallyport/auth.db
//		}
//	}
//	example.org {
//		token_auth
//		reverse_proxy 127.0.0.1:9000
//	}
//
// The modules:
//
//   - caddyauth: the app. It has the store of users, API keys and sessions, and
//     the copy of it in memory from which requests are answered. It knows other
//     providers of identity (idp_*.go, internal/provider), whose access tokens are
//     verified by internal/accesstoken.
//   - http.handlers.token_auth: the gate in front of a route.
//   - http.handlers.auth_api: log-ins, and what users do with their own keys,
//     sessions and passwords (internal/howler).
//   - http.handlers.client_secret: the gate of listed addresses, each with a
//     secret (internal/allowlist).
//   - client_secret_files: the app that has the files of these secrets.
//   - http.authentication.providers.token: the same gate for Caddy's own
//     authentication handler, in JSON.
//   - caddy.logging.encoders.filter.credentials: hides credentials in logs.
//   - admin.api.caddyauth: what the command line and monitoring ask of a running
//     server.
//
// A request takes this way through the gate:
//
//  1. Headers in which upstreams believe the user's name are removed.
//  2. The one credential is read from the headers (internal/credential), or
//     where there is none from the session cookie. Two of them, or a malformed
//     one, is 400.
//  3. The key or token is proven and its limits are held against the request,
//     from memory (internal/identity); a password is, by the store. If memory is
//     not provably up to date the answer is 503: what cannot be found out is not
//     allowed.
//  4. The gate's own rules are asked: scopes, roles, groups.
//  5. The caller becomes a principal in the request's variables and the
//     placeholders {http.auth.user.*}; the credential is removed, so that
//     nothing behind the gate can log or leak it.
//
// A refusal is a short JSON object with a stable code and an error id. The cause
// is in the log beside the same id.
package caddyauth
