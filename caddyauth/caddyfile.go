package caddyauth

import (
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/internal/identity"
)

func init() {
	httpcaddyfile.RegisterGlobalOption(appName, parseApp)
	// The address first: among directives before the same one, those that are
	// registered earlier come earlier.
	httpcaddyfile.RegisterHandlerDirective("client_secret", parseClientSecret)
	httpcaddyfile.RegisterDirectiveOrder("client_secret", httpcaddyfile.Before, "basic_auth")
	httpcaddyfile.RegisterHandlerDirective("token_auth", parseTokenAuth)
	httpcaddyfile.RegisterDirectiveOrder("token_auth", httpcaddyfile.Before, "basic_auth")
	httpcaddyfile.RegisterDirective("auth_api", parseAuthAPI)
	// A handle that catches everything must not catch the endpoints.
	httpcaddyfile.RegisterDirectiveOrder("auth_api", httpcaddyfile.Before, "handle")
}

// parseApp reads the global option.
func parseApp(d *caddyfile.Dispenser, earlier any) (any, error) {
	if earlier != nil {
		d.Next()
		return nil, d.Errf("there is a 'caddyauth' already; write one block")
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: appName, Value: caddyconfig.JSON(app, nil)}, nil
}

// parseTokenAuth reads the directive.
func parseTokenAuth(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	t := new(TokenAuth)
	return t, t.UnmarshalCaddyfile(h.Dispenser)
}

// parseClientSecret reads the directive.
func parseClientSecret(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	c := new(ClientSecret)
	return c, c.UnmarshalCaddyfile(h.Dispenser)
}

// parseAuthAPI reads the directive and makes its matcher: the base itself and
// all below it, neither of which a pattern of one word covers.
func parseAuthAPI(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	a := new(AuthAPI)
	if err := a.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	var matcher caddy.ModuleMap
	if a.Base != "" {
		matcher = caddy.ModuleMap{"path": h.JSON(caddyhttp.MatchPath{a.Base, a.Base + "/*"})}
	}
	return h.NewRoute(matcher, a), nil
}

// UnmarshalCaddyfile reads the global option:
//
//	caddyauth {
//		store            sqlite <path>
//		pepper_file      <path>
//		key_prefix       <prefix>
//		session_lifetime <lifetime> [<idle>]
//		login_failures   <failures> <window>
//		password_length  <characters>
//		common_passwords <file>|off
//	}
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	return block(d, func(option string) error {
		switch option {
		case "store":
			a.Store = new(StoreConfig)
			if !d.AllArgs(&a.Store.Engine, &a.Store.Path) {
				return d.Errf("write 'store sqlite <path>'")
			}
			if a.Store.Engine != "sqlite" {
				return d.Errf("store engine '%s' is unknown; there is sqlite", a.Store.Engine)
			}
			return nil
		case "pepper_file":
			return oneWord(d, &a.PepperFile)
		case "key_prefix":
			return oneWord(d, &a.KeyPrefix)
		case "session_lifetime":
			return lifetime(d, &a.SessionLifetime)
		case "login_failures":
			return failures(d, &a.LoginFailures)
		case "password_length":
			return number(d, &a.PasswordLength, 1, 1024)
		case "common_passwords":
			return oneWord(d, &a.CommonPasswords)
		}
		return unknownOption(d, option)
	})
}

// UnmarshalCaddyfile reads the directive:
//
//	token_auth [<matcher>] {
//		accept             <kinds...>
//		require            scope <scopes...>
//		require            role <roles...>
//		require            group <groups...>
//		audience           <name>
//		api_version        <version>
//		optional
//		identity_headers   <names...>
//		forward_identity   <header>
//		forward_credential
//		insecure_plain_http
//		errors             caddy
//		debug
//	}
//
// The kinds of credentials are api_key, app_token, bare_token, password and
// session. Of several names after one word of require, one is enough; each line of
// require must be met.
func (t *TokenAuth) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	return block(d, func(option string) error {
		if err := t.unmarshalOption(d, option); err != nil {
			return err
		}
		// Here the line is known; those who write JSON hear it at the start.
		if err := t.Validate(); err != nil {
			return d.WrapErr(err)
		}
		return nil
	})
}

func (t *TokenAuth) unmarshalOption(d *caddyfile.Dispenser, option string) error {
	switch option {
	case "accept":
		return words(d, &t.Accept)
	case "audience":
		return oneWord(d, &t.Audience)
	case "api_version":
		return oneWord(d, &t.APIVersion)
	case "optional":
		return flag(d, &t.Optional)
	case "identity_headers":
		return words(d, &t.IdentityHeaders)
	case "forward_identity":
		return oneWord(d, &t.ForwardIdentity)
	case "forward_credential":
		return flag(d, &t.ForwardCredential)
	case "insecure_plain_http":
		return flag(d, &t.InsecurePlainHTTP)
	case "errors":
		return oneWord(d, &t.Errors)
	case "debug":
		return flag(d, &t.Debug)
	case "require":
		return t.Require.unmarshal(d)
	}
	return unknownOption(d, option)
}

// UnmarshalCaddyfile reads the directive:
//
//	auth_api [<base>] {
//		app_token_lifetime  <lifetime> [<idle>]
//		session_lifetime    <lifetime> [<idle>]
//		max_key_lifetime    <duration>
//		no_extended_keys
//		insecure_plain_http
//		debug
//	}
//
// The base is a path such as /api. Without one the endpoints have the whole site.
func (h *AuthAPI) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		var err error
		if h.Base, err = cleanBase(d.Val()); err != nil {
			return d.WrapErr(err)
		}
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return block(d, func(option string) error {
		switch option {
		case "app_token_lifetime":
			return lifetime(d, &h.AppTokenLifetime)
		case "session_lifetime":
			return lifetime(d, &h.SessionLifetime)
		case "max_key_lifetime":
			return positive(d, &h.MaxKeyLifetime)
		case "no_extended_keys":
			return flag(d, &h.NoExtendedKeys)
		case "insecure_plain_http":
			return flag(d, &h.InsecurePlainHTTP)
		case "debug":
			return flag(d, &h.Debug)
		}
		return unknownOption(d, option)
	})
}

func (r *Require) unmarshal(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Errf("write 'require scope', 'require role' or 'require group', and names")
	}
	lists := map[string]*[]string{"scope": &r.Scopes, "role": &r.Roles, "group": &r.Groups}
	list, known := lists[d.Val()]
	if !known {
		return d.Errf("require '%s' is unknown; there are scope, role and group", d.Val())
	}
	if *list != nil {
		return d.Errf("'require %s' stands here twice; write all names on one line, of which one is enough", d.Val())
	}
	return words(d, list)
}

// UnmarshalCaddyfile reads the filter of a field in `format filter`:
//
//	<field> credentials [<headers...>]
//
// The headers are hidden besides those that are known.
func (f *CredentialsFilter) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	f.Headers = d.RemainingArgs()
	if err := f.Validate(); err != nil {
		return d.WrapErr(err)
	}
	if d.NextBlock(0) {
		return d.Errf("credentials has no options; write header names behind it")
	}
	return nil
}

// UnmarshalCaddyfile reads the directive:
//
//	client_secret [<matcher>] {
//		allow            <addresses...>
//		secrets_file     <path>
//		header           <name>
//		failures         <failures> <window>
//		identity_headers <names...>
//		forward_identity <header>
//		debug
//	}
//
// There may be several lines of allow.
func (c *ClientSecret) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	err := block(d, func(option string) error {
		if err := c.unmarshalOption(d, option); err != nil {
			return err
		}
		if err := c.validateGiven(); err != nil {
			return d.WrapErr(err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.validateComplete(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (c *ClientSecret) unmarshalOption(d *caddyfile.Dispenser, option string) error {
	switch option {
	case "allow":
		return words(d, &c.Allow)
	case "secrets_file":
		return oneWord(d, &c.SecretsFile)
	case "header":
		return oneWord(d, &c.Header)
	case "failures":
		return failures(d, &c.Failures)
	case "identity_headers":
		return words(d, &c.IdentityHeaders)
	case "forward_identity":
		return oneWord(d, &c.ForwardIdentity)
	case "debug":
		return flag(d, &c.Debug)
	}
	return unknownOption(d, option)
}

// block reads the options of a block, each but require and allow at most once.
func block(d *caddyfile.Dispenser, read func(option string) error) error {
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		option := d.Val()
		if seen[option] && option != "require" && option != "allow" {
			return d.Errf("'%s' stands here twice", option)
		}
		seen[option] = true
		if err := read(option); err != nil {
			return err
		}
		if d.NextArg() {
			return d.Errf("'%s' is too much after '%s'", d.Val(), option)
		}
	}
	return nil
}

// oneWord reads exactly one argument that is not empty.
func oneWord(d *caddyfile.Dispenser, value *string) error {
	option := d.Val()
	if !d.NextArg() || d.Val() == "" {
		return d.Errf("'%s' needs a value", option)
	}
	*value = d.Val()
	return nil
}

// words reads one or more arguments that are not empty.
func words(d *caddyfile.Dispenser, list *[]string) error {
	option, before := d.Val(), len(*list)
	for d.NextArg() {
		if d.Val() == "" {
			return d.Errf("'%s' has an empty value", option)
		}
		*list = append(*list, d.Val())
	}
	if len(*list) == before {
		return d.Errf("'%s' needs at least one value", option)
	}
	return nil
}

// lifetime reads one or two durations.
func lifetime(d *caddyfile.Dispenser, l **Lifetime) error {
	option := d.Val()
	args := d.RemainingArgs()
	if len(args) < 1 || len(args) > 2 {
		return d.Errf("write '%s <lifetime> [<idle>]', such as '%s 24h 2h'", option, option)
	}
	*l = new(Lifetime)
	for i, value := range []*caddy.Duration{&(*l).Absolute, &(*l).Idle}[:len(args)] {
		if err := duration(d, args[i], value); err != nil {
			return err
		}
	}
	if err := (*l).orElse(identity.Lifetime{}).Check(); err != nil {
		return d.Errf("%s: %v", option, err)
	}
	return nil
}

// failures reads a number of failures and the time within which they count.
func failures(d *caddyfile.Dispenser, limit **FailureLimit) error {
	option := d.Val()
	var count, window string
	if !d.AllArgs(&count, &window) {
		return d.Errf("write '%s <failures> <window>', such as '%s 5 60s'", option, option)
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		return d.Errf("%s: '%s' is not a number", option, count)
	}
	*limit = &FailureLimit{Failures: n}
	if err := duration(d, window, &(*limit).Window); err != nil {
		return err
	}
	if err := (*limit).check(option); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func duration(d *caddyfile.Dispenser, text string, value *caddy.Duration) error {
	parsed, err := caddy.ParseDuration(text)
	if err != nil {
		return d.Errf("'%s' is not a duration such as 90s, 24h or 7d", text)
	}
	*value = caddy.Duration(parsed)
	return nil
}

// positive reads one duration that is longer than nothing.
func positive(d *caddyfile.Dispenser, value *caddy.Duration) error {
	option := d.Val()
	if !d.NextArg() {
		return d.Errf("'%s' needs a value", option)
	}
	text := d.Val()
	if err := duration(d, text, value); err != nil {
		return err
	}
	if *value <= 0 {
		return d.Errf("%s: '%s' is not longer than nothing", option, text)
	}
	return nil
}

// number reads a number between two others.
func number(d *caddyfile.Dispenser, value *int, least, most int) error {
	option := d.Val()
	if !d.NextArg() {
		return d.Errf("'%s' needs a value", option)
	}
	n, err := strconv.Atoi(d.Val())
	if err != nil || n < least || n > most {
		return d.Errf("%s: '%s' is not a number from %d to %d", option, d.Val(), least, most)
	}
	*value = n
	return nil
}

// flag reads an option without arguments.
func flag(_ *caddyfile.Dispenser, value *bool) error {
	*value = true
	return nil
}

func unknownOption(d *caddyfile.Dispenser, option string) error {
	return d.Errf("unrecognized option '%s'", option)
}

var (
	_ caddyfile.Unmarshaler = (*App)(nil)
	_ caddyfile.Unmarshaler = (*AuthAPI)(nil)
	_ caddyfile.Unmarshaler = (*TokenAuth)(nil)
	_ caddyfile.Unmarshaler = (*ClientSecret)(nil)
	_ caddyfile.Unmarshaler = (*CredentialsFilter)(nil)
)
