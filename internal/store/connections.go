package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
)

// connections are what is open of one database file.
type connections struct {
	// generation counts how often the store was opened anew.
	generation int64
	// file is the file that was opened, to notice when another one has taken
	// its place; size is the greatest size that it had.
	file fs.FileInfo
	size atomic.Int64
	// sides are the files beside it that SQLite has open with it, by their
	// suffixes.
	sides map[string]fs.FileInfo
	// reads serves queries; writes has a single connection, since SQLite has a
	// single writer and waiting in line here is fairer than its busy timeout.
	reads, writes *sql.DB
	// watch is the one connection whose data_version is looked at.
	watch *sql.Conn
	// damage is what was found to be wrong with the file. From then on nothing
	// is read or written until Reopen has found it sound.
	damage atomic.Pointer[error]
	// retired is set when another file has taken this one's place and the log
	// was settled: what is written after that is lost, even if the file comes
	// back.
	retired atomic.Bool
	// settled is set when that is done, by Reopen alone.
	settled bool
	// refused is why the file that is in the place of this one cannot be used, once
	// Reopen has tried; it is ErrReplaced.
	refused atomic.Pointer[error]
}

// logSuffix and indexSuffix make the names of the write-ahead log and of its
// index, which is made anew from the log where it is missing; journalSuffix makes that
// of the journal of a database that has no such log.
const logSuffix, indexSuffix, journalSuffix = "-wal", "-shm", "-journal"

func (c *connections) opened(file fs.FileInfo) {
	c.file = file
	c.size.Store(file.Size())
}

// sideFiles begins the names of the files beside the database. SQLite follows
// a link before it makes them.
func sideFiles(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

func (c *connections) noteSides(path string) {
	c.sides = map[string]fs.FileInfo{}
	for _, suffix := range []string{logSuffix, indexSuffix} {
		if info, err := os.Lstat(sideFiles(path) + suffix); err == nil {
			c.sides[suffix] = info
		}
	}
}

// close closes the connections. Transactions that are under way go on, on
// connections that are closed when they are given back.
func (c *connections) close() error {
	var errs []error
	if c.watch != nil {
		// A connection that was found to be broken is closed already.
		if err := c.watch.Close(); !errors.Is(err, sql.ErrConnDone) {
			errs = append(errs, err)
		}
	}
	for _, db := range []*sql.DB{c.reads, c.writes} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// inPlace reports whether the file that was opened is still the one at its
// path, and not known to be damaged. If another one is there, what we read is
// of yesterday, and what we write nobody will ever see.
func (s *Store) inPlace(ctx context.Context, c *connections) error {
	info, err := os.Stat(s.location.Path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("store %s cannot be found: %w; give the server's user the right to enter its folder", s.location, err)
	case err != nil || !os.SameFile(info, c.file) || c.retired.Load():
		if refused := c.refused.Load(); refused != nil {
			return *refused
		}
		return fmt.Errorf("store %s: %w; put it back, or a backup in its place", s.location, ErrReplaced)
	}
	if damage := c.damage.Load(); damage != nil {
		return *damage
	}
	return s.checkSize(ctx, c, info.Size())
}

// checkSize notices a file that was cut off, of which SQLite may not know for
// long, since it has pages in memory. A file never shrinks by our doing, but
// somebody may have run VACUUM: then the database itself says that it is smaller.
func (s *Store) checkSize(ctx context.Context, c *connections, size int64) error {
	seen := c.size.Load()
	if size == seen {
		return nil
	}
	if size > seen {
		c.size.CompareAndSwap(seen, size)
		return nil
	}
	var whole int64
	if err := c.reads.QueryRowContext(ctx, s.dialect.size).Scan(&whole); err != nil {
		return s.explain(err)
	}
	if whole <= size {
		c.size.CompareAndSwap(seen, size)
		return nil
	}
	err := fmt.Errorf("store %s %w: it was cut off, has %d bytes and had %d", s.location, ErrDamaged, size, seen)
	c.damage.Store(&err)
	return err
}
