package caddyintelmq

import (
	"cmp"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/botfiles"
	"github.com/sallyport/sallyport/internal/intelmqapi"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/principal"
)

// Defaults: those of intelmq-api, and what its commands were seen to take.
const (
	defaultAllowedPath = "/opt/intelmq/var/lib/bots/"
	defaultLifetime    = 24 * time.Hour
	defaultTimeout     = 30 * time.Second
	defaultChange      = 300 * time.Second
	defaultRun         = 20 * time.Second
	defaultWaiting     = 64
	defaultMaxBody     = 8 << 20
)

// defaultCommand is that of intelmq-api.
func defaultCommand() []string {
	return []string{"sudo", "-u", "intelmq", "/usr/local/bin/intelmqctl"}
}

// Provision fills in the defaults and takes a share of what ran before a reload.
// It runs nothing, and opens no file but that of ImportConfig.
func (h *IntelMQ) Provision(ctx caddy.Context) error {
	// Here too, since what is missing would otherwise be a worse error.
	if err := h.Validate(); err != nil {
		return err
	}
	h.log, h.reporter = ctx.Logger(), report.NewReporter(ctx.Logger())
	h.audit = ctx.Logger().Named("audit")
	if err := metrics.register(ctx.GetMetricsRegistry()); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	all, err := h.effective()
	if err != nil {
		return err
	}
	if err := h.provisionSettings(all); err != nil {
		return err
	}
	if _, err := exec.LookPath(h.settings.command[0]); err != nil {
		h.log.Warn("the command cannot be run; 'caddy intelmq check' says more", zap.Error(err))
	}
	if err := h.provisionCallers(ctx); err != nil {
		return err
	}
	return h.provisionDesk()
}

// provisionSettings resolves placeholders.
func (h *IntelMQ) provisionSettings(all *IntelMQ) (err error) {
	h.settings = settings{
		lifetime:  principal.Lifetime{Idle: cmp.Or(time.Duration(all.SessionLifetime), defaultLifetime)},
		timeout:   cmp.Or(time.Duration(h.Timeout), defaultTimeout),
		change:    cmp.Or(time.Duration(h.ChangeTimeout), defaultChange),
		run:       cmp.Or(time.Duration(h.RunTimeout), defaultRun),
		processes: cmp.Or(h.Processes, max(runtime.NumCPU()-1, 1)),
		waiting:   cmp.Or(h.MaxWaiting, defaultWaiting),
		maxBody:   cmp.Or(h.MaxBody, defaultMaxBody),
	}
	listed := all.AllowOrigins
	if listed == nil && h.InsecureNoAuth {
		// By an asterisk any page could read the configuration, passwords included.
		listed = []string{}
	}
	// Checked already.
	h.settings.origins, _ = intelmqapi.ParseOrigins(listed)
	if h.settings.command, err = commandOf(all.Command); err != nil {
		return err
	}
	if h.settings.allowedPath, err = folder("allowed_path", cmp.Or(all.AllowedPath, defaultAllowedPath)); err != nil {
		return err
	}
	if h.files, err = botfiles.Open(h.settings.allowedPath); err != nil {
		return fmt.Errorf("allowed_path: %w", err)
	}
	if h.ConfigDir != "" {
		h.settings.configDir, err = folder("config_dir", h.ConfigDir)
	}
	return err
}

// commandOf resolves the words of a command, or of the default one.
func commandOf(words []string) ([]string, error) {
	if len(words) == 0 {
		return defaultCommand(), nil
	}
	resolved := make([]string, len(words))
	for i, word := range words {
		var err error
		if resolved[i], err = grammar.Resolve("command", word); err != nil {
			return nil, err
		}
	}
	return resolved, nil
}

// folder resolves the placeholders of a path, which is absolute: where a server is
// started from does not count.
func folder(option, path string) (string, error) {
	path, err := grammar.Resolve(option, path)
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("%s '%s': write the whole path, from the root", option, path)
	}
	return filepath.Clean(path), nil
}

// provisionCallers finds the app that knows callers.
func (h *IntelMQ) provisionCallers(ctx caddy.Context) (err error) {
	if h.InsecureNoAuth {
		h.log.Warn("insecure_no_auth: whoever reaches this endpoint can see and change the botnet without a log-in")
		if h.settings.origins.All() {
			h.log.Warn("insecure_no_auth with allow_origins *: any page that is open in a browser here can read the botnet and its configuration, passwords included; list origins by name, or take allow_origins out")
		}
		return nil
	}
	if h.app, err = caller.Authenticator(ctx); err == nil {
		h.login, err = caller.Login(ctx)
	}
	if errors.Is(err, caller.ErrNoApp) {
		return fmt.Errorf("intelmq: %w; or write insecure_no_auth into its block if everybody may do everything", err)
	}
	return err
}
