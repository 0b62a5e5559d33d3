package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// Replace puts the copy in place of the content of the store at l, in one
// transaction: whoever has the store open reads the old one, and then the new one.
// It is on disk when Replace returns. On an error the old content stays.
//
// Before the first page is written may is told what is in the store, where nobody
// else can write any more. It can forbid the replacement, and is done with soon:
// meanwhile all changes wait.
func (r *Restore) Replace(ctx context.Context, l Location, may func(now *Summary) error) (err error) {
	s, err := attach(ctx, l, Options{Now: r.copy.now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	// What is there is read while it is locked, which takes the journal of a store: a
	// file that was put there by hand may have another.
	if err := s.journal(ctx); err != nil {
		return err
	}
	if err := r.fit(ctx, s); err != nil {
		return err
	}
	conn, err := s.open.Load().writes.Conn(ctx)
	if err != nil {
		return s.explain(s.open.Load(), err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	held := func() error {
		now, err := s.Summary(ctx)
		if err != nil {
			return err
		}
		if err := r.mayFollow(ctx, &now); err != nil {
			return err
		}
		return may(&now)
	}
	err = conn.Raw(func(c any) error { return overwrite(ctx, c, r.copy.location.Path, held) })
	if err := errors.Join(s.explain(s.open.Load(), err), s.inPlace(ctx, s.open.Load())); err != nil {
		return err
	}
	s.shortenLog(ctx)
	return nil
}

// shortenLog gives back the room of the log, in which all of the database was just
// written. Where somebody reads the store it stays as long as it is: it is used
// again from its beginning, and costs nothing but the room.
func (s *Store) shortenLog(ctx context.Context) {
	_, _ = s.settle(ctx, s.open.Load())
}

// fit gives the copy pages as large as those of the store, since they cannot change
// while a store is open.
func (r *Restore) fit(ctx context.Context, s *Store) error {
	const query = `PRAGMA page_size`
	var want, is int
	if err := s.open.Load().reads.QueryRowContext(ctx, query).Scan(&want); err != nil {
		return s.explain(s.open.Load(), err)
	}
	if err := r.copy.open.Load().writes.QueryRowContext(ctx, query).Scan(&is); err != nil || is == want {
		return r.copy.explain(nil, err)
	}
	_, err := r.copy.open.Load().writes.ExecContext(ctx, fmt.Sprintf(`PRAGMA page_size = %d; VACUUM`, want))
	return r.copy.explain(nil, err)
}

// overwriteAtOnce is how many pages are written before the context is looked at.
const overwriteAtOnce = 1000

// overwrite replaces the content of a connection's database by that of a file. All
// steps are one transaction, which ends with the last, or is undone by Finish. held
// is called when it has begun, before anything is written.
func overwrite(ctx context.Context, connection any, from string, held func() error) error {
	target, ok := connection.(interface {
		NewRestore(string) (*sqlite.Backup, error)
	})
	if !ok {
		return errors.New("the driver cannot replace a database")
	}
	pages, err := target.NewRestore(frozen(from))
	if err != nil {
		return err
	}
	// A step of no pages takes the one turn to write.
	more, err := pages.Step(0)
	if err == nil {
		err = held()
	}
	for more && err == nil {
		if err = ctx.Err(); err == nil {
			more, err = pages.Step(overwriteAtOnce)
		}
	}
	// It tells the error of the last step once more.
	if finished := pages.Finish(); err == nil {
		err = finished
	}
	return err
}

// Place makes the copy the store at l, where there is none. It belongs to us or, if
// we are root, to the owner of the directory. ready is called when it is whole and on
// disk, under another name; on its error there is no new store.
func (r *Restore) Place(ctx context.Context, l Location, ready func() error) error {
	err := r.copy.snapshot(ctx, func(tx *sql.Tx) error {
		fill := func(w io.Writer) error { return writePages(ctx, tx, w, withLog) }
		return atomicfile.WriteNewLarge(l.Path, fill, func(string) error { return ready() })
	})
	if err != nil {
		return fmt.Errorf("store %s cannot be made: %w", l, err)
	}
	return nil
}

// SetAside gives the file of a store that cannot be read, and those beside it, other
// names, which it returns. The files beside a new store would be taken for its own.
// If any process has the store open the error is ErrInUse.
func SetAside(l Location, now time.Time) (names []string, err error) {
	root, err := os.OpenRoot(filepath.Dir(l.Path))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	release, err := lockAlone(root, filepath.Base(l.Path))
	if err != nil {
		return nil, fmt.Errorf("store %s %w", l, err)
	}
	defer func() { err = errors.Join(err, release()) }()
	name := filepath.Base(l.Path)
	aside := name + ".damaged-" + now.UTC().Format("20060102T150405Z")
	for _, suffix := range []string{"", logSuffix, indexSuffix, journalSuffix} {
		if _, err := root.Lstat(name + suffix); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if _, err := root.Lstat(aside + suffix); !errors.Is(err, fs.ErrNotExist) {
			return names, errors.Join(fmt.Errorf("'%s' is there already; try again in a second", aside+suffix), err)
		}
		if err := root.Rename(name+suffix, aside+suffix); err != nil {
			return names, err
		}
		names = append(names, filepath.Join(filepath.Dir(l.Path), aside+suffix))
	}
	return names, nil
}
