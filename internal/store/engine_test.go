package store_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// engines are the databases that the whole suite runs over.
var engines = map[string]func(t testing.TB) store.Location{
	"sqlite": func(t testing.TB) store.Location {
		l, err := store.NewLocation("sqlite", filepath.Join(t.TempDir(), "auth.db"))
		if err != nil {
			t.Fatal(err)
		}
		return l
	},
}

const fingerprint = "00112233445566778899aabbccddeeff"

// now is the moment at which everything in these tests happens.
var now = time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.UTC)

func clock() time.Time { return now }

// overEngines runs a test over a new store of every engine.
func overEngines(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	for name, locate := range engines {
		t.Run(name, func(t *testing.T) {
			l := locate(t)
			if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
				t.Fatal(err)
			}
			test(t, open(t, l))
		})
	}
}

func open(t testing.TB, l store.Location) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), l, store.Options{Fingerprints: []string{fingerprint}, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// change runs a change that must succeed.
func change(t testing.TB, s *store.Store, f func(*store.Change) error) {
	t.Helper()
	if err := s.Change(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func user(name string) store.User {
	return store.User{
		ID: "id-" + name, Username: name, Fold: name, State: store.Active,
		Roles: []string{"admin"}, Groups: []string{}, Created: now, Updated: now,
	}
}

func key(owner *store.User, id, name string) store.Key {
	return store.Key{
		ID: id, UserID: owner.ID, Username: owner.Username, UserState: owner.State, Name: name, Prefix: "sly",
		Verifier: credential.Verifier{1, 2, 3}, Pepper: 1, Scopes: principal.Read | principal.Write,
		Created: now, CreatedBy: "test",
	}
}

const (
	idA = "AAAAAAAAAAAA"
	idB = "BBBBBBBBBBBB"
)

// plain opens a store's database without the store, to see what it does not
// show.
func plain(t testing.TB, l store.Location) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", l.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
