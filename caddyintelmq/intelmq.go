package caddyintelmq

import (
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/botfiles"
	"github.com/sallyport/sallyport/internal/intelmqapi"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/principal"
)

func init() {
	caddy.RegisterModule(IntelMQ{})
}

// IntelMQ answers what clients ask of intelmq-api, by running intelmqctl. Paths,
// bodies and answers are those of intelmq-api 3.3, so that intelmq-manager,
// playbooks and scripts work unchanged; docs/intelmq.md has the contract and
// where this one does better.
//
// Callers log in with a user name and a password of the caddyauth app, and get a
// token that lives as long as it is used. API keys, app tokens and the cookie of a
// session do as well. The scope read sees; the scope write starts, stops and
// saves. Nobody else gets in.
type IntelMQ struct {
	// Base is the path of the endpoint, such as /intelmq; the routes are below it,
	// at /v1/api/. Empty means the whole site.
	Base string `json:"base,omitempty"`

	// Command is intelmqctl and what has to stand before it, in words; there is no
	// shell. Default: sudo -u intelmq /usr/local/bin/intelmqctl. Placeholders such
	// as {env.X} work.
	Command []string `json:"command,omitempty"`

	// AllowedPath is the folder below which files of bots are shown. Default:
	// /opt/intelmq/var/lib/bots/. Placeholders such as {env.X} work.
	AllowedPath string `json:"allowed_path,omitempty"`

	// ConfigDir is the folder of runtime.yaml. Default: what intelmqctl says, and
	// where it cannot, what it said before, or where IntelMQ has it by its own
	// rules: INTELMQ_ROOT_DIR/etc, /etc/intelmq with INTELMQ_PATHS_NO_OPT, else
	// /opt/intelmq/etc. Placeholders such as {env.X} work.
	ConfigDir string `json:"config_dir,omitempty"`

	// SessionLifetime is how long a token of a log-in may lie unused. Default: 24h.
	SessionLifetime caddy.Duration `json:"session_lifetime,omitempty"`

	// AllowOrigins lists the origins whose pages may ask, such as
	// https://manager.example.org, or is * for all of them. Default: *, or none with
	// InsecureNoAuth. Where a cookie, or nothing, says who asks, * lets pages of other
	// origins change nothing.
	AllowOrigins []string `json:"allow_origins,omitempty"`

	// Timeout is how long a command may take that changes nothing. Default: 30s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// ChangeTimeout is how long one may take that starts or stops bots. Default:
	// 300s.
	ChangeTimeout caddy.Duration `json:"change_timeout,omitempty"`

	// RunTimeout is how long a bot may work on a message for a caller, or wait for
	// one. Default: 20s.
	RunTimeout caddy.Duration `json:"run_timeout,omitempty"`

	// Processes is how many commands that change nothing may run at once. Default:
	// one less than there are processors, at least one. Of those that change
	// something one runs at a time.
	Processes int `json:"processes,omitempty"`

	// MaxWaiting is how many calls may wait for their turn; of one caller's a
	// quarter. Default: 64.
	MaxWaiting int `json:"max_waiting,omitempty"`

	// MaxBody is how long a request may be, in bytes. Default: 8 MiB.
	MaxBody int64 `json:"max_body,omitempty"`

	// ImportConfig reads the configuration file of intelmq-api, whose settings
	// count where there are none here: ImportConfigFile, or the first that there is
	// of INTELMQ_API_CONFIG and the documented places.
	ImportConfig bool `json:"import_config,omitempty"`
	// ImportConfigFile is its path. Placeholders such as {env.X} work.
	ImportConfigFile string `json:"import_config_file,omitempty"`

	// InsecureNoAuth lets everybody in, to see and to change, without a log-in.
	InsecureNoAuth bool `json:"insecure_no_auth,omitempty"`

	// InsecurePlainHTTP lets callers from elsewhere log in over HTTP.
	InsecurePlainHTTP bool `json:"insecure_plain_http,omitempty"`

	settings settings
	files    *botfiles.Files
	app      principal.Authenticator
	login    principal.Login
	key      string
	desk     *desk
	// limits sets those of the desk, with the first request: a configuration that
	// does not start must not change them.
	limits   func()
	audit    *zap.Logger
	log      *zap.Logger
	reporter report.Reporter
}

// settings are what the fields say, with defaults and without placeholders.
type settings struct {
	command                []string
	allowedPath, configDir string
	lifetime               principal.Lifetime
	origins                intelmqapi.Origins
	timeout, change, run   time.Duration
	processes, waiting     int
	maxBody                int64
}

// CaddyModule returns the Caddy module information.
func (IntelMQ) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.intelmq", New: func() caddy.Module { return new(IntelMQ) }}
}

var (
	_ caddyhttp.MiddlewareHandler = (*IntelMQ)(nil)
	_ caddy.Provisioner           = (*IntelMQ)(nil)
	_ caddy.Validator             = (*IntelMQ)(nil)
	_ caddy.CleanerUpper          = (*IntelMQ)(nil)
)
