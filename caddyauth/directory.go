package caddyauth

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/store"
)

// directories shares open stores between a configuration and its successor, so
// that a reload neither opens a database twice nor forgets what is in memory.
var directories = caddy.NewUsagePool()

// directory is an open store with its copy in memory.
type directory struct {
	key      string
	settings identity.Config
	// log writes to the log of the configuration that was started last.
	log *report.ReloadableLog

	// mu is held while the store is opened or closed.
	mu       sync.Mutex
	registry *identity.Registry
	stop     context.CancelFunc
	stopped  chan struct{}

	// opened is closed when mirror is set, gone when the store is closed, or
	// never was opened since the configuration has failed to start.
	opened, gone chan struct{}
	mirror       atomic.Pointer[identity.Mirror]
}

// shareDirectory returns the directory for these settings, the one in use if
// there is one. Each share must be given back.
func shareDirectory(settings identity.Config, log *slog.Logger) (*directory, error) {
	// What makes two stores different ones; the prefix may change in place.
	key := settings.Location.String() + "\x00" + settings.PepperFile
	value, _, err := directories.LoadOrNew(key, func() (caddy.Destructor, error) {
		return &directory{key: key, settings: settings, log: report.NewReloadableLog(log), opened: make(chan struct{}), gone: make(chan struct{})}, nil
	})
	if err != nil {
		return nil, err
	}
	return value.(*directory), nil
}

func (d *directory) giveBack() error {
	_, err := directories.Delete(d.key)
	return err
}

// open opens the store, unless it is open, and begins to load it.
func (d *directory) open(ctx context.Context, log *slog.Logger) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log.Use(log)
	if d.registry != nil {
		return nil
	}
	settings := d.settings
	settings.Upgrade = func(u store.Upgrade) {
		log.Info(u.String(), slog.String("store", settings.Location.String()))
	}
	registry, err := identity.Open(ctx, settings)
	if err != nil {
		return err
	}
	if registry.Created() {
		log.Warn("a new store was made; keep a copy of the pepper apart from copies of the store",
			slog.String("store", d.settings.Location.String()), slog.String("pepper_file", d.settings.PepperFile))
	}
	d.registry = registry
	mirror := identity.NewMirror(registry, slog.New(d.log))
	run, stop := context.WithCancel(context.Background())
	d.stop, d.stopped = stop, make(chan struct{})
	go func() {
		defer close(d.stopped)
		mirror.Run(run)
	}()
	d.mirror.Store(mirror)
	close(d.opened)
	return nil
}

// current returns the registry if the store is open, else nil.
func (d *directory) current() *identity.Registry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.registry
}

// ready returns the mirror if it is loaded, else nil.
func (d *directory) ready() *identity.Mirror {
	if m := d.mirror.Load(); m != nil && m.Loaded() {
		return m
	}
	return nil
}

// wait waits for the mirror, at most readyWait.
func (d *directory) wait(ctx context.Context) (*identity.Mirror, error) {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	select {
	case <-d.opened:
	case <-d.gone:
		return nil, errNotReady
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errNotReady, ctx.Err())
	}
	m := d.mirror.Load()
	if err := m.Ready(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotReady, err)
	}
	return m, nil
}

// Destruct closes the store after the last configuration that uses it is gone.
func (d *directory) Destruct() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.gone)
	if d.registry == nil {
		return nil
	}
	d.stop()
	<-d.stopped
	return d.registry.Close()
}

var _ caddy.Destructor = (*directory)(nil)
