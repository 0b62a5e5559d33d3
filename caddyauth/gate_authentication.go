package caddyauth

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	httpauth "github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"

	"github.com/sallyport/sallyport/internal/principal"
)

func init() {
	caddy.RegisterModule(Provider{})
}

// Provider is the gate for Caddy's own authentication handler, where it can
// stand beside other providers. It applies the same rules as token_auth, but
// that handler answers every refusal with 401, and costs more.
//
// Caddy asks providers in any order, and none after the first success. So where
// there are others this one may not see a request at all, and then has not
// removed identity headers from it either.
type Provider struct {
	Rules
}

// CaddyModule returns the Caddy module information.
func (Provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.authentication.providers.token", New: func() caddy.Module { return new(Provider) }}
}

// Provision finds the app and prepares the rules.
func (p *Provider) Provision(ctx caddy.Context) error { return p.provision(ctx) }

// Validate refuses settings that cannot be meant.
func (p *Provider) Validate() error { return p.validate() }

// Authenticate implements Caddy's interface for providers. The error means
// that it could not be found out who the caller is.
func (p *Provider) Authenticate(w http.ResponseWriter, r *http.Request) (httpauth.User, bool, error) {
	p.identity.removeFrom(r)
	caller, known, refused := p.authenticate(r)
	if refused != nil {
		// Caddy makes the answer, and an id of its own for handle_errors. Of several
		// providers that refuse it lets one set headers.
		w.Header()["X-Error-Id"] = []string{p.report(r, refused, known)}
		p.challenge(w, refused)
		if refused.code == codeUnavailable {
			return httpauth.User{}, false, refused
		}
		return httpauth.User{}, false, nil
	}
	p.admit(r, caller)
	return httpauth.User{ID: caller.Name, Metadata: metadata(caller)}, true, nil
}

// metadata names the placeholders that Caddy sets, the same as token_auth's.
func metadata(p *principal.Principal) map[string]string {
	return map[string]string{
		"roles": p.RoleList, "groups": p.GroupList, "scopes": p.Scopes.String(),
		"key_id": p.KeyID, "method": p.Method, "impersonator": p.Impersonator(),
	}
}

var (
	_ httpauth.Authenticator = (*Provider)(nil)
	_ caddy.Provisioner      = (*Provider)(nil)
	_ caddy.Validator        = (*Provider)(nil)
)
