package caddycce

import (
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/brake"
	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/plugin/accesslist"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/plugin/report"
)

func init() {
	caddy.RegisterModule(CCE{})
}

// CCE answers the JSON commands of BlueOnyx's CCE API, by commands to cced on its
// socket. Bodies and replies are those of its document, so that its PHP classes
// and scripts work unchanged; docs/cce.md has the contract.
//
// Three kinds of callers get in:
//
//   - Programs on this machine, with a user and a session of cced, made by AUTH.
//   - Programs at an address of APIAccess, with the secret of that entry in
//     X-Client-Secret, and a token that LOGIN gave them. They act as APIUser.
//   - Whoever has a credential of the caddyauth app, if Principals say as whom.
//
// Everybody else is told Forbidden, whatever is asked. No command but PING is
// carried out without a log-in.
//
// The caller's address is Caddy's client_ip, and nothing else. This machine is
// meant only if peer and client are loopback, and no header says that a proxy is
// between. Behind a proxy, tell Caddy which proxies are yours by trusted_proxies
// and trusted_proxies_strict.
type CCE struct {
	// Base is the path of the endpoint, such as /v2/cce; empty means the whole
	// site.
	Base string `json:"base,omitempty"`

	// Socket is cced's, as a network address. Default:
	// unix//usr/sausalito/cced.socket. Placeholders such as {env.X} work.
	Socket string `json:"socket,omitempty"`

	// APIAccess lists the addresses and networks that may ask from elsewhere, such
	// as 191.89.131.84/32. Default: none. Placeholders such as {env.X} and
	// {file./path} work, and may hold several.
	APIAccess []string `json:"api_access,omitempty"`

	// AccessFile holds a line `entry:secret` for each entry of APIAccess. The
	// start makes the file, and adds a line with a new secret for each entry that
	// has none; other lines are never changed. Default, where APIAccess is set:
	// /etc/cced-api/config/access. Placeholders such as {env.X} work.
	AccessFile string `json:"access_file,omitempty"`

	// APIUser is the account of cced as which LOGIN works. Default: api-admin.
	APIUser string `json:"api_user,omitempty"`

	// APIPasswordFile holds its password: in the clear, or encrypted if there is a
	// MasterKeyFile. Without it nobody can LOGIN. Placeholders such as {env.X}
	// work.
	APIPasswordFile string `json:"api_password_file,omitempty"`

	// MasterKeyFile holds the passphrase of APIPasswordFile, which is then what
	// `openssl enc -aes-256-cbc -pbkdf2 -salt` has written. Placeholders such as
	// {env.X} work.
	MasterKeyFile string `json:"master_key_file,omitempty"`

	// Accounts are further accounts of cced, for Principals.
	Accounts []Account `json:"accounts,omitempty"`

	// Principals say as which account a caller acts whom the caddyauth app knows.
	// The first one that fits counts; one for the scope read only if no other
	// does, for callers who may write. By the scope read, and without the scope
	// write, he can only read, and the values of Masked properties are hidden from
	// him.
	Principals []Principal `json:"principals,omitempty"`

	// Classes are the only classes that such callers can see. Default: all.
	Classes []string `json:"classes,omitempty"`

	// Masked are patterns of the names of properties whose values such callers can
	// neither see nor search without the scope write, besides *pass*, *crypt*,
	// *community*, *api_key* and *secret*.
	Masked []string `json:"masked,omitempty"`

	// TokenLifetime is how long a token of LOGIN is good. Default: 300s.
	TokenLifetime caddy.Duration `json:"token_lifetime,omitempty"`

	// TokensPerEntry is how many tokens an entry of APIAccess can have at once;
	// one more ends the oldest. Default: 100.
	TokensPerEntry int `json:"tokens_per_entry,omitempty"`

	// AuthFailures slows down guessing. Default: 5 failures of a user from an
	// address within 60 seconds refuse him there for 60 seconds.
	AuthFailures *grammar.FailureLimit `json:"auth_failures,omitempty"`

	// Transactions is independent if COMMIT shall carry out each queued change by
	// itself. Default: all or nothing.
	Transactions string `json:"transactions,omitempty"`

	// Scalars is arrays if values such as `&a&b&` shall be answered as JSON arrays
	// to everybody. Default: to those who ask for it.
	Scalars string `json:"scalars,omitempty"`

	// Timeout is how long cced may take for a request. Default: 300s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// MaxBody is how long a request may be, in bytes. Default: 1 MiB.
	MaxBody int64 `json:"max_body,omitempty"`

	// MaxReply is how long a reply of cced may be, and an answer, in bytes.
	// Default: 64 MiB.
	MaxReply int64 `json:"max_reply,omitempty"`

	// MaxConnections is how many connections to cced there may be at once.
	// Default: 64. Of one session there are at most a quarter of that, and one
	// at least.
	MaxConnections int `json:"max_connections,omitempty"`

	// ImportConf is the configuration file of cced-api, whose settings count where
	// there are none here. Placeholders such as {env.X} work.
	ImportConf string `json:"import_conf,omitempty"`

	// InsecurePlainHTTP lets callers from elsewhere LOGIN over HTTP.
	InsecurePlainHTTP bool `json:"insecure_plain_http,omitempty"`

	key    deskKey
	desk   *desk
	list   *accesslist.List
	runner *cce.Runner
	// limits sets the limits of connections, with the first request: a
	// configuration that does not start must not change them.
	limits   func()
	guests   *guests
	settings settings
	audit    *zap.Logger
	log      *zap.Logger
	reporter report.Reporter
}

// Account is an account of cced.
type Account struct {
	// User is its name.
	User string `json:"user"`
	// PasswordFile holds its password, and MasterKeyFile the passphrase if that
	// is encrypted, as for APIPasswordFile.
	PasswordFile  string `json:"password_file"`
	MasterKeyFile string `json:"master_key_file,omitempty"`
}

// Principal says which callers act as an account. One of Scope and Role is set.
type Principal struct {
	// Scope is one that the credential has: read, write or extended.
	Scope string `json:"scope,omitempty"`
	// Role is one that the user has.
	Role string `json:"role,omitempty"`
	// As is the account: APIUser, or one of Accounts.
	As string `json:"as"`
}

// settings are what the fields say, with defaults and without placeholders.
type settings struct {
	socket              caddy.NetworkAddress
	accessFile, apiUser string
	accounts            map[string]*cce.Account
	tokens              cce.TokenLimits
	failures            brake.Limit
	timeout             time.Duration
	maxBody, maxReply   int64
	maxConnections      int
	scalarArrays        bool
}

// CaddyModule returns the Caddy module information.
func (CCE) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.cce", New: func() caddy.Module { return new(CCE) }}
}

var (
	_ caddyhttp.MiddlewareHandler = (*CCE)(nil)
	_ caddy.Provisioner           = (*CCE)(nil)
	_ caddy.Validator             = (*CCE)(nil)
	_ caddy.CleanerUpper          = (*CCE)(nil)
)
