package caddycce

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/brake"
	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/plugin/accesslist"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/principal"
)

// Defaults: those of the service that is replaced, and of package cscp.
const (
	defaultSocket         = "unix//usr/sausalito/cced.socket"
	defaultAccessFile     = "/etc/cced-api/config/access"
	defaultTimeout        = 300 * time.Second
	defaultMaxBody        = 1 << 20
	defaultMaxReply       = 64 << 20
	defaultMaxConnections = 64
)

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
	if err := h.provisionGuests(ctx); err != nil {
		return err
	}
	h.warnOfLogins()
	return h.provisionDesk()
}

// warnOfLogins tells of log-ins that cannot succeed, before somebody tries.
func (h *CCE) warnOfLogins() {
	if problem := h.noLogin(); problem != "" {
		h.log.Warn(problem)
	}
	if h.AccessFile != "" && h.list == nil {
		h.log.Warn("access_file is of no use without api_access, which neither this endpoint nor import_conf has")
	}
}

// noLogin says why nobody can LOGIN though some may, or nothing.
func (h *CCE) noLogin() string {
	if h.list == nil || h.settings.accounts[h.settings.apiUser] != nil {
		return ""
	}
	return "api_access is set without api_password_file: nobody can LOGIN; write where the password of '" + h.settings.apiUser + "' is"
}

// loginProblems says why LOGIN, or an account, cannot work. It asks nobody.
func (h *CCE) loginProblems(ctx context.Context) (problems []string) {
	if problem := h.noLogin(); problem != "" {
		problems = append(problems, problem)
	}
	for _, user := range slices.Sorted(maps.Keys(h.settings.accounts)) {
		if _, err := h.settings.accounts[user].Password(ctx); err != nil {
			problems = append(problems, "account '"+user+"': "+err.Error())
		}
	}
	return problems
}

// provisionSettings resolves placeholders.
func (h *CCE) provisionSettings(s *settingsSource) (err error) {
	h.settings = settings{
		apiUser: cmp.Or(h.APIUser, cce.DefaultUser),
		tokens: cce.TokenLimits{
			Lifetime: cmp.Or(s.tokenLifetime, cce.DefaultTokenLifetime),
			PerEntry: cmp.Or(h.TokensPerEntry, cce.DefaultTokensPerEntry),
		},
		timeout:        cmp.Or(s.timeout, defaultTimeout),
		maxBody:        cmp.Or(h.MaxBody, defaultMaxBody),
		maxReply:       cmp.Or(h.MaxReply, defaultMaxReply),
		maxConnections: cmp.Or(h.MaxConnections, defaultMaxConnections),
		failures:       limitOf(s.failures),
		scalarArrays:   h.Scalars == arrays,
		accounts:       map[string]*cce.Account{},
	}
	socket, err := resolve("socket", cmp.Or(s.socket, defaultSocket))
	if err != nil {
		return err
	}
	if h.settings.socket, err = socketAddress(socket); err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if h.APIPasswordFile != "" {
		if err := h.addAccount(Account{h.settings.apiUser, h.APIPasswordFile, h.MasterKeyFile}); err != nil {
			return err
		}
	}
	for _, a := range h.Accounts {
		if err := h.addAccount(a); err != nil {
			return err
		}
	}
	return nil
}

// socketAddress reads an address as Caddy does, and a path as that of a socket.
func socketAddress(text string) (caddy.NetworkAddress, error) {
	if strings.HasPrefix(text, "/") {
		text = "unix/" + text
	}
	return caddy.ParseNetworkAddress(text)
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
	files := cce.AccountFiles{Password: password, MasterKey: key}
	h.settings.accounts[a.User] = cce.NewAccount(a.User, files)
	// By another one, since what an account has seen holds for a while.
	if _, err := cce.NewAccount(a.User, files).Password(context.Background()); err != nil {
		h.log.Warn("account does not log in", zap.String("account", a.User), zap.Error(err))
	}
	return nil
}

// absolute resolves the placeholders of a path.
func absolute(setting, path string) (string, error) {
	path, err := resolve(setting, path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// resolve resolves the placeholders of a path or an address, but for those of
// files: their content would stand in errors.
func resolve(setting, path string) (string, error) {
	if strings.Contains(path, "{file.") {
		return "", fmt.Errorf("%s: write the path itself, without {file.…}", setting)
	}
	return grammar.Resolve(setting, path)
}

// provisionAccess reads the list of addresses and takes a share of the file of
// secrets.
func (h *CCE) provisionAccess(ctx caddy.Context, s *settingsSource) error {
	if len(s.access) == 0 {
		return nil
	}
	path, err := absolute("access_file", cmp.Or(h.AccessFile, defaultAccessFile))
	if err != nil {
		return err
	}
	h.settings.accessFile = path
	list := accesslist.Settings{
		Addresses: s.access, SecretsFile: path, Failures: s.failures,
		Options: accesslist.OptionNames{Addresses: "api_access", SecretsFile: "access_file", Failures: "auth_failures"},
	}
	h.list, err = list.Provision(ctx)
	return err
}

// provisionGuests finds the app that knows guests.
func (h *CCE) provisionGuests(ctx caddy.Context) error {
	if len(h.Principals) == 0 {
		return nil
	}
	app, err := caller.Authenticator(ctx)
	if err != nil {
		return fmt.Errorf("principal: %w", err)
	}
	g := &guests{app: app, masked: append(cce.DefaultHidden(), h.Masked...), classes: h.Classes}
	for _, p := range h.Principals {
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
