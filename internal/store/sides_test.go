package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/store"
)

// lose deletes files beside a database that is open.
func lose(t *testing.T, l store.Location, suffixes ...string) {
	t.Helper()
	for _, suffix := range suffixes {
		if err := os.Remove(l.Path + suffix); err != nil {
			t.Fatal(err)
		}
	}
}

// survives opens what there would be if the machine had been switched off now.
func survives(t *testing.T, l store.Location, want string) {
	t.Helper()
	copied := locate(t)
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(l.Path + suffix)
		if err == nil {
			err = os.WriteFile(copied.Path+suffix, content, 0o600)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	expectNames(t, copied.Path, want)
}

func TestAFileThatGoesWhileItIsOpenedIsAnError(t *testing.T) {
	l := locate(t)
	with(t, l, "alice")
	file, err := os.Stat(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	move(t, l.Path, l.Path+".away")
	if err := store.ConnectTo(t, l, file); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("%v", err)
	}
}

func TestALogThatIsDeletedTakesNothingThatWasAcknowledgedWithIt(t *testing.T) {
	for name, suffixes := range map[string][]string{"the log": {"-wal"}, "its index": {"-shm"}, "both": {"-wal", "-shm"}} {
		t.Run(name, func(t *testing.T) {
			l, s, _ := changedSince(t)
			before := dataVersion(t, s)
			carol, dave := user("carol"), user("dave")
			insert := func(c *store.Change) error { return c.InsertUser(&carol) }
			lose(t, l, suffixes...)
			for what, err := range map[string]error{
				"a look":   func() error { _, err := s.DataVersion(t.Context()); return err }(),
				"reading":  func() error { _, err := s.Users(t.Context(), "", 1); return err }(),
				"a change": s.Change(t.Context(), insert),
			} {
				if !errors.Is(err, store.ErrLogLost) || !strings.Contains(err.Error(), l.Path) {
					t.Errorf("%s: %v", what, err)
				}
			}
			reopen(t, s)
			survives(t, l, "alice bob")
			if after := dataVersion(t, s); after == before {
				t.Error("memory is not told to load anew")
			}
			change(t, s, insert)
			change(t, s, func(c *store.Change) error { return c.InsertUser(&dave) })
			survives(t, l, "alice bob carol dave")
		})
	}
}

func TestAChangeIsNotAcknowledgedIfItsLogWasLostMeanwhile(t *testing.T) {
	l, s, _ := changedSince(t)
	carol := user("carol")
	err := s.Change(t.Context(), func(c *store.Change) error {
		lose(t, l, "-wal")
		return c.InsertUser(&carol)
	})
	if !errors.Is(err, store.ErrLogLost) {
		t.Errorf("%v", err)
	}
}

func TestAStoreThatIsClosedWithoutItsLogHasAllInItsFile(t *testing.T) {
	l, s, _ := changedSince(t)
	lose(t, l, "-wal", "-shm")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	expectNames(t, l.Path, "alice bob")
}

func TestALostLogStaysOpenUntilItCanBeSettled(t *testing.T) {
	l, s, _ := changedSince(t)
	s.Break(t)
	lose(t, l, "-wal")
	for range 2 {
		if _, err := s.Reopen(t.Context(), []string{fingerprint}); !errors.Is(err, store.ErrLogLost) || !strings.Contains(err.Error(), "it cannot be opened anew") {
			t.Errorf("%v", err)
		}
	}
	if err := s.Close(); !errors.Is(err, store.ErrLogLost) || !strings.Contains(err.Error(), l.Path) {
		t.Errorf("%v", err)
	}
	// It did not come to that: SQLite has settled it, being the last to close it.
	expectNames(t, l.Path, "alice bob")
}

// Connections of one process share the index of the log.
func TestNothingIsOpenedBesideAReaderOfALostLog(t *testing.T) {
	l, s, _ := changedSince(t)
	// Who has begun to read when all is in the file keeps nobody from settling.
	plainly(t, l, `PRAGMA wal_checkpoint(TRUNCATE)`)
	release := s.HoldSnapshot(t)
	lose(t, l, "-wal", "-shm")
	if _, err := s.Reopen(t.Context(), []string{fingerprint}); !errors.Is(err, store.ErrLogLost) || !strings.Contains(err.Error(), "still being read") {
		t.Errorf("%v", err)
	}
	release()
	reopen(t, s)
	expectNames(t, l.Path, "alice bob")
}

// The first server sees another file in the place of the store, and takes the log of
// both away; the second one has been asleep.
func TestAServerWhoseLogAnotherOneHasTakenAwayWritesNothingMore(t *testing.T) {
	l, a, saved := changedSince(t)
	b := open(t, l)
	carol, dave := user("carol"), user("dave")
	change(t, b, func(c *store.Change) error { return c.InsertUser(&carol) })
	away := l.Path + ".away"
	move(t, l.Path, away)
	move(t, saved, l.Path)
	reopen(t, a)
	move(t, l.Path, saved)
	move(t, away, l.Path)
	reopen(t, a)
	change(t, a, func(c *store.Change) error { return c.InsertUser(&dave) })
	erin := user("erin")
	if err := b.Change(t.Context(), func(c *store.Change) error { return c.InsertUser(&erin) }); !errors.Is(err, store.ErrLogLost) {
		t.Errorf("%v", err)
	}
	reopen(t, b)
	change(t, b, func(c *store.Change) error { return c.InsertUser(&erin) })
	for name, s := range map[string]*store.Store{"the first": a, "the second": b} {
		if got := names(t, s); got != "alice bob carol dave erin" {
			t.Errorf("%s has %s", name, got)
		}
		sound(t, s)
	}
}

// Who opened the store after its log was deleted, and was killed.
func TestTheLogThatIsInThePlaceOfALostOneIsTheOneThatCounts(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *store.Store){
		"opened anew": reopen,
		"closed": func(t *testing.T, s *store.Store) {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, twin := locate(t), locate(t)
			with(t, l, "alice")
			content, err := os.ReadFile(l.Path)
			if err == nil {
				err = os.WriteFile(twin.Path, content, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			s, other := open(t, l), open(t, twin)
			bob := user("bob")
			change(t, other, func(c *store.Change) error { return c.InsertUser(&bob) })
			log, err := os.ReadFile(twin.Path + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			lose(t, l, "-wal", "-shm")
			if err := os.WriteFile(l.Path+"-wal", log, 0o600); err != nil {
				t.Fatal(err)
			}
			end(t, s)
			expectNames(t, l.Path, "alice bob")
		})
	}
}

// None of these is a fault.
func TestALogIsNotLostByWhatOthersDoWithIt(t *testing.T) {
	real, link := filepath.Join(t.TempDir(), "real"), filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Mkdir(real, 0o700), os.Symlink(real, link)); err != nil {
		t.Fatal(err)
	}
	l := at(filepath.Join(link, "auth.db"))
	with(t, l, "alice")
	s := open(t, l)
	look := func(when string) {
		t.Helper()
		if _, err := s.DataVersion(t.Context()); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	open(t, l).Close()
	look("another one was opened and closed")
	backup(t, l)
	look("a backup was made")
	plainly(t, l, `PRAGMA wal_checkpoint(TRUNCATE)`, `VACUUM`)
	look("it was made smaller")
	bob := user("robert")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&bob) })
	move(t, real, real+".moved")
	if err := errors.Join(os.Remove(link), os.Symlink(real+".moved", link)); err != nil {
		t.Fatal(err)
	}
	look("its folder has another name, and the link leads there")
}
