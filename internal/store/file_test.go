package store_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/store"
)

// What follows is about files, and so about SQLite.

func locate(t *testing.T) store.Location { return engines["sqlite"](t) }

func TestOpenRefusesWhatIsNoStore(t *testing.T) {
	for name, test := range map[string]struct {
		file string
		want string
	}{
		"an empty file": {"", "is empty: it was cut off or never was a store"},
		"another file":  {strings.Repeat("no database\n", 100), "file is not a database"},
	} {
		l := locate(t)
		if err := os.WriteFile(l.Path, []byte(test.file), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(t.Context(), l, store.Options{Fingerprints: []string{fingerprint}})
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), l.Path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	l := locate(t)
	if _, err := store.Open(t.Context(), l, store.Options{Fingerprints: []string{fingerprint}}); !errors.Is(err, store.ErrNoStore) || !strings.Contains(err.Error(), l.Path) {
		t.Errorf("no file: %v", err)
	}
	if _, err := os.Stat(l.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("opening has made a file")
	}
	l.Path = t.TempDir()
	if _, err := store.Open(t.Context(), l, store.Options{Fingerprints: []string{fingerprint}}); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: %v", err)
	}
}

func TestOpenRefusesAnotherPepper(t *testing.T) {
	l := locate(t)
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(t.Context(), l, store.Options{Fingerprints: []string{"ffff"}})
	if !errors.Is(err, store.ErrPepper) || !strings.Contains(err.Error(), fingerprint) {
		t.Errorf("%v", err)
	}
}

func TestOpenRefusesANewerSchema(t *testing.T) {
	l := locate(t)
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", l.Path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(t.Context(), l, store.Options{Fingerprints: []string{fingerprint}})
	if err == nil || !strings.Contains(err.Error(), "has schema 999, this program knows 5: it was used by a newer version") {
		t.Errorf("%v", err)
	}
}

func TestStoreIsDurableAndStrict(t *testing.T) {
	l := locate(t)
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(l.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, %v", info.Mode().Perm(), err)
	}
	s := open(t, l)
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "foreign_keys": "1", "synchronous": "2", "busy_timeout": "5000",
	} {
		if got := s.Pragma(t, pragma); got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
}

func TestCreateLeavesAStoreAlone(t *testing.T) {
	l := locate(t)
	if err := os.WriteFile(l.Path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), l, fingerprint, clock); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(l.Path); err != nil || string(text) != "precious" {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

func TestCreateLeavesNothingElseBehind(t *testing.T) {
	l := locate(t)
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(l.Path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != "auth.db" {
		t.Errorf("the directory holds %v", entries)
	}
	missing := store.Location{Engine: "sqlite", Path: filepath.Join(filepath.Dir(l.Path), "missing", "auth.db")}
	if err := store.Create(t.Context(), missing, fingerprint, clock); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing.Path) {
		t.Errorf("without a directory: %v", err)
	}
}

// The owner of the directory could put a link in place of what a driver opens
// there by name.
func TestAStoreIsNotMadeInItsDirectory(t *testing.T) {
	l := locate(t)
	looks := 0
	look := func() time.Time {
		looks++
		if entries, err := os.ReadDir(filepath.Dir(l.Path)); err != nil || len(entries) != 0 {
			t.Errorf("while it is made the directory holds %v, %v", entries, err)
		}
		return clock()
	}
	if err := store.Create(t.Context(), l, fingerprint, look); err != nil {
		t.Fatal(err)
	}
	if looks == 0 {
		t.Error("the clock was not asked")
	}
}

func TestManyProcessesMakeOneStore(t *testing.T) {
	l := locate(t)
	var wait sync.WaitGroup
	made := make(chan bool, 8)
	for range cap(made) {
		wait.Go(func() {
			err := store.Create(t.Context(), l, fingerprint, clock)
			if err != nil && !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
			made <- err == nil
		})
	}
	wait.Wait()
	close(made)
	n := 0
	for ok := range made {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d processes have made the store", n)
	}
	open(t, l)
}

func TestAReplacedFileIsNoticed(t *testing.T) {
	l := locate(t)
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	s := open(t, l)
	if err := os.Rename(l.Path, l.Path+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DataVersion(t.Context()); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("deleted: %v", err)
	}
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DataVersion(t.Context()); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("replaced: %v", err)
	}
	owner := user("alice")
	if err := s.Change(t.Context(), func(c *store.Change) error { return c.InsertUser(&owner) }); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("a change of the file that is gone: %v", err)
	}
	if _, err := s.UserByFold(t.Context(), "alice"); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("a read from the file that is gone: %v", err)
	}
	err := open(t, l).Change(t.Context(), func(c *store.Change) error {
		return errors.Join(c.InsertUser(&owner), os.Rename(l.Path, l.Path+".again"))
	})
	if !errors.Is(err, store.ErrReplaced) {
		t.Errorf("a file that goes during a change: %v", err)
	}
}

func TestALockedStoreIsAnErrorThatSaysSo(t *testing.T) {
	l := locate(t)
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	s := open(t, l)
	other, err := sql.Open("sqlite", l.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lock, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
	defer cancel()
	owner := user("alice")
	err = s.Change(ctx, func(c *store.Change) error { return c.InsertUser(&owner) })
	if err == nil || !strings.Contains(err.Error(), "is locked by another program") || !strings.Contains(err.Error(), l.Path) {
		t.Errorf("%v", err)
	}
	if _, err := lock.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	change(t, s, func(c *store.Change) error { return c.InsertUser(&owner) })
}

// Whoever stands in line behind a change that waits for a lock must not wait for
// all who came before.
func TestNobodyStandsInLineForLong(t *testing.T) {
	l := locate(t)
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	s := open(t, l)
	db := plain(t, l)
	lock, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	errs := make([]error, 4)
	var waiting sync.WaitGroup
	for i := range errs {
		waiting.Go(func() {
			owner := user("alice")
			errs[i] = s.Change(t.Context(), func(c *store.Change) error { return c.InsertUser(&owner) })
		})
	}
	// Who only reads goes on.
	if _, err := s.UserByFold(t.Context(), "alice"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("reading: %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("reading took %s", took)
	}
	waiting.Wait()
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("the last one has waited for %s", took)
	}
	for _, err := range errs {
		if err == nil || !strings.Contains(err.Error(), l.Path) || !strings.Contains(err.Error(), "fuser") {
			t.Errorf("%v", err)
		}
	}
	if _, err := lock.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	owner := user("alice")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&owner) })
}

// While a server has the store open nobody gets it for himself alone.
func TestNobodyGetsAStoreInUseForHimselfAlone(t *testing.T) {
	l := locate(t)
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	s := open(t, l)
	other, err := plain(t, l).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, statement := range []string{"PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", "ROLLBACK"} {
		// Whether it is refused is up to SQLite.
		_, _ = other.ExecContext(t.Context(), statement)
	}
	owner := user("alice")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&owner) })
	if _, err := s.UserByFold(t.Context(), "alice"); err != nil {
		t.Error(err)
	}
}

func TestLocations(t *testing.T) {
	l, err := store.ParseLocation("sqlite:/var/lib/sallyport/auth.db")
	if err != nil || l.String() != "sqlite:/var/lib/sallyport/auth.db" {
		t.Errorf("%s, %v", l, err)
	}
	for text, want := range map[string]string{
		"/var/lib/auth.db": "write sqlite:<path>",
		"mysql:/x":         "store engine 'mysql' is unknown; there is sqlite",
		"sqlite:":          "the path of the database file is missing",
		"sqlite:a\x00b":    "the path of the database file is missing",
	} {
		if _, err := store.ParseLocation(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPathsWithOddCharacters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c%20d#e&mode=memory")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := store.NewLocation("sqlite", filepath.Join(dir, "auth.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	open(t, l)
	if info, err := os.Stat(l.Path); err != nil || info.Size() == 0 {
		t.Errorf("the database is not at its path: %v", err)
	}
}

func TestAFullDiskStopsChangesAndNothingElse(t *testing.T) {
	l := locate(t)
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	s := open(t, l)
	owner := user("alice")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&owner) })
	s.Fill(t)
	begun := session(&owner, "1", token("AAAAAAAAAAAA"))
	begun.UserAgent = strings.Repeat("x", 100_000)
	err := s.Change(t.Context(), func(c *store.Change) error { return c.InsertSession(&begun) })
	if err == nil || !strings.Contains(err.Error(), "cannot grow; make room on its disk") || !strings.Contains(err.Error(), l.Path) {
		t.Errorf("%v", err)
	}
	if list := sessions(t, s, store.SessionFilter{}); len(list) != 0 {
		t.Errorf("half of it is there: %v", ids(list))
	}
	if _, err := s.LoginRecord(t.Context(), "alice", here); err != nil {
		t.Errorf("reading: %v", err)
	}
}
