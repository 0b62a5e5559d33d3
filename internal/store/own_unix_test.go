//go:build unix

package store_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/store"
)

func TestFilesThatRootMakesBelongToTheDirectorysOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := t.TempDir()
	const uid, gid = 12345, 23456
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	l, err := store.NewLocation("sqlite", filepath.Join(dir, "auth.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), l, fingerprint, clock); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.WriteNew(filepath.Join(dir, "pepper"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	s := open(t, l)
	owner := user("alice")
	change(t, s, func(c *store.Change) error { return c.InsertUser(&owner) })
	for _, name := range []string{"auth.db", "auth.db-wal", "auth.db-shm", "pepper"} {
		if u, g := owners(t, filepath.Join(dir, name)); u != uid || g != gid {
			t.Errorf("%s belongs to %d:%d", name, u, g)
		}
	}
}

// A backup that root makes beside the server, and a restore, leave nothing that the
// server could not use.
func TestWhatRootDoesToAFileLeavesItToItsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	l := grown(t, 100)
	const uid, gid = 12345, 23456
	// The server has it open.
	for _, path := range []string{filepath.Dir(l.Path), l.Path, l.Path + "-wal", l.Path + "-shm"} {
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(l store.Location) {
		t.Helper()
		s := open(t, l)
		if err := s.MarkUsed(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if u, g := owners(t, l.Path+suffix); u != uid || g != gid {
				t.Errorf("%s%s belongs to %d:%d", l.Path, suffix, u, g)
			}
		}
	}
	path, _ := backup(t, l)
	if u, _ := owners(t, path); u != 0 {
		t.Errorf("the backup belongs to %d", u)
	}
	r := restore(t, path)
	seal(t, r, 0)
	if err := r.Replace(t.Context(), l, always); err != nil {
		t.Fatal(err)
	}
	expect(l)
	placed := at(filepath.Join(filepath.Dir(l.Path), "placed.db"))
	if err := r.Place(t.Context(), placed, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	expect(placed)
}

func owners(t *testing.T, path string) (uid, gid uint32) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	return owner.Uid, owner.Gid
}

func TestWhoCannotOpenAFileIsToldToWhomItHasToBeGiven(t *testing.T) {
	l, _ := made(t)
	// Users whom no system has by name.
	const caddy, other = 54321, 54322
	if err := os.Chown(l.Path, other, -1); err != nil {
		t.Skip("only root can give files away")
	}
	want := "; the file belongs to 54322 (mode 0600) and this is user 54321: run `chown 54321 '" + l.Path + "'`"
	for name, test := range map[string]struct {
		me   int
		want string
	}{
		"somebody else": {caddy, want},
		"its owner":     {other, ""},
		// Modes of files keep root from nothing.
		"root": {0, ""},
	} {
		if got := store.GiveAway(l.Path, test.me); got != test.want {
			t.Errorf("%s: '%s'", name, got)
		}
	}
}
