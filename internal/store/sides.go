package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// logSuffix and indexSuffix make the names of the write-ahead log and of its
// index, which is made anew from the log where it is missing; journalSuffix makes that
// of the journal of a database that has no such log.
const logSuffix, indexSuffix, journalSuffix = "-wal", "-shm", "-journal"

// sides are the log of a database and its index. SQLite finds them by their names when
// it opens a database, and never looks for them again: whoever opens it after they
// were deleted gets others, and neither of the two knows of the other. They are
// deleted by the one who closes the database last, so not while we have it open.
type sides struct {
	// beside begins their names.
	beside string
	// files are those that were found, by their suffixes.
	files map[string]fs.FileInfo
}

// sideFiles begins the names of the files beside the database. SQLite follows
// a link before it makes them.
func sideFiles(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

func findSides(path string) *sides {
	found := &sides{beside: sideFiles(path), files: map[string]fs.FileInfo{}}
	for _, suffix := range []string{logSuffix, indexSuffix} {
		if info, err := os.Lstat(found.beside + suffix); err == nil {
			found.files[suffix] = info
		}
	}
	return found
}

// areAt reports whether all are where their names begin so.
func (o *sides) areAt(beside string) bool {
	for suffix, opened := range o.files {
		info, err := os.Lstat(beside + suffix)
		if err != nil || !os.SameFile(info, opened) {
			return false
		}
	}
	return true
}

// hasSides reports whether what was opened beside the database is still there. It
// costs two looks at files.
func (s *Store) hasSides(c *connections) bool {
	opened := c.sides.Load()
	// The folder may have another name since, and the old one be a link to it.
	return opened == nil || opened.areAt(opened.beside) || opened.areAt(sideFiles(s.location.Path))
}

// side finds a file beside the database, if it is still the one that was opened with
// it.
func (s *Store) side(c *connections, suffix string) (path string, info fs.FileInfo) {
	path = sideFiles(s.location.Path) + suffix
	known := c.sides.Load()
	if known == nil {
		return path, nil
	}
	info, err := os.Lstat(path)
	if opened := known.files[suffix]; err != nil || opened == nil || !os.SameFile(info, opened) {
		return path, nil
	}
	return path, info
}

// hasOthers reports whether somebody else has opened the database since its log was
// lost: then there is another log or index in the place of ours.
func (s *Store) hasOthers(c *connections) bool {
	opened := c.sides.Load()
	if opened == nil {
		return false
	}
	for suffix, info := range findSides(s.location.Path).files {
		if ours := opened.files[suffix]; ours == nil || !os.SameFile(info, ours) {
			return true
		}
	}
	return false
}

// giveUpLog ends the use of connections whose log was lost while their file is in its
// place. Deleted files last as long as they are open, so what was acknowledged is put
// into the file from there; and if that does not succeed they stay open until it does.
//
// If somebody has opened the database since, with another log, the other one counts,
// since he does not see what we would write into the file below it. A server that has
// opened it anew, as this one does, has settled our log before. With a log that was
// deleted by hand what was in it is lost then, unless he has gone by the time we close:
// SQLite settles the log of whoever is the last to close a database. Should he have
// been killed, and his log have something in it, the pages of both may meet in the
// file; the check of the whole file says so then.
func (s *Store) giveUpLog(ctx context.Context, c *connections) error {
	c.lost.Store(true)
	s.retire(c)
	if s.hasOthers(c) {
		return nil
	}
	busy, err := s.settle(ctx, c)
	if err != nil {
		return c.refuse(s.explain(nil, err))
	}
	if busy {
		return c.refuse(errors.New("what is in it is still in use"))
	}
	return nil
}

// leaveLog is giveUpLog for connections that are closed for good.
func (s *Store) leaveLog(ctx context.Context, c *connections) error {
	err := s.giveUpLog(ctx, c)
	if err != nil {
		err = fmt.Errorf("store %s: %w", s.location, err)
	}
	return errors.Join(err, s.spareOthers(ctx, c))
}

// closeAll closes connections whose log was lost. Those of one process share the index
// of the log, so no others are opened before the last transaction on them has ended.
func (s *Store) closeAll(ctx context.Context, c *connections) error {
	if !c.closed {
		if err := s.spareOthers(ctx, c); err != nil {
			return err
		}
	}
	if err := c.close(); err != nil {
		return err
	}
	if c.reads.Stats().OpenConnections+c.writes.Stats().OpenConnections > 0 {
		return c.refuse(errors.New("what is in it is still being read"))
	}
	return nil
}

// spareOthers sees to it that the log which is in the place of ours stays there when
// we are the last to close the database: who was killed has left in it what was
// acknowledged.
func (s *Store) spareOthers(ctx context.Context, c *connections) error {
	if !s.hasOthers(c) {
		return nil
	}
	var errs []error
	for _, conn := range []*sql.Conn{c.watch, c.settler} {
		if conn == nil {
			continue
		}
		// One that was found to be broken is closed already.
		if err := conn.Raw(s.dialect.spareLog); !errors.Is(err, sql.ErrConnDone) {
			errs = append(errs, err)
		}
	}
	for _, db := range []*sql.DB{c.reads, c.writes} {
		// None is opened any more.
		for range db.Stats().Idle {
			conn, err := db.Conn(ctx)
			if err != nil {
				break
			}
			defer func() { _ = conn.Close() }()
			errs = append(errs, conn.Raw(s.dialect.spareLog))
		}
	}
	return errors.Join(errs...)
}
