package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/store"
)

// changedSince makes a store with alice, a backup of it, and opens the store with bob
// in its log.
func changedSince(t *testing.T) (l store.Location, s *store.Store, saved string) {
	t.Helper()
	l = locate(t)
	with(t, l, "alice")
	saved, _ = backup(t, l)
	s = open(t, l)
	bob := user("bob")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&bob) })
	return l, s, saved
}

// expectNames opens a store by itself.
func expectNames(t *testing.T, path, want string) {
	t.Helper()
	s := open(t, at(path))
	if got := names(t, s); got != want {
		t.Errorf("in %s there is %s, want %s", filepath.Base(path), got, want)
	}
	sound(t, s)
}

func TestAStoreThatIsClosedWhileItsFileIsAwayLeavesItsLogToNoOther(t *testing.T) {
	away := func(t *testing.T, l store.Location) { move(t, l.Path, l.Path+".away") }
	for name, before := range map[string]func(t *testing.T, l store.Location, s *store.Store, saved string){
		"noticed": func(t *testing.T, l store.Location, s *store.Store, saved string) {
			away(t, l)
			if _, err := s.Reopen(t.Context(), nil); !errors.Is(err, store.ErrReplaced) {
				t.Errorf("%v", err)
			}
		},
		"not noticed": func(t *testing.T, l store.Location, s *store.Store, saved string) { away(t, l) },
		"with the backup in its place already": func(t *testing.T, l store.Location, s *store.Store, saved string) {
			away(t, l)
			move(t, saved, l.Path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, s, saved := changedSince(t)
			before(t, l, s, saved)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if log, err := os.Lstat(l.Path + "-wal"); err == nil && log.Size() > 0 {
				t.Errorf("%d bytes are left in the log", log.Size())
			}
			if _, err := os.Lstat(saved); err == nil {
				move(t, saved, l.Path)
			}
			expectNames(t, l.Path, "alice")
			expectNames(t, l.Path+".away", "alice bob")
		})
	}
}

func TestAFileHasAllThatWasAcknowledgedAsSoonAsItIsFoundMissing(t *testing.T) {
	l, s, _ := changedSince(t)
	move(t, l.Path, l.Path+".away")
	if _, err := s.Reopen(t.Context(), nil); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("%v", err)
	}
	// As if the machine had been switched off.
	content, err := os.ReadFile(l.Path + ".away")
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(copied, content, 0o600); err != nil {
		t.Fatal(err)
	}
	expectNames(t, copied, "alice bob")
}

func TestCloseSaysWhereTheLogOfAFileThatIsAwayIsKept(t *testing.T) {
	l := locate(t)
	with(t, l, "alice")
	s, err := store.Open(t.Context(), l, store.Options{Fingerprints: []string{fingerprint}, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	bob := user("bob")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&bob) })
	s.Break(t)
	move(t, l.Path, l.Path+".away")
	kept := l.Path + "-wal.replaced-20261122T120000Z"
	if err := s.Close(); !errors.Is(err, store.ErrReplaced) || !strings.Contains(err.Error(), kept) {
		t.Errorf("%v", err)
	}
	move(t, kept, l.Path+".away-wal")
	expectNames(t, l.Path+".away", "alice bob")
}

func TestALogIsNotKeptInPlaceOfAnother(t *testing.T) {
	l, s, saved := changedSince(t)
	s.Break(t)
	kept := l.Path + "-wal.replaced-20261122T120000Z"
	if err := os.WriteFile(kept, []byte("of before"), 0o600); err != nil {
		t.Fatal(err)
	}
	move(t, saved, l.Path)
	if _, err := s.Reopen(t.Context(), []string{fingerprint}); err == nil || !strings.Contains(err.Error(), kept) {
		t.Errorf("%v", err)
	}
	if content, err := os.ReadFile(kept); err != nil || string(content) != "of before" {
		t.Errorf("it was overwritten: %v", err)
	}
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Reopen(t.Context(), []string{fingerprint}); err != nil || got != kept {
		t.Errorf("kept '%s', %v", got, err)
	}
	if got := names(t, s); got != "alice" {
		t.Errorf("there is %s", got)
	}
}

// A connection that is opened by the path is one to the file that has come, with the
// log of the one that has gone.
func TestNoConnectionIsOpenedToAFileThatHasCome(t *testing.T) {
	l, s, saved := changedSince(t)
	for i := range 60 {
		u := user(fmt.Sprintf("user-%02d", i))
		change(t, s, func(c *store.Change) error { return c.InsertUser(&u) })
	}
	s.HoldReads(t)
	move(t, l.Path, l.Path+".away")
	before, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	move(t, saved, l.Path)
	if _, err := s.Dial(t); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("a connection: %v", err)
	}
	if after, err := os.ReadFile(l.Path); err != nil || string(after) != string(before) {
		t.Errorf("the log got into the other file: %v", err)
	}
	reopen(t, s)
	if got := names(t, s); got != "alice" {
		t.Errorf("there is %s", got)
	}
	sound(t, s)
	expectNames(t, l.Path+".away", "alice bob user-00 user-01 user-02 user-03 user-04 user-05 user-06 user-07")
}

func TestAFileThatComesBackWhileItsLogIsSettledKeepsIt(t *testing.T) {
	l, s, saved := changedSince(t)
	other := open(t, l)
	release := other.HoldSnapshot(t)
	carol, dave := user("carol"), user("dave")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&carol) })
	log, err := os.Lstat(l.Path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	away := l.Path + ".away"
	move(t, l.Path, away)
	move(t, saved, l.Path)
	done := make(chan error)
	go func() {
		_, err := s.Reopen(t.Context(), []string{fingerprint})
		done <- err
	}()
	// From then on it waits for the snapshot.
	for !s.Retired() {
		runtime.Gosched()
	}
	move(t, l.Path, saved)
	move(t, away, l.Path)
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if now, err := os.Lstat(l.Path + "-wal"); err != nil || !os.SameFile(log, now) {
		t.Errorf("the log of the other server was taken away: %v", err)
	}
	change(t, other, func(c *store.Change) error { return c.InsertUser(&dave) })
	if got := names(t, s); got != "alice bob carol dave" {
		t.Errorf("there is %s", got)
	}
	sound(t, s)
}

// A backup has no log; it gets one when it is opened.
func TestTheLogOfABackupThatWasPutInPlaceIsSettledToo(t *testing.T) {
	l, s, saved := changedSince(t)
	move(t, saved, l.Path)
	reopen(t, s)
	carol := user("carol")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&carol) })
	move(t, l.Path, l.Path+".away")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	expectNames(t, l.Path+".away", "alice carol")
}
