package caddycce

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/sallyport/sallyport/internal/plugin/grammar"
)

func init() {
	httpcaddyfile.RegisterDirective("cce", parse)
	// A handle that catches everything must not catch the endpoint.
	httpcaddyfile.RegisterDirectiveOrder("cce", httpcaddyfile.Before, "handle")
}

// parse reads the directive and makes its matcher.
func parse(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	c := new(CCE)
	if err := c.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return grammar.Route(h, c.Base, c), nil
}

// UnmarshalCaddyfile reads the directive:
//
//	cce [<base>] {
//		socket              <address>
//		api_access          <addresses...>
//		access_file         <path>
//		api_user            <account>
//		api_password_file   <path>
//		master_key_file     <path>
//		account             <account> <password file> [<master key file>]
//		principal           scope <scope>|role <role> as <account>
//		classes             <names...>
//		masked              <patterns...>
//		token_lifetime      <duration>
//		tokens_per_entry    <number>
//		auth_failures       <failures> <window>
//		transactions        independent
//		scalars             arrays
//		timeout             <duration>
//		max_body            <size>
//		max_reply           <size>
//		max_connections     <number>
//		import_conf         <path>
//		insecure_plain_http
//	}
//
// The base is a path such as /v2/cce. Without one the endpoint has the whole
// site. There may be several lines of api_access, account and principal.
func (h *CCE) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if err := grammar.Base(d, &h.Base); err != nil {
		return err
	}
	return grammar.Block(d, grammar.Options{
		"socket":              func() error { return grammar.Word(d, &h.Socket) },
		"api_access":          func() error { return grammar.Words(d, &h.APIAccess) },
		"access_file":         func() error { return grammar.Word(d, &h.AccessFile) },
		"api_user":            func() error { return grammar.Word(d, &h.APIUser) },
		"api_password_file":   func() error { return grammar.Word(d, &h.APIPasswordFile) },
		"master_key_file":     func() error { return grammar.Word(d, &h.MasterKeyFile) },
		"account":             func() error { return h.unmarshalAccount(d) },
		"principal":           func() error { return h.unmarshalPrincipal(d) },
		"classes":             func() error { return grammar.Words(d, &h.Classes) },
		"masked":              func() error { return grammar.Words(d, &h.Masked) },
		"token_lifetime":      func() error { return grammar.Duration(d, &h.TokenLifetime) },
		"tokens_per_entry":    func() error { return grammar.Number(d, &h.TokensPerEntry, 1, maxTokens) },
		"auth_failures":       func() error { return grammar.Failures(d, &h.AuthFailures) },
		"transactions":        func() error { return grammar.Word(d, &h.Transactions) },
		"scalars":             func() error { return grammar.Word(d, &h.Scalars) },
		"timeout":             func() error { return grammar.Duration(d, &h.Timeout) },
		"max_body":            func() error { return grammar.Size(d, &h.MaxBody) },
		"max_reply":           func() error { return grammar.Size(d, &h.MaxReply) },
		"max_connections":     func() error { return grammar.Number(d, &h.MaxConnections, 1, maxConnections) },
		"import_conf":         func() error { return grammar.Word(d, &h.ImportConf) },
		"insecure_plain_http": func() error { return grammar.Flag(&h.InsecurePlainHTTP) },
	}, h.check, "api_access", "account", "principal")
}

func (h *CCE) unmarshalAccount(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) < 2 || len(args) > 3 {
		return d.Errf("write 'account <account> <password file> [<master key file>]'")
	}
	a := Account{User: args[0], PasswordFile: args[1]}
	if len(args) == 3 {
		a.MasterKeyFile = args[2]
	}
	h.Accounts = append(h.Accounts, a)
	return nil
}

func (h *CCE) unmarshalPrincipal(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 4 || args[2] != "as" {
		return d.Errf("write 'principal scope <scope> as <account>' or 'principal role <role> as <account>'")
	}
	p := Principal{As: args[3]}
	switch args[0] {
	case "scope":
		p.Scope = args[1]
	case "role":
		p.Role = args[1]
	default:
		return d.Errf("principal '%s' is unknown; there are scope and role", args[0])
	}
	h.Principals = append(h.Principals, p)
	return nil
}

var _ caddyfile.Unmarshaler = (*CCE)(nil)
