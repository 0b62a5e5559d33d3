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
// opened, or its log is, or it was damaged and is sound again; the checks are those of Open, and
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
	old.refused.Store(nil)
	fault := s.inPlace(ctx, old)
	switch {
	case errors.Is(fault, ErrReplaced), errors.Is(fault, ErrLogLost):
		return s.openAnother(ctx, old, fault, fingerprints)
	case errors.Is(fault, ErrDamaged), errors.Is(fault, ErrUnreadable):
		return "", s.openAgain(ctx, old, fault, fingerprints)
	}
	return "", fault
}

// openAnother opens the file that is there now, which is the same where no more than
// its log was lost. While there is none, the one that was there gets what is in its
// log, so that it is whole wherever it is.
func (s *Store) openAnother(ctx context.Context, old *connections, fault error, fingerprints []string) (kept string, err error) {
	if !old.closed {
		if err := s.giveUp(ctx, old, fault); err != nil {
			return "", err
		}
	}
	// Settling may have taken long, and the files may have been exchanged again.
	file, err := checkFile(s.location.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fault
	}
	if err != nil {
		return "", old.refuse(err)
	}
	if kept, err = s.makeRoom(ctx, old, file); err != nil {
		return kept, err
	}
	next, err := s.openAnew(ctx, fingerprints, file, s.dialect.check)
	if err != nil {
		return kept, old.refuse(err)
	}
	s.use(next, old)
	return kept, nil
}

// giveUp ends the use of connections whose file or log is not in its place, and
// settles their log.
func (s *Store) giveUp(ctx context.Context, old *connections, fault error) error {
	if errors.Is(fault, ErrLogLost) {
		return s.giveUpLog(ctx, old)
	}
	s.retire(old)
	// If the log cannot be settled, for the disk is full for instance, it is kept.
	busy, _ := s.settle(ctx, old)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if busy {
		return fmt.Errorf("%w; the file that was there is still in use, so another one is not opened yet", fault)
	}
	return nil
}

// refuse notes why the file that is in the place of this one, or this one without its
// log, cannot be used.
func (c *connections) refuse(why error) error {
	if c.lost.Load() {
		refused := fmt.Errorf("%w, and it cannot be opened anew: %w", ErrLogLost, why)
		c.refused.Store(&refused)
		return refused
	}
	refused := fmt.Errorf("%w: another database file is in its place, and cannot be used: %w", ErrReplaced, why)
	c.refused.Store(&refused)
	return refused
}

// makeRoom closes the connections to a file whose place another one has taken, and
// takes away what belongs to it. Until then they are open, so that no other file can
// get the numbers of those. If it was the same file that came back, its log is its own.
func (s *Store) makeRoom(ctx context.Context, old *connections, file fs.FileInfo) (kept string, err error) {
	if !os.SameFile(file, old.file) && !s.isThere(old) {
		if kept, err = s.clearSides(old); err != nil {
			return kept, err
		}
	}
	if old.lost.Load() {
		return kept, s.closeAll(ctx, old)
	}
	return kept, old.close()
}

// openAgain opens the same file, which could not be read, if all of it is sound.
func (s *Store) openAgain(ctx context.Context, old *connections, fault error, fingerprints []string) error {
	file, err := checkFile(s.location.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return fault
	}
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	// Connections of one process share the index of the log: if that is what
	// cannot be read, none may be left.
	if errors.Is(fault, ErrUnreadable) {
		// It fails as everything else has failed.
		_ = old.close()
	}
	next, err := s.openAnew(ctx, fingerprints, file, s.dialect.checkAll)
	switch {
	case errors.Is(err, ErrDamaged):
		return fault
	case err != nil:
		return err
	}
	s.use(next, old)
	return old.close()
}

func (s *Store) use(next, old *connections) {
	next.generation = old.generation + 1
	s.open.Store(next)
}

// openAnew opens the file at the store's path, if all of it is sound.
func (s *Store) openAnew(ctx context.Context, fingerprints []string, file fs.FileInfo, check string) (*connections, error) {
	options := s.options
	options.Fingerprints = fingerprints
	next, err := connect(ctx, s.location, options, file)
	if err != nil {
		return nil, err
	}
	c := next.open.Load()
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
	if err == nil {
		// It may be gone already.
		_, err = next.find(c)
	}
	if err != nil {
		return nil, errors.Join(err, next.Close())
	}
	return c, nil
}
