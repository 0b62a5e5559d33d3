//go:build unix

package atomicfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

func TestRootGivesNewFilesToTheOwnerOfTheDirectoryAndKeepsThatOfOldOnes(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	check(t, os.Chown(dir, 12345, 23456))
	check(t, atomicfile.WriteNew(path, []byte("first")))
	expectOwner(t, path, 12345, 23456)
	check(t, os.Chown(path, 12345, 34567))
	check(t, replace(t, path, "second"))
	expectOwner(t, path, 12345, 34567)
}

// The owner of the directory may put a link in place of the temporary file at
// any moment.
func TestALinkInPlaceOfTheTemporaryFileGivesNothingAway(t *testing.T) {
	dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
	check(t, os.WriteFile(victim, []byte("precious"), 0o600))
	path := filepath.Join(dir, "secret")
	check(t, os.WriteFile(path, []byte("first"), 0o600))
	check(t, os.Chmod(path, 0o644))
	if os.Geteuid() == 0 {
		check(t, os.Chown(victim, 0, 0))
		check(t, os.Chown(dir, 12345, 23456))
		check(t, os.Chown(path, 12345, 23456))
	}
	was, err := os.Stat(path)
	check(t, err)
	swap := func(temporary string) {
		check(t, os.Remove(filepath.Join(dir, temporary)))
		check(t, os.Symlink(victim, filepath.Join(dir, temporary)))
	}
	for name, err := range map[string]error{
		"for a new file":  atomicfile.OwnAfter(dir, swap),
		"for an old file": atomicfile.ImitateAfter(dir, was, swap),
	} {
		if !errors.Is(err, atomicfile.ErrReplaced) {
			t.Errorf("%s: %v", name, err)
		}
	}
	expectFile(t, victim, "precious", 0o600)
	expectFile(t, path, "first", 0o644)
	if os.Geteuid() == 0 {
		expectOwner(t, victim, 0, 0)
	}
}

func expectOwner(t *testing.T, path string, uid, gid uint32) {
	t.Helper()
	info, err := os.Stat(path)
	check(t, err)
	if owner := info.Sys().(*syscall.Stat_t); owner.Uid != uid || owner.Gid != gid {
		t.Errorf("it belongs to %d:%d, want %d:%d", owner.Uid, owner.Gid, uid, gid)
	}
}
