package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Reopen opens the store anew when the file at its path is another one than was
// opened, or was damaged and is sound again; the checks are those of Open, and
// one of the whole file. It may take as long as reading all of it. The error
// names the file and says why it cannot be used; if nothing was wrong there is
// none. The next answers of DataVersion and ChangesSince tell copies in memory
// to load anew. fingerprints are those of the peppers at hand by now.
//
// The log of a file that is gone must never be taken for that of the file which
// has come: SQLite would write it into that one. What is in it goes into its own
// file before, wherever that is now, and if there is a rest it is kept under
// the name that is returned.
func (s *Store) Reopen(ctx context.Context, fingerprints []string) (kept string, err error) {
	s.reopening.Lock()
	defer s.reopening.Unlock()
	old := s.open.Load()
	fault := s.inPlace(ctx, old)
	replaced := errors.Is(fault, ErrReplaced)
	if !replaced && !errors.Is(fault, ErrDamaged) {
		return "", fault
	}
	file, err := checkFile(s.location.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fault
	}
	if err != nil {
		return "", fmt.Errorf("store: %w", err)
	}
	check := s.dialect.checkAll
	if replaced {
		check = s.dialect.check
		if err := s.retire(ctx, old); err != nil {
			return "", err
		}
		// The same file has come back after another one was there: its log is its
		// own.
		if !os.SameFile(file, old.file) {
			if kept, err = s.clearSides(old); err != nil {
				return "", err
			}
		}
		// They are closed, so that other files may get their numbers by now.
		old.sides = nil
	}
	next, err := s.openAnew(ctx, fingerprints, file, check)
	switch {
	case err != nil && replaced:
		return kept, fmt.Errorf("another database file is in its place, and cannot be used: %w", err)
	case errors.Is(err, ErrDamaged):
		return "", fault
	case err != nil:
		return "", err
	}
	next.generation = old.generation + 1
	s.open.Store(next)
	if !replaced {
		err = old.close()
	}
	return kept, err
}

// retire settles the log of a file whose place another one has taken, and closes
// its connections. SQLite leaves the files beside it alone then, since it sees
// that the database has moved.
func (s *Store) retire(ctx context.Context, old *connections) error {
	if old.settled {
		return nil
	}
	// What is committed from now on is not acknowledged.
	old.retired.Store(true)
	var busy, pages, settled int
	err := old.reads.QueryRowContext(ctx, s.dialect.settle).Scan(&busy, &pages, &settled)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// The numbers are -1 where there is no log, or somebody else is settling it.
	if err == nil && (settled < pages || busy != 0 && pages < 0) {
		return fmt.Errorf("store %s: %w; the file that was there is still in use, so the new one is not opened yet", s.location, ErrReplaced)
	}
	// If the log could not be settled, for the disk is full for instance, it is
	// kept.
	old.settled = true
	return old.close()
}

// clearSides takes the log and its index away if they are those of the file that
// has gone. A log with something in it is kept under another name.
func (s *Store) clearSides(old *connections) (kept string, err error) {
	begin := sideFiles(s.location.Path)
	for suffix, side := range old.sides {
		path := begin + suffix
		info, err := os.Lstat(path)
		if err != nil || !os.SameFile(info, side) {
			continue
		}
		if suffix == indexSuffix || info.Size() == 0 {
			err = os.Remove(path)
		} else {
			kept = path + ".replaced-" + s.now().UTC().Format("20060102T150405Z")
			err = os.Rename(path, kept)
		}
		if err != nil {
			return "", fmt.Errorf("store %s is a new file, and what belongs to the old one is in its way: %w; move it away", s.location, err)
		}
	}
	return kept, nil
}

// openAnew opens the file at the store's path, if all of it is sound.
func (s *Store) openAnew(ctx context.Context, fingerprints []string, file fs.FileInfo, check string) (*connections, error) {
	options := s.options
	options.Fingerprints = fingerprints
	next, err := connect(ctx, s.location, options)
	if err != nil {
		return nil, err
	}
	c := next.open.Load()
	c.opened(file)
	problems, err := next.check(ctx, check)
	if err == nil {
		err = next.beInert(ctx)
	}
	if err == nil && len(problems) > 0 {
		err = fmt.Errorf("store %s %w: %s", s.location, ErrDamaged, strings.Join(problems, "; "))
	}
	if err == nil {
		err = next.prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}
