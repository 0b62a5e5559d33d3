package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
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
	// sides are the files beside it that SQLite has open with it, nil until they are
	// known and when the connections are closed.
	sides atomic.Pointer[sides]
	// reads serves queries; writes has a single connection, since SQLite has a
	// single writer and waiting in line here is fairer than its busy timeout.
	reads, writes *sql.DB
	// watch is the one connection whose data_version is looked at. settler does
	// nothing until the end, when it puts the log into the file.
	watch, settler *sql.Conn
	// dialing is held while a connection is opened.
	dialing sync.Mutex
	// damage is what was found to be wrong with the file. From then on nothing
	// is read or written until Reopen has found it sound.
	damage atomic.Pointer[error]
	// failed counts the looks that have failed one after another for the file could
	// not be read.
	failed atomic.Int32
	// retired is set when the file was found not to be in its place: what is
	// written after that is not acknowledged, even if the file comes back.
	retired atomic.Bool
	// lost is set when that was so for a file beside it, and not for itself.
	lost atomic.Bool
	// closed is set by close.
	closed bool
	// refused is why the file that is in the place of this one, or this one without
	// its log, cannot be used, once Reopen has tried; it is ErrReplaced or ErrLogLost.
	refused atomic.Pointer[error]
}

func newConnections(file fs.FileInfo) *connections {
	c := &connections{file: file}
	c.size.Store(file.Size())
	return c
}

// close closes the connections. Transactions that are under way go on, on
// connections that are closed when they are given back. Store.reopening must be held.
func (c *connections) close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	c.sides.Store(nil)
	var errs []error
	for _, conn := range []*sql.Conn{c.watch, c.settler} {
		if conn == nil {
			continue
		}
		// A connection that was found to be broken is closed already.
		if err := conn.Close(); !errors.Is(err, sql.ErrConnDone) {
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
	info, err := s.find(c)
	if err != nil {
		return err
	}
	if damage := c.damage.Load(); damage != nil {
		return *damage
	}
	return s.checkSize(ctx, c, info.Size())
}

// find finds the file that was opened at its path, and its log beside it.
func (s *Store) find(c *connections) (fs.FileInfo, error) {
	info, err := os.Stat(s.location.Path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("store %s cannot be found: %w; give the server's user the right to enter its folder", s.location, err)
	case err != nil || !os.SameFile(info, c.file) || c.retired.Load() && !c.lost.Load():
		if refused := c.refused.Load(); refused != nil {
			return nil, *refused
		}
		return nil, fmt.Errorf("store %s: %w; put it back, or a backup in its place", s.location, ErrReplaced)
	case c.retired.Load() || !s.hasSides(c):
		if refused := c.refused.Load(); refused != nil {
			return nil, *refused
		}
		return nil, fmt.Errorf("store %s: %w", s.location, ErrLogLost)
	}
	return info, nil
}

// checkSize notices a file that was cut off, of which SQLite may not know for
// long, since it has pages in memory. A file never shrinks by our doing, but
// somebody may have run VACUUM: then it says itself that it is smaller.
func (s *Store) checkSize(ctx context.Context, c *connections, size int64) error {
	seen := c.size.Load()
	if size == seen {
		return nil
	}
	if size < seen {
		whole, err := s.isWhole(ctx, size)
		if err != nil {
			return err
		}
		if !whole {
			err := fmt.Errorf("store %s %w: it was cut off, has %d bytes and had %d", s.location, ErrDamaged, size, seen)
			c.damage.Store(&err)
			return err
		}
	}
	c.size.CompareAndSwap(seen, size)
	return nil
}

// isWhole reports whether a file that has become smaller has all the pages that it
// says it has, whatever else lies in the log. SQLite looks at that when it opens a
// database without its log.
func (s *Store) isWhole(ctx context.Context, size int64) (whole bool, err error) {
	if size == 0 {
		return false, nil
	}
	db, err := sql.Open(s.dialect.driver, frozen(s.location.Path))
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var tables int
	err = db.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_schema`).Scan(&tables)
	if s.dialect.isDamage(err) {
		return false, nil
	}
	return err == nil, s.explain(nil, err)
}
