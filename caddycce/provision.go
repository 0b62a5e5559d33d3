package caddycce

import (
	"cmp"
	"fmt"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/brake"
	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/plugin/accesslist"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/principal"
)

// Defaults: those of the service that is replaced, and of package cscp.
const (
	defaultSocket         = "unix//usr/sausalito/cced.socket"
	defaultAccessFile     = "/etc/cced-api/config/access"
	defaultAPIUser        = "api-admin"
	defaultTokenLifetime  = 300 * time.Second
	defaultTokensPerEntry = 100
	defaultTimeout        = 300 * time.Second
	defaultMaxBody        = 1 << 20
	defaultMaxReply       = 64 << 20
	defaultMaxConnections = 64
)

// defaultMasked are the names under which the CCE keeps secrets.
var defaultMasked = []string{"*pass*", "*crypt*", "*community*"}

// Provision fills in the defaults and takes a share of what the endpoint knew
// before a reload. It opens nothing but files that are read.
func (h *CCE) Provision(ctx caddy.Context) error {
	// Here too, since what is missing would otherwise be a worse error.
	if err := h.Validate(); err != nil {
		return err
	}
	h.log, h.reporter = ctx.Logger(), report.NewReporter(ctx.Logger())
	h.audit = ctx.Logger().Named("audit")
	if err := metrics.register(ctx.GetMetricsRegistry()); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	s, err := h.effective()
	if err != nil {
		return err
	}
	if err := h.provisionSettings(s); err != nil {
		return err
	}
	if err := h.provisionAccess(ctx, s); err != nil {
		return err
	}
	if err := h.provisionGuests(ctx, s); err != nil {
		return err
	}
	return h.provisionDesk()
}

// provisionSettings resolves placeholders.
func (h *CCE) provisionSettings(s *CCE) (err error) {
	h.settings = settings{
		apiUser: cmp.Or(s.APIUser, defaultAPIUser),
		tokens: cce.TokenLimits{
			Lifetime: cmp.Or(time.Duration(s.TokenLifetime), defaultTokenLifetime),
			PerEntry: cmp.Or(s.TokensPerEntry, defaultTokensPerEntry),
		},
		timeout:        cmp.Or(time.Duration(s.Timeout), defaultTimeout),
		maxBody:        cmp.Or(s.MaxBody, defaultMaxBody),
		maxReply:       cmp.Or(s.MaxReply, defaultMaxReply),
		maxConnections: cmp.Or(s.MaxConnections, defaultMaxConnections),
		failures:       limitOf(s.AuthFailures),
		scalarArrays:   s.Scalars == arrays,
		accounts:       map[string]*cce.Account{},
	}
	socket, err := grammar.Resolve("socket", cmp.Or(s.Socket, defaultSocket))
	if err != nil {
		return err
	}
	if h.settings.socket, err = caddy.ParseNetworkAddress(socket); err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if s.APIPasswordFile != "" {
		if err := h.addAccount(Account{h.settings.apiUser, s.APIPasswordFile, s.MasterKeyFile}); err != nil {
			return err
		}
	}
	for _, a := range s.Accounts {
		if err := h.addAccount(a); err != nil {
			return err
		}
	}
	return nil
}

// addAccount makes an account known. Its files are read when it is needed.
func (h *CCE) addAccount(a Account) error {
	if h.settings.accounts[a.User] != nil {
		return fmt.Errorf("account '%s' stands here twice", a.User)
	}
	password, err := absolute("password file", a.PasswordFile)
	if err != nil {
		return fmt.Errorf("account '%s': %w", a.User, err)
	}
	key := ""
	if a.MasterKeyFile != "" {
		if key, err = absolute("master key file", a.MasterKeyFile); err != nil {
			return fmt.Errorf("account '%s': %w", a.User, err)
		}
	}
	h.settings.accounts[a.User] = cce.NewAccount(a.User, password, key)
	return nil
}

// absolute resolves the placeholders of a path.
func absolute(setting, path string) (string, error) {
	path, err := grammar.Resolve(setting, path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// provisionAccess reads the list of addresses and takes a share of the file of
// secrets.
func (h *CCE) provisionAccess(ctx caddy.Context, s *CCE) error {
	if len(s.APIAccess) == 0 {
		return nil
	}
	path, err := absolute("access_file", cmp.Or(s.AccessFile, defaultAccessFile))
	if err != nil {
		return err
	}
	h.settings.accessFile = path
	list := accesslist.Settings{
		Addresses: s.APIAccess, SecretsFile: path, Failures: s.AuthFailures,
		Options: accesslist.OptionNames{Addresses: "api_access", SecretsFile: "access_file", Failures: "auth_failures"},
	}
	h.list, err = list.Provision(ctx)
	return err
}

// provisionGuests finds the app that knows guests.
func (h *CCE) provisionGuests(ctx caddy.Context, s *CCE) error {
	if len(s.Principals) == 0 {
		return nil
	}
	app, err := ctx.App("caddyauth")
	if err != nil {
		return fmt.Errorf("principal: %w", err)
	}
	authenticator, ok := app.(principal.Authenticator)
	if !ok {
		return fmt.Errorf("principal: this Caddy has no caddyauth app; build it with that module too")
	}
	g := &guests{app: authenticator, masked: s.Masked, classes: s.Classes}
	if len(g.masked) == 0 {
		g.masked = defaultMasked
	}
	for _, p := range s.Principals {
		account := h.settings.accounts[p.As]
		if account == nil {
			return fmt.Errorf("principal: the account '%s' has no password here; write 'account %s <password file>'", p.As, p.As)
		}
		one := rule{role: p.Role, account: account}
		if p.Scope != "" {
			if one.scope, err = principal.ParseScopes([]string{p.Scope}); err != nil {
				return fmt.Errorf("principal: %w", err)
			}
		}
		g.rules = append(g.rules, one)
	}
	h.guests = g
	return nil
}

// limitOf is the limit of failed log-ins, or the default.
func limitOf(given *grammar.FailureLimit) brake.Limit {
	limit := given.OrElse(accesslist.DefaultFailures)
	return brake.Limit{Count: limit.Failures, Period: time.Duration(limit.Window)}
}
