package caddyauth

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/principal"
)

// userPlaceholders begins the names of the caller's placeholders.
const userPlaceholders = "http.auth.user."

func replacerOf(r *http.Request) *caddy.Replacer {
	return r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
}

// publish makes the caller known as {http.auth.user.*}. The values are looked
// up when somebody asks, since few requests need all six. Values that were set,
// by setNobody or another module, would hide them.
func publish(repl *caddy.Replacer, p *principal.Principal) {
	repl.DeleteByPrefix(userPlaceholders)
	repl.Map(func(name string) (any, bool) {
		name, ours := strings.CutPrefix(name, userPlaceholders)
		if !ours {
			return nil, false
		}
		return placeholder(p, name)
	})
}

func placeholder(p *principal.Principal, name string) (any, bool) {
	switch name {
	case "id":
		return p.Name, true
	case "roles":
		return p.RoleList, true
	case "groups":
		return p.GroupList, true
	case "scopes":
		return p.Scopes.String(), true
	case "key_id":
		return p.KeyID, true
	case "method":
		return p.Method, true
	}
	return nil, false
}

// setNobody makes the placeholders empty where nobody was authenticated:
// otherwise upstreams would get their names instead of values. A caller whom
// another module has found stays.
func setNobody(repl *caddy.Replacer) {
	if _, known := repl.Get(userPlaceholders + "id"); known {
		return
	}
	for _, name := range []string{"id", "roles", "groups", "scopes", "key_id", "method"} {
		repl.Set(userPlaceholders+name, "")
	}
}
