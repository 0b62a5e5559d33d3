package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

func TestAFolderThatOneMayNotEnterIsNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user for a while")
	}
	above, err := os.MkdirTemp("", "folder")
	check(t, err)
	defer os.RemoveAll(above)
	check(t, os.Chmod(above, 0o755))
	dir := filepath.Join(above, "backups")
	check(t, os.Mkdir(dir, 0o700))
	// The rights are those of one thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	check(t, syscall.Setfsuid(12345))
	_, err = atomicfile.Folder(filepath.Join(dir, "auth.db"))
	check(t, syscall.Setfsuid(0))
	if !errors.Is(err, fs.ErrPermission) || !strings.HasPrefix(err.Error(), "the folder '"+dir+"' cannot be entered: ") || !strings.Contains(err.Error(), "such as root, or name another one") {
		t.Errorf("%v", err)
	}
}
