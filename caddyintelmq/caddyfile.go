package caddyintelmq

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/sallyport/sallyport/internal/plugin/grammar"
)

func init() {
	httpcaddyfile.RegisterDirective("intelmq", parse)
	// A handle that catches everything must not catch the endpoint.
	httpcaddyfile.RegisterDirectiveOrder("intelmq", httpcaddyfile.Before, "handle")
}

// parse reads the directive and makes its matcher.
func parse(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	q := new(IntelMQ)
	if err := q.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return grammar.Route(h, q.Base, q), nil
}

// UnmarshalCaddyfile reads the directive:
//
//	intelmq [<base>] {
//		command             <words...>
//		allowed_path        <path>
//		config_dir          <path>
//		session_lifetime    <duration>
//		allow_origins       <origins...>
//		timeout             <duration>
//		change_timeout      <duration>
//		run_timeout         <duration>
//		processes           <number>
//		max_waiting         <number>
//		max_body            <size>
//		import_config       [<path>]
//		insecure_no_auth
//		insecure_plain_http
//	}
//
// The base is a path such as /intelmq. Without one the endpoint has the whole
// site. There may be several lines of allow_origins.
func (h *IntelMQ) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if err := grammar.Base(d, &h.Base); err != nil {
		return err
	}
	return grammar.Block(d, grammar.Options{
		"command":             func() error { return grammar.Words(d, &h.Command) },
		"allowed_path":        func() error { return grammar.Word(d, &h.AllowedPath) },
		"config_dir":          func() error { return grammar.Word(d, &h.ConfigDir) },
		"session_lifetime":    func() error { return grammar.Duration(d, &h.SessionLifetime) },
		"allow_origins":       func() error { return grammar.Words(d, &h.AllowOrigins) },
		"timeout":             func() error { return grammar.Duration(d, &h.Timeout) },
		"change_timeout":      func() error { return grammar.Duration(d, &h.ChangeTimeout) },
		"run_timeout":         func() error { return grammar.Duration(d, &h.RunTimeout) },
		"processes":           func() error { return grammar.Number(d, &h.Processes, 1, maxProcesses) },
		"max_waiting":         func() error { return grammar.Number(d, &h.MaxWaiting, 1, maxWaiting) },
		"max_body":            func() error { return grammar.Size(d, &h.MaxBody) },
		"import_config":       func() error { return h.unmarshalImport(d) },
		"insecure_no_auth":    func() error { return grammar.Flag(&h.InsecureNoAuth) },
		"insecure_plain_http": func() error { return grammar.Flag(&h.InsecurePlainHTTP) },
	}, h.check, "allow_origins")
}

func (h *IntelMQ) unmarshalImport(d *caddyfile.Dispenser) error {
	h.ImportConfig = true
	if !d.NextArg() {
		return nil
	}
	if h.ImportConfigFile = d.Val(); h.ImportConfigFile == "" {
		return d.Errf("import_config: the path is empty; leave it out to have the file looked for")
	}
	return nil
}

var _ caddyfile.Unmarshaler = (*IntelMQ)(nil)
