//go:build unix

package atomicfile_test

import (
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
	check(t, atomicfile.Replace(path, []byte("second")))
	expectOwner(t, path, 12345, 34567)
}

func expectOwner(t *testing.T, path string, uid, gid uint32) {
	t.Helper()
	info, err := os.Stat(path)
	check(t, err)
	if owner := info.Sys().(*syscall.Stat_t); owner.Uid != uid || owner.Gid != gid {
		t.Errorf("it belongs to %d:%d, want %d:%d", owner.Uid, owner.Gid, uid, gid)
	}
}
