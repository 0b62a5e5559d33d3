package intelmqconf_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqconf"
)

// service is the user that a test is for a while, of a group of the same number.
const service = 12345

// asService calls f with the rights on files of the user service.
func asService(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user for a while")
	}
	// The rights are those of one thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	check(t, syscall.Setfsgid(service))
	check(t, syscall.Setfsuid(service))
	defer func() {
		check(t, syscall.Setfsuid(0))
		check(t, syscall.Setfsgid(0))
	}()
	f()
}

// becomeService is asService for a process that ends soon.
func becomeService() {
	runtime.LockOSThread()
	if err := errors.Join(syscall.Setfsgid(service), syscall.Setfsuid(service)); err != nil {
		panic(err)
	}
}

// shared gives a runtime.yaml with a mode, of a user and group, in a folder that
// service may look into.
func shared(t *testing.T, text string, uid, gid int, file, folder fs.FileMode) string {
	t.Helper()
	path := put(t, text)
	check(t, os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755))
	for path, mode := range map[string]fs.FileMode{path: file, filepath.Dir(path): folder} {
		if os.Geteuid() == 0 {
			check(t, os.Chown(path, uid, gid))
		}
		check(t, os.Chmod(path, mode))
	}
	return path
}

func TestAFileOfAnotherUserIsWrittenOverAndHasABackup(t *testing.T) {
	const old = "a: {x: 1} # remark\n"
	path := shared(t, old, 990, service, 0o664, 0o775)
	var saved intelmqconf.Saved
	var err error
	asService(t, func() {
		var r intelmqconf.Runtime
		saved, err = r.Save(path, []byte(`{"a":{"x":2},"b":{}}`), intelmqconf.Saving{})
	})
	check(t, err)
	if !strings.Contains(saved.Warning, "written over in place") || !strings.Contains(saved.Warning, "the file belongs to user 990") || strings.Contains(saved.Warning, "no backup") {
		t.Errorf("the warning is '%s'", saved.Warning)
	}
	expectFiles(t, filepath.Dir(path), map[string]string{"runtime.yaml": "a:\n  x: 2\nb: {}\n", "runtime.yaml.bak": old})
	expectOwner(t, path, 990, service, 0o664)
	expectOwner(t, path+".bak", service, service, 0o664)
}

func TestInAFolderThatTakesNoFilesTheFileIsWrittenOver(t *testing.T) {
	const old = "a: {x: 1, long: word}\n"
	path := shared(t, old, 990, service, 0o664, 0o755)
	var saved intelmqconf.Saved
	var err error
	asService(t, func() {
		var r intelmqconf.Runtime
		saved, err = r.Save(path, []byte(`{"a":{}}`), intelmqconf.Saving{})
	})
	check(t, err)
	if !strings.Contains(saved.Warning, "written over in place") || !strings.Contains(saved.Warning, "runtime.yaml.bak': ") {
		t.Errorf("the warning is '%s'", saved.Warning)
	}
	expectFiles(t, filepath.Dir(path), map[string]string{"runtime.yaml": "a: {}\n"})
	expectOwner(t, path, 990, service, 0o664)
}

func TestWithoutRightsNothingIsChangedAndTheBackupIsNamed(t *testing.T) {
	const old = "a: {x: 1}\n"
	path := shared(t, old, 990, 990, 0o644, 0o755)
	var err error
	asService(t, func() {
		var r intelmqconf.Runtime
		_, err = r.Save(path, []byte(`{"a":{}}`), intelmqconf.Saving{})
	})
	failed, is := errors.AsType[*intelmqconf.FileError](err)
	if !is || !errors.Is(err, fs.ErrPermission) || failed.Path != path+".bak" {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"'" + path + ".bak': ", "permission denied; ", "the folder '" + filepath.Dir(path) + "'", "caddy intelmq setup"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("'%v' does not say '%s'", err, want)
		}
	}
	expectUntouched(t, path, old)
}

func TestABackupOfAGroupThatCannotBeGivenIsNotForAnotherGroup(t *testing.T) {
	path := shared(t, "a: {x: 1}\n", service, 990, 0o660, 0o777)
	var err error
	asService(t, func() {
		var r intelmqconf.Runtime
		_, err = r.Save(path, []byte(`{"a":{}}`), intelmqconf.Saving{})
	})
	check(t, err)
	expectOwner(t, path, service, 990, 0o660)
	expectOwner(t, path+".bak", service, service, 0o600)
}

func expectOwner(t *testing.T, path string, uid, gid uint32, mode fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	check(t, err)
	if is := info.Sys().(*syscall.Stat_t); is.Uid != uid || is.Gid != gid || info.Mode().Perm() != mode {
		t.Errorf("'%s' belongs to %d:%d with %v, want %d:%d with %v", path, is.Uid, is.Gid, info.Mode().Perm(), uid, gid, mode)
	}
}
