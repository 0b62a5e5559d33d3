package caddyauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/admin"
	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/store"
)

// target is the store that a command works on, either through the running
// server that has it open, or opened by the command itself.
type target struct {
	server   *admin.Client
	registry *identity.Registry
	actor    string
}

// targetFlags are the flags that say which store is meant.
type targetFlags struct {
	command.ConfigFlags
	store, pepperFile string
	create            bool
}

// find finds the store and says on talk which one it is.
//
// A store that is named by --store is opened. Otherwise the configuration says
// where it is; if a server runs with that store it is asked, and if none runs
// the store is opened.
func (f *targetFlags) find(ctx context.Context, talk io.Writer) (*target, error) {
	t := &target{actor: command.CurrentUser()}
	settings, err := f.namedStore()
	if f.store == "" {
		settings, err = f.findServer(ctx, t)
	}
	if err != nil {
		return nil, err
	}
	var how string
	if t.server != nil {
		how = "through the server at " + t.server.Address
	} else if how, err = f.open(ctx, t, settings, talk); err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(talk, "store %s (%s)\n", settings.Location, how)
	return t, err
}

// open opens the store, or makes it, and says which of the two.
func (f *targetFlags) open(ctx context.Context, t *target, settings identity.Config, talk io.Writer) (how string, err error) {
	settings.Create, settings.Adopt = f.create, f.create
	settings.Upgrade = func(u store.Upgrade) {
		// Whether anybody reads it changes nothing.
		_, _ = fmt.Fprintf(talk, "store %s: %s\n", settings.Location, u)
	}
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
	if f.Address != "" || f.Config != "" {
		return identity.Config{}, &command.UsageError{Text: "--store opens a store itself; give either it, or --config and --address"}
	}
	location, err := store.ParseLocation(f.store)
	if err != nil {
		return identity.Config{}, &command.UsageError{Text: err.Error()}
	}
	return identity.Config{Location: location, PepperFile: f.pepperFile}, nil
}

// findServer reads the configuration, asks the server that it may run in, and
// returns where the store is. t.server is set if the server has that store, or does
// not say which one it has.
func (f *targetFlags) findServer(ctx context.Context, t *target) (identity.Config, error) {
	config, file, err := f.Load()
	if err != nil {
		return identity.Config{}, &command.UsageError{Text: err.Error()}
	}
	settings, err := storeOf(config)
	if err != nil {
		return identity.Config{}, err
	}
	if f.pepperFile != "" {
		settings.PepperFile = f.pepperFile
	}
	server, err := f.Server(appName, config, file)
	if err != nil {
		return identity.Config{}, err
	}
	location, err := locationIn(ctx, server, t.actor)
	_, nobody := errors.AsType[*admin.NoServerError](err)
	switch {
	case nobody && f.Address == "":
		return settings, nil
	case errors.Is(err, admin.ErrNoAnswer):
		t.server = server
		return settings, orOpened(err)
	case err != nil:
		t.server = server
		return settings, fmt.Errorf("the server at %s: %w", server.Address, err)
	case location == settings.Location:
		t.server = server
	case file == "":
		// No configuration says which store is meant, so it is the server's.
		t.server, settings.Location = server, location
	}
	return settings, nil
}

// locationIn asks where a server's store is. The error is an admin.NoServerError
// if there is no server, or one without this app.
func locationIn(ctx context.Context, server *admin.Client, actor string) (store.Location, error) {
	text, err := server.Do(ctx, "store/info", admin.Call{Actor: actor, Input: json.RawMessage(`{}`)})
	if e, ok := errors.AsType[*admin.RefusedError](err); ok && e.Status == http.StatusNotFound {
		return store.Location{}, &admin.NoServerError{App: appName, Err: e}
	}
	if err != nil {
		return store.Location{}, err
	}
	var info identity.Info
	if err := json.Unmarshal(text, &info); err != nil {
		return store.Location{}, fmt.Errorf("admin API: %w", err)
	}
	return store.ParseLocation(info.Store)
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
		result, err = t.server.Do(ctx, name, admin.Call{Actor: t.actor, Input: text})
		err = orOpened(err)
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

// orOpened says how to do without a server that does not answer.
func orOpened(err error) error {
	if errors.Is(err, admin.ErrNoAnswer) {
		return fmt.Errorf("%w; with --store sqlite:<path> the command opens the store itself", err)
	}
	return err
}

// close gives the store back. A nil target may be closed.
func (t *target) close() error {
	if t == nil {
		return nil
	}
	return t.registry.Close()
}
