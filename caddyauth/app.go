package caddyauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

func init() {
	caddy.RegisterModule(App{})
}

// App holds the users, API keys and sessions of this server. Without any configuration
// it keeps them in Caddy's data directory, in the folder sallyport.
//
// The store is opened when the server starts, and made if there is none;
// validating a configuration opens nothing. It stays open over reloads.
type App struct {
	// Store is where users and keys are kept. Default: the SQLite file
	// sallyport/auth.db in Caddy's data directory.
	Store *StoreConfig `json:"store,omitempty"`

	// PepperFile holds the secret under which keys are hashed: 64 hexadecimal
	// digits, not readable by everybody. It is made together with a new store.
	// Keep a copy of it apart from the copies of the store. Default: the file
	// pepper beside the database. Placeholders such as {env.X} work.
	PepperFile string `json:"pepper_file,omitempty"`

	// KeyPrefix begins the keys that are issued from now on: 2 to 16 lower-case
	// letters and digits, a letter first. Keys with another prefix stay valid.
	// Default: sly. Placeholders such as {env.X} work.
	KeyPrefix string `json:"key_prefix,omitempty"`

	// SessionLifetime is how long a browser session lasts. Default: 24 hours.
	SessionLifetime *grammar.Lifetime `json:"session_lifetime,omitempty"`

	// LoginFailures slows down guessing at passwords. Default: 5 failures of a
	// name from one network (/24 or /64) within 60 seconds refuse that name from
	// there for 60 seconds, four times as many refuse all names.
	LoginFailures *grammar.FailureLimit `json:"login_failures,omitempty"`

	// PasswordLength is the least number of characters of a password that is
	// set. Those that are set already stay. Default: 12.
	PasswordLength int `json:"password_length,omitempty"`

	// CommonPasswords is a file of passwords that cannot be set, one on a line;
	// or off, which allows all. Default: a list in this program. Placeholders
	// such as {env.X} work.
	CommonPasswords string `json:"common_passwords,omitempty"`

	// Providers are other servers whose access tokens are accepted, and by which users
	// can log in.
	Providers []IdentityProvider `json:"providers,omitempty"`

	// directory is set once; requests may still use it when the app has given
	// its share back, and then find it closed. shares says that it has one.
	directory *directory
	shares    bool
	settings  identity.Settings
	session   principal.Lifetime
	idps      *idpSet
	// shared are those of idps whose connections are to be given back.
	shared []*idp
	log    *slog.Logger
}

// StoreConfig names a database.
type StoreConfig struct {
	// Engine is sqlite.
	Engine string `json:"engine"`
	// Path is the database file. Its directory must exist and be writable for
	// the server. Placeholders such as {env.X} work.
	Path string `json:"path"`
}

// CaddyModule returns the Caddy module information.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: appName, New: func() caddy.Module { return new(App) }}
}

const appName = "caddyauth"

// Provision checks the settings and takes the app's share of the store, which
// is not opened before Start.
func (a *App) Provision(ctx caddy.Context) error {
	settings, err := a.resolve()
	if err != nil {
		return err
	}
	a.settings = settings.Settings
	if a.session = a.SessionLifetime.OrElse(defaultSession); a.session.Check() != nil {
		return fmt.Errorf("session_lifetime: %w", a.session.Check())
	}
	a.log = ctx.Slogger()
	if err := metrics.register(ctx.GetMetricsRegistry()); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	if a.directory, err = shareDirectory(settings, a.log); err != nil {
		return err
	}
	a.shares = true
	return a.provisionProviders()
}

// Start opens the store. What an administrator has to mend, a missing pepper
// for instance, stops the start.
func (a *App) Start() error {
	if err := a.settings.Load(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), openLimit)
	defer cancel()
	if err := a.directory.open(ctx, a.log); err != nil {
		return err
	}
	a.startProviders()
	return nil
}

// Stop does nothing: requests may still be running, so the store is closed by
// Cleanup.
func (a *App) Stop() error { return nil }

// Cleanup gives the app's shares of the store and of providers back. The last one
// closes them.
func (a *App) Cleanup() error {
	err := a.giveProvidersBack()
	if !a.shares {
		return err
	}
	a.shares = false
	return errors.Join(err, a.directory.giveBack())
}

// resolve replaces placeholders and fills defaults in. It opens nothing.
func (a *App) resolve() (identity.Config, error) {
	c := identity.Config{Create: true, Observe: metrics.observeStore}
	engine, path := "sqlite", filepath.Join(caddy.AppDataDir(), "sallyport", "auth.db")
	c.CreateDir = a.Store == nil
	var err error
	if a.Store != nil {
		engine = a.Store.Engine
		if path, err = grammar.Resolve("store", a.Store.Path); err != nil {
			return c, err
		}
	}
	if c.Location, err = store.NewLocation(engine, path); err != nil {
		return c, err
	}
	if c.PepperFile = identity.DefaultPepperFile(c.Location); a.PepperFile != "" {
		if c.PepperFile, err = grammar.Resolve("pepper_file", a.PepperFile); err != nil {
			return c, err
		}
		if c.PepperFile, err = filepath.Abs(c.PepperFile); err != nil {
			return c, fmt.Errorf("pepper_file: %w", err)
		}
	}
	if a.KeyPrefix != "" {
		if c.KeyPrefix, err = grammar.Resolve("key_prefix", a.KeyPrefix); err != nil {
			return c, err
		}
	}
	if err = a.LoginFailures.Check("login_failures"); err != nil {
		return c, err
	}
	if l := a.LoginFailures; l != nil {
		c.Brakes = identity.Brakes{Failures: l.Failures, Window: time.Duration(l.Window)}
	}
	c.Passwords = password.Policy{MinLength: a.PasswordLength, AllowCommon: a.CommonPasswords == commonOff}
	if a.CommonPasswords != "" && a.CommonPasswords != commonOff {
		if c.CommonFile, err = grammar.Resolve("common_passwords", a.CommonPasswords); err != nil {
			return c, err
		}
	}
	return c, c.Check()
}

// commonOff is the value of CommonPasswords that allows all passwords.
const commonOff = "off"

// appOf returns the caddyauth app of a configuration; without settings it is
// the default one.
func appOf(ctx caddy.Context) (*App, error) {
	app, err := ctx.App(appName)
	if err != nil {
		return nil, err
	}
	return app.(*App), nil
}

const (
	// openLimit is how long opening the store may take, waiting for another
	// program's lock included.
	openLimit = 30 * time.Second
	// readyWait is how long a request waits for the store after a start.
	readyWait = 5 * time.Second
)

// defaultSession is the lifetime of a session for which nothing else is said.
var defaultSession = principal.Lifetime{Absolute: 24 * time.Hour}

// errNotReady: the store is not loaded yet.
var errNotReady = errors.New("the store of users and keys is not loaded yet")

// errNotRead: it was loaded, and cannot be looked at now.
var errNotRead = errors.New("the store cannot be read; see the log")

// mirror returns the copy of the store in memory, and waits for it after a
// start.
func (a *App) mirror(ctx context.Context) (*identity.Mirror, error) {
	if m := a.directory.ready(); m != nil {
		return m, nil
	}
	return a.directory.wait(ctx)
}

// people returns the registry, for log-ins and changes, once its store is loaded.
func (a *App) people(ctx context.Context) (*identity.Registry, error) {
	if _, err := a.mirror(ctx); err != nil {
		return nil, err
	}
	return a.registry()
}

// registry returns the registry if the store is open, with this configuration's
// settings. They are set here and not at the start, since a start may fail.
func (a *App) registry() (*identity.Registry, error) {
	r := a.directory.current()
	if r == nil {
		return nil, errNotReady
	}
	return r, r.Use(a.settings)
}

var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
