package caddyauth

import (
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/internal/principal"
)

func init() {
	caddy.RegisterModule(TokenAuth{})
}

// TokenAuth lets requests pass that carry an accepted credential, and refuses
// all others. Without any setting it accepts every kind:
//
// Kind | Form
// -----|-----
// `api_key` | `Authorization: Bearer <key>`, `X-Api-Key: <key>`, or `Authorization: Basic` with `user:<key>` or `user:keyname:<key>`
// `app_token` | `Authorization: Bearer <user>:<token>`
// `bare_token` | `Authorization: <token>`, or `Authorization: Bearer <token>`
// `jwt` | `Authorization: Bearer <token>`, an access token of a provider of the app
// `password` | `Authorization: Basic` with `user:<password>`, over HTTPS or from this machine
// `session` | the cookie `__Host-sallyport`, without any of the headers; methods that change something need to come from the same origin
//
// The credential is removed from the request before the next handler sees it.
//
// A refusal is a JSON object with error, message and error_id:
//
//	400  malformed, or more than one credential
//	401  none, or one that is not accepted
//	403  accepted, but a scope, role or group is missing; a session's cookie that
//	     another site may have sent; a password that is not encrypted
//	429  too many wrong passwords, or too many at once
//	503  it cannot be found out now
//
// A request that passes has these placeholders; lists are joined by commas:
//
// Placeholder | Description
// ------------|------------
// `{http.auth.user.id}` | The user name; it is also `user_id` in the access log
// `{http.auth.user.roles}` | The user's roles
// `{http.auth.user.groups}` | The user's groups
// `{http.auth.user.scopes}` | The credential's scopes
// `{http.auth.user.key_id}` | The public id of the API key, empty for other kinds
// `{http.auth.user.method}` | How the caller was authenticated: one of the kinds
// `{http.auth.user.claims.<name>}` | For jwt, a claim that the provider's claims list; else empty
// `{http.auth.user.impersonator}` | With impersonation, the name of who acts as the user; else empty. It is also `impersonator` in the access log
//
// Behind another token_auth that has authenticated the caller already, by a kind
// that is accepted here too, the rules of this one are held against that caller.
type TokenAuth struct {
	Rules

	// Optional lets requests without any credential pass, as nobody. One with
	// a credential that is not accepted is refused all the same, and so is, with
	// impersonation, one with X-Impersonating alone.
	Optional bool `json:"optional,omitempty"`

	// Errors says how refusals are answered: empty, with a short JSON body; or
	// caddy, as errors for handle_errors, which costs the server more.
	Errors string `json:"errors,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (TokenAuth) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.token_auth", New: func() caddy.Module { return new(TokenAuth) }}
}

// Provision finds the app and prepares the rules.
func (t *TokenAuth) Provision(ctx caddy.Context) error {
	t.nobodyPasses = t.Optional
	return t.provision(ctx)
}

// errorsCaddy is the value of Errors that leaves the answer to handle_errors.
const errorsCaddy = "caddy"

// Validate refuses settings that cannot be meant.
func (t *TokenAuth) Validate() error {
	if t.Errors != "" && t.Errors != errorsCaddy {
		return fmt.Errorf("errors '%s' is unknown; there is caddy", t.Errors)
	}
	return t.validate()
}

// ServeHTTP is the gate.
func (t *TokenAuth) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	t.identity.removeFrom(r)
	p, known, refused := t.authenticate(r)
	switch {
	case refused == nil:
		t.admit(r, p)
		return next.ServeHTTP(w, r)
	case t.passesAsNobody(r, refused):
		setNobody(r)
		return next.ServeHTTP(w, r)
	}
	// A refused key may be a good one that lacks a role; what answers instead
	// must not see it either.
	t.removeCredential(r.Header)
	id := t.report(r, refused, known)
	t.challenge(w, refused)
	if t.Errors == errorsCaddy {
		return caddyhttp.HandlerError{StatusCode: refused.status, ID: id, Err: refused}
	}
	return refused.write(w, id)
}

// admit makes the caller known to all who come later, and takes the credential
// away.
func (t *Rules) admit(r *http.Request, p *principal.Principal) {
	t.removeCredential(r.Header)
	announce(r, p, t.ForwardIdentity)
}

// announce makes the caller known to all who come later, and to the upstream in
// a header, if one is named.
func announce(r *http.Request, p *principal.Principal, header string) {
	if header != "" {
		r.Header[header] = []string{p.Name}
	}
	publish(r, p)
}

var (
	_ caddyhttp.MiddlewareHandler = (*TokenAuth)(nil)
	_ caddy.Provisioner           = (*TokenAuth)(nil)
	_ caddy.Validator             = (*TokenAuth)(nil)
)
