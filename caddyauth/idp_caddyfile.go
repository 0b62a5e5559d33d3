package caddyauth

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/sallyport/sallyport/internal/plugin/grammar"
)

// unmarshalProvider reads the option of the global block:
//
//	provider <name> {
//		issuer          <url>
//		discovery       <url>
//		jwks            <url>
//		secret          <secret>
//		addresses       <networks...>
//		audience        <names...>
//		algorithms      <names...>
//		client_id       <id>
//		client_secret   <secret>
//		redirect_uri    <url>
//		scopes          <names...>
//		scopes_claim    <claim>
//		scope           <theirs> <scopes...>
//		required_scopes <names...>
//		roles_claim     <claim>
//		role            <theirs> <roles...>
//		groups_claim    <claim>
//		group           <theirs> <groups...>
//		required_groups <names...>
//		username_claim  <claim>
//		auto_create     [<roles...>]
//		trust_email
//		claims          <names...>
//		leeway          <duration>
//		max_age         <duration>
//		one_time
//	}
//
// There may be several lines of scope, role and group, each with another name of the
// provider's, and several providers.
func (a *App) unmarshalProvider(d *caddyfile.Dispenser) error {
	c := new(IdentityProvider)
	if err := grammar.Word(d, &c.Name); err != nil {
		return err
	}
	if d.NextArg() {
		return d.Errf("'%s' is too much after 'provider %s'", d.Val(), c.Name)
	}
	err := grammar.Block(d, grammar.Options{
		"issuer":          func() error { return grammar.Word(d, &c.Issuer) },
		"discovery":       func() error { return grammar.Word(d, &c.Discovery) },
		"jwks":            func() error { return grammar.Word(d, &c.JWKS) },
		"secret":          func() error { return grammar.Word(d, &c.Secret) },
		"addresses":       func() error { return grammar.Words(d, &c.Addresses) },
		"audience":        func() error { return grammar.Words(d, &c.Audience) },
		"algorithms":      func() error { return grammar.Words(d, &c.Algorithms) },
		"client_id":       func() error { return grammar.Word(d, &c.ClientID) },
		"client_secret":   func() error { return grammar.Word(d, &c.ClientSecret) },
		"redirect_uri":    func() error { return grammar.Word(d, &c.RedirectURI) },
		"scopes":          func() error { return grammar.Words(d, &c.Scopes) },
		"scopes_claim":    func() error { return grammar.Word(d, &c.ScopesClaim) },
		"scope":           func() error { return unmarshalMeaning(d, &c.ScopeNames) },
		"required_scopes": func() error { return grammar.Words(d, &c.RequiredScopes) },
		"roles_claim":     func() error { return grammar.Word(d, &c.RolesClaim) },
		"role":            func() error { return unmarshalMeaning(d, &c.RoleNames) },
		"groups_claim":    func() error { return grammar.Word(d, &c.GroupsClaim) },
		"group":           func() error { return unmarshalMeaning(d, &c.GroupNames) },
		"required_groups": func() error { return grammar.Words(d, &c.RequiredGroups) },
		"username_claim":  func() error { return grammar.Word(d, &c.UsernameClaim) },
		"auto_create":     func() error { c.AutoCreate = true; c.AutoCreateRoles = d.RemainingArgs(); return nil },
		"trust_email":     func() error { return grammar.Flag(&c.TrustEmail) },
		"claims":          func() error { return grammar.Words(d, &c.Claims) },
		"leeway":          func() error { return grammar.Duration(d, &c.Leeway) },
		"max_age":         func() error { return grammar.Duration(d, &c.MaxAge) },
		"one_time":        func() error { return grammar.Flag(&c.OneTime) },
	}, nil, "scope", "role", "group")
	if err != nil {
		return err
	}
	a.Providers = append(a.Providers, *c)
	return nil
}

// unmarshalMeaning reads a name of the provider's, and what it means here.
func unmarshalMeaning(d *caddyfile.Dispenser, meanings *map[string][]string) error {
	option := d.Val()
	args := d.RemainingArgs()
	if len(args) < 2 || args[0] == "" {
		return d.Errf("write '%s <theirs> <ours...>'", option)
	}
	if _, twice := (*meanings)[args[0]]; twice {
		return d.Errf("'%s %s' stands here twice; write all of ours on one line", option, args[0])
	}
	if *meanings == nil {
		*meanings = map[string][]string{}
	}
	(*meanings)[args[0]] = args[1:]
	return nil
}
