//go:build unix

package caddyauth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDoctorReadsOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	// Users whom no system has by name.
	const caddy, other = 54321, 54322
	own := func(t *testing.T, e *examination, uid, gid int, names ...string) {
		t.Helper()
		for _, name := range names {
			if err := os.Chown(filepath.Join(filepath.Dir(e.settings.Location.Path), name), uid, gid); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		change func(*testing.T, *examination)
		want   []string
	}{
		"all of one user": {func(*testing.T, *examination) {}, nil},
		"another group":   {func(t *testing.T, e *examination) { own(t, e, caddy, other, "pepper") }, nil},
		"root's journal": {
			func(t *testing.T, e *examination) { own(t, e, 0, 0, "auth.db-wal") },
			[]string{"file_owner: '{DIR}/auth.db-wal' belongs to root, the database to 54321"},
		},
		"somebody else's pepper": {
			func(t *testing.T, e *examination) { own(t, e, other, caddy, "pepper") },
			[]string{"file_owner: '{DIR}/pepper' belongs to 54322, the database to 54321"},
		},
		"root's database, as a backup is that was moved there": {
			func(t *testing.T, e *examination) { own(t, e, 0, 0, "auth.db") },
			[]string{"file_owner: the database '{DIR}/auth.db' belongs to root, its directory and the pepper to 54321"},
		},
		"root's directory": {
			func(t *testing.T, e *examination) { own(t, e, 0, 0, ".") },
			[]string{"file_owner: directory '{DIR}' cannot be written by 54321, to whom the database belongs"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := examine(t, "")
			own(t, e, caddy, caddy, ".", "auth.db", "auth.db-wal", "auth.db-shm", "pepper")
			test.change(t, e)
			expectFindings(t, e, test.want...)
		})
	}
}

func TestWhoMayWriteADirectory(t *testing.T) {
	dir := t.TempDir()
	mine := userID(os.Geteuid())
	for mode, want := range map[os.FileMode][2]bool{0o700: {true, false}, 0o500: {false, false}, 0o777: {true, true}} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := mine.mayWrite(info); got != want[0] && mine != 0 {
			t.Errorf("mode %o: its owner may write: %v", mode, got)
		}
		if got := userID(54321).mayWrite(info); got != want[1] {
			t.Errorf("mode %o: somebody else may write: %v", mode, got)
		}
		if !userID(0).mayWrite(info) {
			t.Errorf("mode %o: root may not write", mode)
		}
	}
	if name := userID(0).name(); name != "root" || strings.Contains(userID(54321).name(), "root") {
		t.Errorf("user 0 is named %s", name)
	}
}
