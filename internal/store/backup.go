package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// Backup writes the store at l, as of one moment, into a new file with mode 0600,
// and returns what is in it. It waits for nobody and nobody waits for it, whoever
// has the store open. Its schema stays what it is. The file has its name only when
// it is whole, has been read again and is on disk. If something is at the path the
// error is fs.ErrExist.
func Backup(ctx context.Context, l Location, path string) (summary Summary, err error) {
	if err := mustBeFree(path); err != nil {
		return summary, err
	}
	s, err := attach(ctx, l, Options{})
	if err != nil {
		return summary, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		if summary, err = summarize(ctx, tx); err != nil {
			return s.named(err)
		}
		fill := func(w io.Writer) error { return s.explain(nil, writePages(ctx, tx, w, alone)) }
		return atomicfile.WriteNewLarge(path, fill, func(draft string) error { return checkPages(ctx, draft) })
	})
	if err != nil {
		return summary, fmt.Errorf("no backup was made: %w", err)
	}
	return summary, nil
}

// mustBeFree gives an error if something is at the path, or there is no folder for it,
// before much work is done.
func mustBeFree(path string) error {
	if _, err := atomicfile.Folder(path); err != nil {
		return err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fmt.Errorf("'%s': %w; a backup replaces nothing, so name a file that is not there yet", path, fs.ErrExist)
		}
		return err
	}
	return nil
}

// named adds the location to an error that is not the database's.
func (s *Store) named(err error) error {
	if s.dialect.isFault(err) {
		return err
	}
	return fmt.Errorf("%s: %w", s, err)
}
