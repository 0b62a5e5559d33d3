package caddyauth

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/provider"
)

// connections shares what is known of providers between a configuration and its
// successor: a reload must neither fetch keys again nor end log-ins that have begun.
var connections = caddy.NewUsagePool()

// connection is a provider's connection with the log that it writes to.
type connection struct {
	*provider.Connection
	log *report.ReloadableLog
}

// shareConnection returns the connection of a source, the one in use if there is one.
// Each share must be given back.
func shareConnection(s provider.Source, log *slog.Logger) (*connection, error) {
	value, _, err := connections.LoadOrNew(s.Key(), func() (caddy.Destructor, error) {
		reloadable := report.NewReloadableLog(log)
		opened, err := provider.Open(s, provider.Options{Log: slog.New(reloadable), Observe: metrics.observeProvider})
		if err != nil {
			return nil, err
		}
		return &connection{opened, reloadable}, nil
	})
	if err != nil {
		return nil, err
	}
	return value.(*connection), nil
}

// Destruct ends all that is under way.
func (c *connection) Destruct() error {
	c.Close()
	return nil
}

// provisionProviders checks the providers, and takes the shares of their connections.
// Nothing is dialled.
func (a *App) provisionProviders() error {
	a.idps = newIDPSet()
	for i := range a.Providers {
		s, err := a.Providers[i].resolve()
		if err != nil {
			return err
		}
		if a.idps.byName(s.name) != nil {
			return fmt.Errorf("provider %s: there is another one of this name; give each its own", s.name)
		}
		if other := a.idps.byIssuer(s.rules.Issuer); other != nil {
			return fmt.Errorf("provider %s: its issuer '%s' is that of provider %s; write one provider for both", s.name, s.rules.Issuer, other.name)
		}
		p, err := newIDP(s, a.log)
		if err != nil {
			return fmt.Errorf("provider %s: %w", s.name, err)
		}
		a.idps.add(p)
		a.shared = append(a.shared, p)
	}
	return a.idps.checkRedirects()
}

// startProviders begins to fetch keys. It does not wait: a provider that is down must
// not keep the server down.
func (a *App) startProviders() {
	for _, p := range a.idps.list {
		if p.connection != nil {
			p.connection.log.Use(a.log)
			p.connection.Start()
		}
	}
}

// giveProvidersBack gives the shares back. Requests that still run have the providers,
// whose keys do not change any more.
func (a *App) giveProvidersBack() (err error) {
	for _, p := range a.shared {
		err = errors.Join(err, p.giveBack())
	}
	a.shared = nil
	return err
}
