package caddyauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

// target is the store that a command works on, either through the running
// server that has it open, or opened by the command itself.
type target struct {
	server   *adminClient
	registry *identity.Registry
	actor    string
}

// targetFlags are the flags that say which store is meant.
type targetFlags struct {
	config, adapter, address, store, pepperFile string
	create                                      bool
}

// find finds the store and says on talk which one it is.
//
// A store that is named by --store is opened. Otherwise the configuration says
// where it is; if a server runs with that store it is asked, and if none runs
// the store is opened.
func (f *targetFlags) find(ctx context.Context, talk io.Writer) (*target, error) {
	t := &target{actor: currentUser()}
	settings, err := f.namedStore()
	if f.store == "" {
		settings, err = f.findServer(ctx, t)
	}
	if err != nil {
		return nil, err
	}
	var how string
	if t.server != nil {
		how = "through the server at " + t.server.address
	} else if how, err = f.open(ctx, t, settings); err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(talk, "store %s (%s)\n", settings.Location, how)
	return t, err
}

// open opens the store, or makes it, and says which of the two.
func (f *targetFlags) open(ctx context.Context, t *target, settings identity.Config) (how string, err error) {
	settings.Create, settings.Adopt = f.create, f.create
	t.registry, err = identity.Open(ctx, settings)
	switch {
	case errors.Is(err, store.ErrNoStore):
		return "", fmt.Errorf("%w; name another one with --config or --store, or make it with --create", err)
	case err != nil:
		return "", err
	case t.registry.Created():
		return "made", nil
	}
	return "opened", nil
}

// namedStore is the store of --store, if it is given.
func (f *targetFlags) namedStore() (identity.Config, error) {
	if f.store == "" {
		return identity.Config{}, nil
	}
	if f.address != "" || f.config != "" {
		return identity.Config{}, &usageError{"--store opens a store itself; give either it, or --config and --address"}
	}
	location, err := store.ParseLocation(f.store)
	if err != nil {
		return identity.Config{}, &usageError{err.Error()}
	}
	return identity.Config{Location: location, PepperFile: f.pepperFile}, nil
}

// findServer reads the configuration, asks the server that it may run in, and
// returns where the store is. t.server is set if the server has that store.
func (f *targetFlags) findServer(ctx context.Context, t *target) (identity.Config, error) {
	config, file, err := f.loadConfig()
	if err != nil {
		return identity.Config{}, &usageError{err.Error()}
	}
	settings, err := storeOf(config)
	if err != nil {
		return identity.Config{}, err
	}
	if f.pepperFile != "" {
		settings.PepperFile = f.pepperFile
	}
	address, err := caddycmd.DetermineAdminAPIAddress(f.address, config, file, f.adapter)
	if err != nil {
		return identity.Config{}, err
	}
	server, err := newAdminClient(address)
	if err != nil {
		return identity.Config{}, &usageError{err.Error()}
	}
	location, err := server.location(ctx, t.actor)
	switch {
	case errors.Is(err, errNoServer) && f.address == "":
		return settings, nil
	case err != nil:
		return identity.Config{}, fmt.Errorf("the server at %s: %w", server.address, err)
	case location == settings.Location:
		t.server = server
	case file == "":
		// No configuration says which store is meant, so it is the server's.
		t.server, settings.Location = server, location
	}
	return settings, nil
}

// loadConfig reads the configuration file, by default the Caddyfile in this
// directory, and returns it as JSON. Caddy's own function for this writes to
// the log, where these commands have nothing to say.
func (f *targetFlags) loadConfig() (config []byte, file string, err error) {
	file = f.config
	if file == "" {
		file = "Caddyfile"
	}
	if config, err = os.ReadFile(file); err != nil {
		if f.config == "" && errors.Is(err, fs.ErrNotExist) {
			return nil, "", nil
		}
		return nil, "", fmt.Errorf("the configuration: %w", err)
	}
	adapter := f.adapter
	if base := strings.ToLower(filepath.Base(file)); adapter == "" && (strings.HasPrefix(base, "caddyfile") || strings.HasSuffix(base, ".caddyfile")) {
		adapter = "caddyfile"
	}
	if adapter == "" {
		if !json.Valid(config) {
			return nil, "", fmt.Errorf("the configuration '%s' is not JSON; name its adapter, such as --adapter caddyfile", file)
		}
		return config, file, nil
	}
	with := caddyconfig.GetAdapter(adapter)
	if with == nil {
		return nil, "", fmt.Errorf("--adapter '%s' is unknown", adapter)
	}
	config, _, err = with.Adapt(config, map[string]any{"filename": file})
	return config, file, err
}

// storeOf reads a configuration's settings of the app.
func storeOf(config []byte) (identity.Config, error) {
	var c struct {
		Apps struct {
			Auth App `json:"caddyauth"`
		} `json:"apps"`
	}
	if len(config) > 0 {
		if err := json.Unmarshal(config, &c); err != nil {
			return identity.Config{}, fmt.Errorf("the configuration: %w", err)
		}
	}
	return c.Apps.Auth.resolve()
}

// perform runs an operation and decodes its result into out.
func (t *target) perform(ctx context.Context, name string, input, out any) error {
	text, err := json.Marshal(input)
	if err != nil {
		return err
	}
	var result json.RawMessage
	if t.server != nil {
		result, err = t.server.perform(ctx, name, t.actor, text)
	} else {
		var value any
		if value, err = perform(ctx, t.registry, name, t.actor, text); err == nil {
			result, err = json.Marshal(value)
		}
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(result, out)
}

// close gives the store back. A nil target may be closed.
func (t *target) close() error {
	if t == nil {
		return nil
	}
	return t.registry.Close()
}

// currentUser names the operating system's user, for the audit trail.
func currentUser() string {
	u, err := user.Current()
	if err != nil {
		return "os:unknown"
	}
	return "os:" + u.Username
}
