package caddyauth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/admin"
	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/store"
)

// storeFile is the store for commands that work on its file, beside the server that
// may have it open: a service may not write where backups are.
type storeFile struct {
	settings identity.Config
	// server is the address of the one that has the store open, "" if none has.
	server string
}

// file finds the store and says on talk which one it is. Whether it is there is not
// looked at.
func (s *session) file() (storeFile, error) {
	if s.where.create {
		return storeFile{}, &command.UsageError{Text: "--create is not for this command, which begins with no empty store; leave it out"}
	}
	f, err := s.where.findFile(s.Ctx)
	if err != nil {
		return f, err
	}
	return f, s.Say("store %s (%s)", f.settings.Location, f.how())
}

// readableFile is file for a command that reads it.
func (s *session) readableFile() (storeFile, error) {
	f, err := s.file()
	if err != nil {
		return f, err
	}
	return f, f.readable()
}

func (f *targetFlags) findFile(ctx context.Context) (file storeFile, err error) {
	if file.settings, err = f.namedStore(); f.store != "" || err != nil {
		return file, err
	}
	t := &target{actor: command.CurrentUser()}
	file.settings, err = f.findServer(ctx, t)
	if t.server != nil {
		file.server = t.server.Address
	}
	if refused, ok := errors.AsType[*admin.RefusedError](err); ok && refused.Status == http.StatusServiceUnavailable && file.server != "" {
		// It has a store that it cannot use.
		err = nil
	}
	return file, err
}

// orAnother says what to do where there is no store.
func orAnother(err error) error {
	if errors.Is(err, store.ErrNoStore) {
		return fmt.Errorf("%w; name another one with --config or --store", err)
	}
	return err
}

// how says in which way the store is used.
func (f *storeFile) how() string {
	if f.server != "" {
		return "opened beside the server at " + f.server
	}
	if _, err := os.Lstat(f.settings.Location.Path); errors.Is(err, fs.ErrNotExist) {
		return "not there"
	}
	return "opened"
}

// readable says who may read the database, if it is not this user. It must be asked
// before SQLite has the file open, whose locks would be lost with the file.
func (f *storeFile) readable() error {
	path := f.settings.Location.Path
	file, _, err := atomicfile.OpenRegular(path)
	if err == nil {
		return file.Close()
	}
	if !errors.Is(err, fs.ErrPermission) {
		// What else is wrong is said by whoever uses the store.
		return nil
	}
	who := "the server's user"
	if info, err := os.Stat(path); err == nil && ownersKnown {
		who = "its owner " + ownerOf(info).name()
	}
	return fmt.Errorf("store: %w; only root and %s may read it", err, who)
}
