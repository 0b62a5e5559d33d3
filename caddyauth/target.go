package caddyauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/user"

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
	settings, named, err := f.settings()
	if err != nil {
		return nil, err
	}
	if f.store == "" {
		if err := f.findServer(ctx, t, settings, named, talk); err != nil || t.server != nil {
			return t, err
		}
	}
	settings.Create = f.create
	t.registry, err = identity.Open(ctx, settings)
	if errors.Is(err, store.ErrNoStore) {
		return nil, fmt.Errorf("%w; name another one with --config or --store, or make it with --create", err)
	}
	if err != nil {
		return nil, err
	}
	how := "opened"
	if t.registry.Created() {
		how = "made"
	}
	_, err = fmt.Fprintf(talk, "store %s (%s)\n", settings.Location, how)
	return t, err
}

// settings says where the store is; named is false if nothing but Caddy's
// defaults says so.
func (f *targetFlags) settings() (settings identity.Config, named bool, err error) {
	if f.store != "" {
		location, err := store.ParseLocation(f.store)
		return identity.Config{Location: location, PepperFile: f.pepperFile}, true, err
	}
	config, file, _, err := caddycmd.LoadConfig(f.config, f.adapter)
	if err != nil {
		return settings, false, err
	}
	var c struct {
		Apps struct {
			Auth App `json:"caddyauth"`
		} `json:"apps"`
	}
	if len(config) > 0 {
		if err := json.Unmarshal(config, &c); err != nil {
			return settings, false, fmt.Errorf("configuration '%s': %w", file, err)
		}
	}
	settings, err = c.Apps.Auth.resolve()
	if f.pepperFile != "" {
		settings.PepperFile = f.pepperFile
	}
	return settings, file != "", err
}

// findServer asks the running server, if there is one with this store.
func (f *targetFlags) findServer(ctx context.Context, t *target, settings identity.Config, named bool, talk io.Writer) error {
	config := f.config
	if config == "" && named {
		config = "Caddyfile"
	}
	address, err := caddycmd.DetermineAdminAPIAddress(f.address, nil, config, f.adapter)
	if err != nil {
		return err
	}
	server, err := newAdminClient(address)
	if err != nil {
		return err
	}
	info, err := server.info(ctx, t.actor)
	switch {
	case errors.Is(err, errNoServer):
		return nil
	case err != nil:
		return fmt.Errorf("the server at %s: %w", server.address, err)
	case named && info.Store != settings.Location.String():
		// Another server, with another store: not the one that is meant.
		return nil
	}
	t.server = server
	_, err = fmt.Fprintf(talk, "store %s (through the server at %s)\n", info.Store, server.address)
	return err
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

// close gives the store back.
func (t *target) close() error { return t.registry.Close() }

// currentUser names the operating system's user, for the audit trail.
func currentUser() string {
	u, err := user.Current()
	if err != nil {
		return "os:unknown"
	}
	return "os:" + u.Username
}
