package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

func TestANewFileReplacesNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	check(t, atomicfile.WriteNew(path, []byte("first")))
	if err := atomicfile.WriteNew(path, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second one: %v", err)
	}
	expectFile(t, path, "first", 0o600)
}

func TestAReplacedFileKeepsItsMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	check(t, atomicfile.WriteNew(path, []byte("first")))
	check(t, os.Chmod(path, 0o640))
	check(t, atomicfile.Replace(path, []byte("second")))
	expectFile(t, path, "second", 0o640)
}

func TestASymbolicLinkStaysOne(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "secret"), filepath.Join(t.TempDir(), "link")
	check(t, atomicfile.WriteNew(path, []byte("first")))
	check(t, os.Symlink(path, link))
	check(t, atomicfile.Replace(link, []byte("second")))
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
	expectFile(t, path, "second", 0o600)
}

// A reader that has the file open sees all of the old content, whenever it
// reads: the file is never written over in place.
func TestAReaderSeesTheOldFileOrTheNewOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	check(t, atomicfile.WriteNew(path, []byte("first")))
	open, err := os.Open(path)
	check(t, err)
	defer open.Close()
	check(t, atomicfile.Replace(path, []byte("second, and longer")))
	text := make([]byte, 100)
	n, err := open.Read(text)
	check(t, err)
	if string(text[:n]) != "first" {
		t.Errorf("the open file has '%s'", text[:n])
	}
}

func TestWhatIsNotThereIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := atomicfile.Replace(filepath.Join(dir, "none"), []byte("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	expectEmpty(t, dir)
	if err := atomicfile.WriteNew(filepath.Join(dir, "none", "file"), []byte("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	expectEmpty(t, dir)
}

func expectFile(t *testing.T, path, content string, mode fs.FileMode) {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	info, err := os.Stat(path)
	check(t, err)
	if string(text) != content || info.Mode().Perm() != mode {
		t.Errorf("the file has '%s' and mode %04o, want '%s' and %04o", text, info.Mode().Perm(), content, mode)
	}
	names, err := os.ReadDir(filepath.Dir(path))
	check(t, err)
	if len(names) != 1 {
		t.Errorf("the directory has %v", names)
	}
}

func expectEmpty(t *testing.T, dir string) {
	t.Helper()
	names, err := os.ReadDir(dir)
	check(t, err)
	if len(names) != 0 {
		t.Errorf("the directory has %v", names)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
