package caddyauth

import (
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/internal/plugin/grammar"
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

// parseAuthAPI reads the directive and makes its matcher.
func parseAuthAPI(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	a := new(AuthAPI)
	if err := a.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return grammar.Route(h, a.Base, a), nil
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
//		provider         <name> { … }
//	}
//
// What stands in the block of a provider: see unmarshalProvider.
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	return grammar.Block(d, grammar.Options{
		"store":            func() error { return a.unmarshalStore(d) },
		"pepper_file":      func() error { return grammar.Word(d, &a.PepperFile) },
		"key_prefix":       func() error { return grammar.Word(d, &a.KeyPrefix) },
		"session_lifetime": func() error { return grammar.Lifetimes(d, &a.SessionLifetime) },
		"login_failures":   func() error { return grammar.Failures(d, &a.LoginFailures) },
		"password_length":  func() error { return grammar.Number(d, &a.PasswordLength, 1, 1024) },
		"common_passwords": func() error { return grammar.Word(d, &a.CommonPasswords) },
		"provider":         func() error { return a.unmarshalProvider(d) },
	}, nil, "provider")
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
//		impersonation
//		forward_credential
//		insecure_plain_http
//		errors             caddy
//		debug
//	}
//
// The kinds of credentials are api_key, app_token, bare_token, jwt, password and
// session. Of several names after one word of require, one is enough; each line of
// require must be met.
func (t *TokenAuth) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	return grammar.Block(d, grammar.Options{
		"accept":              func() error { return grammar.Words(d, &t.Accept) },
		"require":             func() error { return t.Require.unmarshal(d) },
		"audience":            func() error { return grammar.Word(d, &t.Audience) },
		"api_version":         func() error { return grammar.Word(d, &t.APIVersion) },
		"optional":            func() error { return grammar.Flag(&t.Optional) },
		"identity_headers":    func() error { return grammar.Words(d, &t.IdentityHeaders) },
		"forward_identity":    func() error { return grammar.Word(d, &t.ForwardIdentity) },
		"impersonation":       func() error { return grammar.Flag(&t.Impersonation) },
		"forward_credential":  func() error { return grammar.Flag(&t.ForwardCredential) },
		"insecure_plain_http": func() error { return grammar.Flag(&t.InsecurePlainHTTP) },
		"errors":              func() error { return grammar.Word(d, &t.Errors) },
		"debug":               func() error { return grammar.Flag(&t.Debug) },
	}, t.Validate, "require")
}

// UnmarshalCaddyfile reads the directive:
//
//	auth_api [<base>] {
//		app_token_lifetime  <lifetime> [<idle>]
//		session_lifetime    <lifetime> [<idle>]
//		max_key_lifetime    <duration>
//		no_extended_keys
//		quota               <requests>|off
//		insecure_plain_http
//		insecure_query_credentials
//		insecure_key_errors
//		debug
//	}
//
// The base is a path such as /api. Without one the endpoints have the whole site.
func (h *AuthAPI) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if err := grammar.Base(d, &h.Base); err != nil {
		return err
	}
	return grammar.Block(d, grammar.Options{
		"app_token_lifetime":         func() error { return grammar.Lifetimes(d, &h.AppTokenLifetime) },
		"session_lifetime":           func() error { return grammar.Lifetimes(d, &h.SessionLifetime) },
		"max_key_lifetime":           func() error { return grammar.Duration(d, &h.MaxKeyLifetime) },
		"no_extended_keys":           func() error { return grammar.Flag(&h.NoExtendedKeys) },
		"quota":                      func() error { return h.unmarshalQuota(d) },
		"insecure_plain_http":        func() error { return grammar.Flag(&h.InsecurePlainHTTP) },
		"insecure_query_credentials": func() error { return grammar.Flag(&h.InsecureQueryCredentials) },
		"insecure_key_errors":        func() error { return grammar.Flag(&h.InsecureKeyErrors) },
		"debug":                      func() error { return grammar.Flag(&h.Debug) },
	}, nil)
}

func (h *AuthAPI) unmarshalQuota(d *caddyfile.Dispenser) error {
	h.Quota = new(int)
	if d.NextArg() && d.Val() == "off" {
		return nil
	}
	n, err := strconv.Atoi(d.Val())
	if err != nil || n < 1 || n > maxQuota {
		return d.Errf("write 'quota <requests>', a number from 1 to %d, or 'quota off'", maxQuota)
	}
	*h.Quota = n
	return nil
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
	return grammar.Words(d, list)
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
	err := grammar.Block(d, grammar.Options{
		"allow":            func() error { return grammar.Words(d, &c.Allow) },
		"secrets_file":     func() error { return grammar.Word(d, &c.SecretsFile) },
		"header":           func() error { return grammar.Word(d, &c.Header) },
		"failures":         func() error { return grammar.Failures(d, &c.Failures) },
		"identity_headers": func() error { return grammar.Words(d, &c.IdentityHeaders) },
		"forward_identity": func() error { return grammar.Word(d, &c.ForwardIdentity) },
		"debug":            func() error { return grammar.Flag(&c.Debug) },
	}, c.validateGiven, "allow")
	if err != nil {
		return err
	}
	if err := c.validateComplete(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

var (
	_ caddyfile.Unmarshaler = (*App)(nil)
	_ caddyfile.Unmarshaler = (*AuthAPI)(nil)
	_ caddyfile.Unmarshaler = (*TokenAuth)(nil)
	_ caddyfile.Unmarshaler = (*ClientSecret)(nil)
	_ caddyfile.Unmarshaler = (*CredentialsFilter)(nil)
)
