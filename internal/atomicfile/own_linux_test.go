package atomicfile_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

func TestWhoCannotKeepTheOwnerOfAFileIsToldWhoCan(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user for a while")
	}
	const service, gui = 12345, 34567
	for name, c := range map[string]struct {
		uid, gid int
		want     string
	}{
		"a file of another user's": {0, service, "belongs to user 0, and only root can keep that"},
		"a file of another group":  {service, gui, "belongs to group 34567, and only its members can keep that; make user 12345 one by `usermod -a -G`"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "access")
			check(t, os.WriteFile(file, nil, 0o600))
			check(t, os.Chown(dir, service, service))
			check(t, os.Chown(file, c.uid, c.gid))
			was, err := os.Stat(file)
			check(t, err)
			// The rights are those of one thread.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			err = atomicfile.ImitateAfter(dir, was, func(draft string) {
				check(t, os.Chown(filepath.Join(dir, draft), service, service))
				check(t, syscall.Setfsuid(service))
			})
			check(t, syscall.Setfsuid(0))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want '…%s…'", err, c.want)
			}
		})
	}
}
