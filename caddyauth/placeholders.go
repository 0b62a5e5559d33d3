package caddyauth

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/principal"
)

// userPlaceholders begins the names of the caller's placeholders.
const userPlaceholders = "http.auth.user."

// claimPlaceholders begins those of the claims of a provider's token, below
// userPlaceholders.
const claimPlaceholders = "claims."

func replacerOf(r *http.Request) *caddy.Replacer {
	return r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
}

// publish makes the caller known to all who come later, in place of one whom an
// earlier gate has found. The values of {http.auth.user.*} are looked up when
// somebody asks, since few requests need all of them. Values that were set, by
// setNobody or another module, would hide them.
func publish(r *http.Request, p *principal.Principal) {
	ctx, repl := r.Context(), replacerOf(r)
	first := caller.Earlier(r) == nil
	if p.Impersonation != nil {
		if extra, ok := ctx.Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
			extra.Set(zap.String("impersonator", p.Impersonator()))
		}
	}
	caddyhttp.SetVar(ctx, principal.Variable, p)
	repl.DeleteByPrefix(userPlaceholders)
	if !first {
		// What the earlier gate has left looks the new caller up.
		return
	}
	repl.Map(func(name string) (any, bool) {
		name, ours := strings.CutPrefix(name, userPlaceholders)
		caller := principal.FromVariable(caddyhttp.GetVar(ctx, principal.Variable))
		if !ours || caller == nil {
			return nil, false
		}
		return placeholder(caller, name)
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
	case "impersonator":
		return p.Impersonator(), true
	}
	if claim, isClaim := strings.CutPrefix(name, claimPlaceholders); isClaim {
		// Whoever acts as another has proven himself by the token, and not the other.
		if p.External == nil || p.Impersonation != nil {
			return "", true
		}
		return p.External.Claims[claim], true
	}
	return nil, false
}

// setNobody makes the placeholders empty where nobody was authenticated:
// otherwise upstreams would get their names instead of values. A caller whom
// another module has found stays.
func setNobody(r *http.Request) {
	repl := replacerOf(r)
	if _, known := repl.Get(userPlaceholders + "id"); known {
		return
	}
	for _, name := range []string{"id", "roles", "groups", "scopes", "key_id", "method", "impersonator"} {
		repl.Set(userPlaceholders+name, "")
	}
	// Which claims somebody will ask for is not known here. A later gate may find a
	// caller yet.
	repl.Map(func(name string) (any, bool) {
		return "", strings.HasPrefix(name, userPlaceholders+claimPlaceholders) && caller.Earlier(r) == nil
	})
}
