package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// firstPepper is the number of the pepper a store is made with.
const firstPepper = 1

// Create makes a new, empty store at l, for the pepper with this fingerprint.
// The directory must be there. The database appears under its name only when
// it is whole and on disk; a store that is there already is left alone and
// gives an error that is fs.ErrExist.
func Create(ctx context.Context, l Location, fingerprint string, now func() time.Time) error {
	if _, err := os.Lstat(l.Path); err == nil {
		return fmt.Errorf("store %s: %w", l, fs.ErrExist)
	}
	dir, err := os.MkdirTemp(filepath.Dir(l.Path), ".new-store-")
	if err != nil {
		return fmt.Errorf("store %s cannot be made: %w", l, err)
	}
	err = createIn(ctx, dir, l, fingerprint, now)
	return errors.Join(err, os.RemoveAll(dir))
}

// createIn makes the database in dir, which is on the same file system as the
// location, and then gives it its name.
func createIn(ctx context.Context, dir string, l Location, fingerprint string, now func() time.Time) error {
	temporary := Location{Engine: l.Engine, Path: filepath.Join(dir, "store")}
	file, err := os.OpenFile(temporary.Path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("store %s cannot be made: %w", l, err)
	}
	if err := fillNew(ctx, temporary, fingerprint, now); err != nil {
		return errors.Join(fmt.Errorf("store %s cannot be made: %w", l, err), file.Close())
	}
	if err := errors.Join(file.Sync(), file.Close(), atomicfile.Own(temporary.Path, filepath.Dir(l.Path))); err != nil {
		return fmt.Errorf("store %s cannot be made: %w", l, err)
	}
	// A link, unlike a rename, does not replace what another process may have
	// put there meanwhile.
	if err := os.Link(temporary.Path, l.Path); err != nil {
		return fmt.Errorf("store %s cannot be made: %w", l, err)
	}
	return atomicfile.SyncDir(filepath.Dir(l.Path))
}

func fillNew(ctx context.Context, l Location, fingerprint string, now func() time.Time) (err error) {
	s, err := connect(ctx, l, now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.migrate(ctx); err != nil {
		return err
	}
	_, err = s.writes.ExecContext(ctx, `INSERT INTO peppers (id, fingerprint, created) VALUES (?, ?, ?)`, firstPepper, fingerprint, micros(s.now()))
	if err != nil {
		return err
	}
	_, err = s.writes.ExecContext(ctx, s.dialect.finishNew)
	return err
}
