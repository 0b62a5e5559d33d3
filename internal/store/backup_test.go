package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/store"
)

// backup makes one of the store at l.
func backup(t *testing.T, l store.Location) (path string, summary store.Summary) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "backup.db")
	summary, err := store.Backup(t.Context(), l, path)
	if err != nil {
		t.Fatal(err)
	}
	return path, summary
}

// made makes a store with a user who has a key, and leaves it open.
func made(t *testing.T) (store.Location, *store.Store) {
	t.Helper()
	l := locate(t)
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	s := open(t, l)
	alice := user("alice")
	k := key(&alice, idA, "ci")
	change(t, s, func(c *store.Change) error {
		return errors.Join(c.InsertUser(&alice), c.InsertKey(&k), c.Record(event("1")))
	})
	return l, s
}

func event(id string) *store.Event {
	return &store.Event{ID: id, Time: now, Kind: "key.issue", Outcome: "ok", Actor: "os:test"}
}

func at(path string) store.Location { return store.Location{Engine: "sqlite", Path: path} }

func TestABackupIsOneFileThatIsAStore(t *testing.T) {
	l, s := made(t)
	path, summary := backup(t, l)
	want := store.Summary{
		Schema: 5, Counts: store.Counts{Users: 1, Keys: 1, Events: 1}, Number: 2, Latest: now,
		Peppers: []store.Pepper{{ID: 1, Fingerprint: fingerprint, Created: now}},
	}
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("beside it there are %v, %v", files, err)
	}
	copied, err := store.OpenAsItIs(t.Context(), at(path), clock)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if k, err := copied.Key(t.Context(), store.KeyRef{ID: idA}); err != nil || k.Username != "alice" {
		t.Errorf("key %+v, %v", k, err)
	}
	if mode := copied.Pragma(t, "journal_mode"); mode != "delete" {
		t.Errorf("its journal is '%s', so that it is more than one file while it is open", mode)
	}
	if mode := s.Pragma(t, "journal_mode"); mode != "wal" {
		t.Errorf("the store's journal is '%s'", mode)
	}
}

// A backup is alone in its file, so that whoever writes it shuts out whoever reads
// it. As a store it must not stay so.
func TestABackupThatIsMovedIntoPlaceIsReadWhileOthersLockIt(t *testing.T) {
	for name, open := range map[string]func(t *testing.T, l store.Location) *store.Store{
		"before the start": func(t *testing.T, l store.Location) *store.Store {
			path, _ := backup(t, l)
			move(t, path, l.Path)
			return open(t, l)
		},
		"under a running server": func(t *testing.T, l store.Location) *store.Store {
			s := open(t, l)
			path, _ := backup(t, l)
			move(t, path, l.Path)
			reopen(t, s)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := locate(t)
			with(t, l, "alice")
			s := open(t, l)
			if mode := s.Pragma(t, "journal_mode"); mode != "wal" {
				t.Errorf("the journal is '%s'", mode)
			}
			holdLock(t, l)
			if got := names(t, s); got != "alice" {
				t.Errorf("there is '%s'", got)
			}
			if _, err := s.DataVersion(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// holdLock is another program that keeps the database for itself until the test ends.
func holdLock(t *testing.T, l store.Location) {
	t.Helper()
	db, err := sql.Open("sqlite", l.Path)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err == nil {
		_, err = conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(conn.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestAStoreThatCannotHaveItsJournalIsNotOpened(t *testing.T) {
	l, s := made(t)
	path, _ := backup(t, l)
	holdLock(t, at(path))
	_, err := store.Open(t.Context(), at(path), store.Options{Fingerprints: []string{fingerprint}})
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "is locked by another program") {
		t.Errorf("one that is locked: %v", err)
	}
	if err := s.Journal(t, "SELECT 'delete'"); err == nil || !strings.Contains(err.Error(), l.Path) || !strings.Contains(err.Error(), "its journal is 'delete'; move it to a disk of this machine") {
		t.Errorf("one on a file system without: %v", err)
	}
}

func TestABackupReplacesNothing(t *testing.T) {
	l, _ := made(t)
	path, _ := backup(t, l)
	for _, taken := range []string{path, "/dev/null", t.TempDir(), l.Path} {
		if _, err := store.Backup(t.Context(), l, taken); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), taken) {
			t.Errorf("'%s': %v", taken, err)
		}
	}
	if _, err := store.Backup(t.Context(), locate(t), path+".new"); !errors.Is(err, store.ErrNoStore) {
		t.Errorf("of no store: %v", err)
	}
	other := at(filepath.Join(t.TempDir(), "other.db"))
	plainly(t, other, `CREATE TABLE cats (name TEXT)`)
	if _, err := store.Backup(t.Context(), other, path+".new"); err == nil || !strings.Contains(err.Error(), "is a database of another program") {
		t.Errorf("of another database: %v", err)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a backup all the same: %v", err)
	}
}

func TestABackupNeedsAFolder(t *testing.T) {
	l, _ := made(t)
	missing := filepath.Join(t.TempDir(), "backups")
	_, err := store.Backup(t.Context(), l, filepath.Join(missing, "backup.db"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "the folder '"+missing+"': file does not exist; make it by `install -d") {
		t.Errorf("%v", err)
	}
}

func TestABackupThatIsBrokenOffLeavesNothing(t *testing.T) {
	l, _ := made(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "backup.db")
	if _, err := store.Backup(ctx, l, path); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 0 {
		t.Errorf("there are %v, %v", files, err)
	}
}

func TestABackupOfDamageIsNone(t *testing.T) {
	from, _ := made(t)
	good, _ := backup(t, from)
	l := at(good)
	spoil(t, l)
	path := filepath.Join(t.TempDir(), "backup.db")
	_, err := store.Backup(t.Context(), l, path)
	if err == nil || !strings.Contains(err.Error(), "is damaged; put back a backup") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
}

// spoil writes over the last page of a database, which is that of an index.
func spoil(t *testing.T, l store.Location) {
	t.Helper()
	text, err := os.ReadFile(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	// Every page but the first is spoilt, so that it does not matter which one is
	// read.
	for i := 4096; i < len(text); i++ {
		text[i] = 0x55
	}
	if err := os.WriteFile(l.Path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The live store must stay what it is: who makes a backup before an upgrade wants the
// old one.
func TestABackupOfAnOldSchemaHasThatSchema(t *testing.T) {
	for schema, statements := range map[int64][]string{1: schema1, 2: schema1} {
		l := locate(t)
		store.CreateOld(t, l, schema, statements...)
		path, summary := backup(t, l)
		if summary.Schema != schema || summary.Users != 1 {
			t.Errorf("schema %d: the backup has %+v", schema, summary)
		}
		for _, l := range []store.Location{l, at(path)} {
			var got int64
			if err := plain(t, l).QueryRowContext(t.Context(), `SELECT MAX(version_id) FROM goose_db_version`).Scan(&got); err != nil || got != schema {
				t.Errorf("schema %d: %s has %d, %v", schema, l, got, err)
			}
		}
	}
}

// Each change adds a user, a key and an event, so that a copy of half a change shows.
func TestABackupIsOfOneMoment(t *testing.T) {
	l, s := made(t)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				u := user(fmt.Sprintf("u%d-%d", w, i))
				k := key(&u, fmt.Sprintf("%d%011d", w, i), "ci")
				change(t, s, func(c *store.Change) error {
					return errors.Join(c.InsertUser(&u), c.InsertKey(&k), c.Record(event(u.ID)))
				})
			}
		})
	}
	var last int64
	for range 20 {
		path, summary := backup(t, l)
		if summary.Users != summary.Keys || summary.Events != summary.Keys || summary.Number != 2*summary.Keys {
			t.Errorf("it was told of half a change: %+v", summary)
		}
		copied := open(t, at(path))
		got, err := copied.Summary(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(summary, got); diff != "" {
			t.Errorf("it has something else than was told (-told +is):\n%s", diff)
		}
		if problems, err := copied.Inspect(t.Context(), func(string) {}); err != nil || len(problems) != 0 {
			t.Errorf("%v, %v", problems, err)
		}
		last = summary.Keys
	}
	close(stop)
	writers.Wait()
	if last < 20 {
		t.Errorf("there are %d keys; nobody has written meanwhile", last)
	}
}

// plainly runs statements on a database that is no store.
func plainly(t *testing.T, l store.Location, statements ...string) {
	t.Helper()
	db := plain(t, at(l.Path))
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}
