package caddyauth

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/principal"
)

// prover proves what callers claim. The gate has one, and so have the endpoints.
type prover struct {
	app *App
	// audience and apiVersion are those of the service that is asked for.
	audience, apiVersion string
	// insecurePlainHTTP lets passwords come over any connection.
	insecurePlainHTTP bool
}

// maySend reports whether a credential of that kind may come over the connection
// of the request.
func (v *prover) maySend(r *http.Request, method string) bool {
	return method != principal.MethodPassword || v.insecurePlainHTTP || caller.MaySendPassword(r)
}

// prove proves a claim, from memory unless it is a password or the first use of a key
// by name. A password that turns out to be a key by name makes the claim one of an API
// key. The error says more of a reason: what is malformed, how long it will last, why
// it cannot be found out.
func (v *prover) prove(r *http.Request, c *claim) (identity.Caller, identity.Reason, error) {
	return v.proveAs(r, c, bothOfBasic)
}

// proveAs is prove where what Basic presents may not be all that it could be.
func (v *prover) proveAs(r *http.Request, c *claim, may ofBasic) (identity.Caller, identity.Reason, error) {
	mirror, err := v.app.mirror(r.Context())
	if err != nil {
		return identity.Caller{}, identity.NotFresh, err
	}
	switch {
	case c.method == principal.MethodPassword && may.key && c.named() && mirror.KeysByName():
		return v.proveNamed(r, mirror, c, may.password)
	case c.method == principal.MethodPassword && !may.password:
		return identity.Caller{}, identity.UnknownKey, nil
	case c.method == principal.MethodPassword:
		return v.provePassword(r, mirror, c)
	case c.method == principal.MethodAPIKey && c.Kind == credential.Basic && mirror.KeysByName() && c.named():
		return v.proveNamed(r, mirror, c, false)
	}
	if c.method == principal.MethodJWT {
		return v.proveJWT(r, mirror, c)
	}
	circumstances := func() identity.Circumstances { return v.circumstances(r) }
	caller, reason := c.check(mirror, circumstances)
	if reason == identity.NotFresh && mirror.Refresh(r.Context()) {
		caller, reason = c.check(mirror, circumstances)
	}
	return caller, reason, nil
}

// proveJWT proves an access token of another provider.
func (v *prover) proveJWT(r *http.Request, m *identity.Mirror, c *claim) (identity.Caller, identity.Reason, error) {
	in := accounts{m, v.app.registry}
	t, caller, reason, err := v.app.idps.prove(r.Context(), c.Word, in)
	if reason == identity.Accepted {
		c.external = t.external
	}
	return caller, reason, err
}

// provePassword proves user name and password of Basic.
func (v *prover) provePassword(r *http.Request, m *identity.Mirror, c *claim) (identity.Caller, identity.Reason, error) {
	if c.Secret == "" {
		return identity.Caller{}, identity.WrongPassword, nil
	}
	// The store is shared with the configuration before this one; the brakes are
	// not.
	if _, err := v.app.registry(); err != nil {
		return identity.Caller{}, identity.NotFresh, err
	}
	attempt := identity.Attempt{Username: c.User, Password: c.Secret, Address: caller.Address(r)}
	caller, reason, err := m.CheckPassword(r.Context(), attempt)
	if reason == identity.NotFresh && err == nil && m.Refresh(r.Context()) {
		caller, reason, err = m.CheckPassword(r.Context(), attempt)
	}
	metrics.countBrake(reason)
	return caller, reason, err
}

// recheck holds a caller whom an earlier gate has proven against the
// circumstances of this one.
func (v *prover) recheck(r *http.Request, p *principal.Principal) (identity.Reason, error) {
	mirror, err := v.app.mirror(r.Context())
	if err != nil {
		return identity.NotFresh, err
	}
	circumstances := func() identity.Circumstances { return v.circumstances(r) }
	reason := mirror.Recheck(p, circumstances)
	if reason == identity.NotFresh && mirror.Refresh(r.Context()) {
		reason = mirror.Recheck(p, circumstances)
	}
	return reason, nil
}

// circumstances collects what a key may be bound to.
func (v *prover) circumstances(r *http.Request) identity.Circumstances {
	return identity.Circumstances{
		Address: caller.Address(r), UserAgent: r.UserAgent(), Path: pathOf(originalURL(r)),
		Audience: v.audience, APIVersion: v.apiVersion,
	}
}

// originalURL is the one that the client has asked for: keys are bound to its
// path, whatever handle_path or rewrite have made of it since.
func originalURL(r *http.Request) *url.URL {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.URL != nil {
		return original.URL
	}
	return r.URL
}

// pathOf is the decoded path. One in which a slash is encoded has none: to some
// readers it separates segments, and to others it does not.
func pathOf(u *url.URL) string {
	if strings.Contains(strings.ToLower(u.RawPath), "%2f") {
		return ""
	}
	return u.Path
}
