package caddyauth

import (
	"maps"
	"slices"
	"strconv"
	"strings"

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
	return block(d, options{
		"store":            func() error { return a.unmarshalStore(d) },
		"pepper_file":      func() error { return oneWord(d, &a.PepperFile) },
		"key_prefix":       func() error { return oneWord(d, &a.KeyPrefix) },
		"session_lifetime": func() error { return lifetime(d, &a.SessionLifetime) },
		"login_failures":   func() error { return failures(d, &a.LoginFailures) },
		"password_length":  func() error { return number(d, &a.PasswordLength, 1, 1024) },
		"common_passwords": func() error { return oneWord(d, &a.CommonPasswords) },
	}, nil)
}

func (a *App) unmarshalStore(d *caddyfile.Dispenser) error {
	a.Store = new(StoreConfig)
	if !d.AllArgs(&a.Store.Engine, &a.Store.Path) {
		return d.Errf("write 'store sqlite <path>'")
	}
	if a.Store.Engine != "sqlite" {
		return d.Errf("store engine '%s' is unknown; there is sqlite", a.Store.Engine)
	}
	return nil
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
	return block(d, options{
		"accept":              func() error { return words(d, &t.Accept) },
		"require":             func() error { return t.Require.unmarshal(d) },
		"audience":            func() error { return oneWord(d, &t.Audience) },
		"api_version":         func() error { return oneWord(d, &t.APIVersion) },
		"optional":            func() error { return flag(d, &t.Optional) },
		"identity_headers":    func() error { return words(d, &t.IdentityHeaders) },
		"forward_identity":    func() error { return oneWord(d, &t.ForwardIdentity) },
		"forward_credential":  func() error { return flag(d, &t.ForwardCredential) },
		"insecure_plain_http": func() error { return flag(d, &t.InsecurePlainHTTP) },
		"errors":              func() error { return oneWord(d, &t.Errors) },
		"debug":               func() error { return flag(d, &t.Debug) },
	}, t.Validate)
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
	return block(d, options{
		"app_token_lifetime":  func() error { return lifetime(d, &h.AppTokenLifetime) },
		"session_lifetime":    func() error { return lifetime(d, &h.SessionLifetime) },
		"max_key_lifetime":    func() error { return positive(d, &h.MaxKeyLifetime) },
		"no_extended_keys":    func() error { return flag(d, &h.NoExtendedKeys) },
		"insecure_plain_http": func() error { return flag(d, &h.InsecurePlainHTTP) },
		"debug":               func() error { return flag(d, &h.Debug) },
	}, nil)
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
	err := block(d, options{
		"allow":            func() error { return words(d, &c.Allow) },
		"secrets_file":     func() error { return oneWord(d, &c.SecretsFile) },
		"header":           func() error { return oneWord(d, &c.Header) },
		"failures":         func() error { return failures(d, &c.Failures) },
		"identity_headers": func() error { return words(d, &c.IdentityHeaders) },
		"forward_identity": func() error { return oneWord(d, &c.ForwardIdentity) },
		"debug":            func() error { return flag(d, &c.Debug) },
	}, c.validateGiven)
	if err != nil {
		return err
	}
	if err := c.validateComplete(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// options are those of a block by their names, each with what reads its
// arguments.
type options map[string]func() error

// block reads the options of a block, each but require and allow at most once.
// After each one the settings are checked, if check is not nil: here the line is
// known; those who write JSON hear it at the start.
func block(d *caddyfile.Dispenser, known options, check func() error) error {
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		option := d.Val()
		read := known[option]
		if read == nil {
			return d.Errf("unrecognized option '%s'; there are %s", option, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if seen[option] && option != "require" && option != "allow" {
			return d.Errf("'%s' stands here twice", option)
		}
		seen[option] = true
		if err := read(); err != nil {
			return err
		}
		if check != nil {
			if err := check(); err != nil {
				return d.WrapErr(err)
			}
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

var (
	_ caddyfile.Unmarshaler = (*App)(nil)
	_ caddyfile.Unmarshaler = (*AuthAPI)(nil)
	_ caddyfile.Unmarshaler = (*TokenAuth)(nil)
	_ caddyfile.Unmarshaler = (*ClientSecret)(nil)
	_ caddyfile.Unmarshaler = (*CredentialsFilter)(nil)
)
