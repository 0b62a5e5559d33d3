// Package howler speaks the HTTP contract of howler's authentication, so that
// its client works unchanged: the envelope around every answer, the texts of
// all refusals, the paths, and the bodies of requests.
//
//	GET              /                              versions of the API
//	GET, POST        /v1/auth/login                 password or API key → app token
//	POST             /v1/auth/apikey                make a key
//	DELETE           /v1/auth/apikey/{name}         delete a key
//	GET              /v1/user/whoami                the caller
//	GET              /v1/user/{name}                the caller, or anybody for an administrator
//	PUT              /v1/user/{name}                change the same
//	POST, DELETE     /v1/user/{name}                add and delete a user, for administrators
//	GET              /v1/configs                    what a log-in page has to know
//
// Howler has no log-out and no way to change or list keys and sessions. These
// paths are ours, in the same envelope:
//
//	POST             /v1/auth/logout
//	GET              /v1/auth/apikey                own keys, without their secrets
//	POST             /v1/auth/apikey/{name}/disable, enable, rotate
//	GET, DELETE      /v1/auth/sessions              own sessions
//	DELETE           /v1/auth/sessions/{id}
//	POST, PUT        /v1/user/password              change one's own
//
// A handler asks Route what is wanted, checks the caller, reads the body with
// ParseLogin, ParseNewKey, ParseUser or ParsePasswordChange, and writes an Envelope of the
// result or of a Failure. Nothing here decides whether a credential is good.
//
// Where howler does damage, ours differs, and the comment there says so: no
// credentials in the query, no name twice in a body, no stack traces.
//
// The package imports neither Caddy nor net/http and keeps no state.
package howler
