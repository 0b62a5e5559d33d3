package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// leave closes connections for good. If their file is not at its path any more,
// SQLite leaves the log alone, which the next one who opens a file there would take
// for that file's: what is in it goes into the old file before, or is kept under
// the name that is returned. While the file is in its place SQLite does that.
func (s *Store) leave(ctx context.Context, c *connections) (kept string, err error) {
	switch {
	case c.file == nil:
	case !s.isThere(c):
		s.retire(c)
		if !c.closed {
			// If it cannot be settled there is something left to be kept.
			_, _ = s.settle(ctx, c)
		}
		kept, err = s.keepLog(c)
	case !c.closed && !s.hasSides(c):
		err = s.leaveLog(ctx, c)
	}
	return kept, errors.Join(err, c.close())
}

// takeLog lets the connection that will settle the log open it, which it does when it
// reads: a database that has just got its log has been opened without one.
func (s *Store) takeLog(ctx context.Context) error {
	c := s.open.Load()
	var version uint32
	if err := c.settler.QueryRowContext(ctx, s.dialect.dataVersion).Scan(&version); err != nil {
		return s.explain(c, err)
	}
	sides := findSides(s.location.Path)
	if _, err := s.find(c); err != nil {
		return err
	}
	c.sides.Store(sides)
	return nil
}

// retire ends the use of connections: what is committed from now on is not
// acknowledged, and nothing is opened any more.
func (s *Store) retire(c *connections) {
	c.dialing.Lock()
	defer c.dialing.Unlock()
	c.retired.Store(true)
}

// settle puts what is in the log into the file it belongs to, wherever that is now,
// on the connection that has had it open from the beginning: a new one would be to
// the file that is there now. It reports whether somebody still needs the log.
func (s *Store) settle(ctx context.Context, c *connections) (busy bool, err error) {
	if c.settler == nil {
		// None could be opened, so that nothing was written.
		return false, nil
	}
	var blocked, pages, settled int
	err = c.settler.QueryRowContext(ctx, s.dialect.settle).Scan(&blocked, &pages, &settled)
	if err != nil {
		return false, err
	}
	// The numbers are -1 where there is no log, or somebody else is settling it.
	return settled < pages || blocked != 0 && pages < 0, nil
}

// isThere reports whether the file that was opened is at its path.
func (s *Store) isThere(c *connections) bool {
	info, err := os.Stat(s.location.Path)
	return err == nil && os.SameFile(info, c.file)
}

// keepLog gives a log with something in it another name, which it returns.
func (s *Store) keepLog(c *connections) (kept string, err error) {
	path, info := s.side(c, logSuffix)
	if info == nil || info.Size() == 0 {
		return "", nil
	}
	kept = path + ".replaced-" + s.now().UTC().Format("20060102T150405Z")
	if _, err := os.Lstat(kept); !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("'%s' is there already, so that the log of the file before cannot be kept: %w; move it away", kept, errors.Join(err, fs.ErrExist))
	}
	if err := os.Rename(path, kept); err != nil {
		return "", fmt.Errorf("store %s: the log of the file before is in the way: %w; move it away", s.location, err)
	}
	return kept, nil
}

// clearSides takes the log and its index away, so that another file can be opened
// while the old ones are still in use. A log with something in it is kept.
func (s *Store) clearSides(c *connections) (kept string, err error) {
	if kept, err = s.keepLog(c); err != nil {
		return "", err
	}
	for _, suffix := range []string{logSuffix, indexSuffix} {
		path, info := s.side(c, suffix)
		if info == nil {
			continue
		}
		if err := os.Remove(path); err != nil {
			return kept, fmt.Errorf("store %s is a new file, and what belongs to the old one is in its way: %w; move it away", s.location, err)
		}
	}
	return kept, nil
}
