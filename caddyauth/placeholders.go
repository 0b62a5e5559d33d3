package caddyauth

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/principal"
)

func replacerOf(r *http.Request) *caddy.Replacer {
	return r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
}

// setPlaceholders publishes the caller as {http.auth.user.*}.
func setPlaceholders(repl *caddy.Replacer, p *principal.Principal) {
	repl.Set("http.auth.user.id", p.User)
	repl.Set("http.auth.user.roles", p.RoleList)
	repl.Set("http.auth.user.groups", p.GroupList)
	repl.Set("http.auth.user.scopes", p.Scopes.String())
	repl.Set("http.auth.user.key_id", p.KeyID)
	repl.Set("http.auth.user.method", p.Method)
}

// setNobody makes the placeholders empty where nobody was authenticated:
// otherwise upstreams would get their names instead of values. A caller whom
// another module has found stays.
func setNobody(repl *caddy.Replacer) {
	if _, known := repl.Get("http.auth.user.id"); !known {
		setPlaceholders(repl, new(principal.Principal))
	}
}
