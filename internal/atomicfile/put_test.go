package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

func TestANewFileMayBeForOthersToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shared")
	root := open(t, filepath.Dir(path))
	check(t, atomicfile.WriteNewMode(root, "shared", []byte("first"), 0o664))
	if err := atomicfile.WriteNewMode(root, "shared", []byte("second"), 0o664); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second one: %v", err)
	}
	expectFile(t, path, "first", 0o664)
}

func TestACopyTakesThePlaceOfWhateverHasItsName(t *testing.T) {
	victim := filepath.Join(t.TempDir(), "victim")
	check(t, atomicfile.WriteNew(victim, []byte("precious")))
	like := filepath.Join(t.TempDir(), "like")
	check(t, atomicfile.WriteNewMode(open(t, filepath.Dir(like)), "like", nil, 0o640))
	info, err := os.Stat(like)
	check(t, err)
	for name, prepare := range map[string]func(path string) error{
		"nothing":      func(string) error { return nil },
		"another file": func(path string) error { return os.WriteFile(path, []byte("older"), 0o666) },
		"a link":       func(path string) error { return os.Symlink(victim, path) },
	} {
		path := filepath.Join(t.TempDir(), "copy")
		check(t, prepare(path))
		if err := atomicfile.Put(open(t, filepath.Dir(path)), "copy", []byte("content"), info, accept); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		expectFile(t, path, "content", 0o640)
	}
	expectFile(t, victim, "precious", 0o600)
	dir := t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "copy"), 0o700))
	if err := atomicfile.Put(open(t, dir), "copy", nil, info, accept); err == nil {
		t.Error("a directory was replaced")
	}
}

func TestADirectoryIsLikeTheOneAbove(t *testing.T) {
	above := t.TempDir()
	check(t, os.Chmod(above, 0o770|fs.ModeSetgid))
	root := open(t, above)
	check(t, atomicfile.MakeDir(root, "manager"))
	info, err := os.Stat(filepath.Join(above, "manager"))
	check(t, err)
	if info.Mode() != fs.ModeDir|fs.ModeSetgid|0o770 {
		t.Errorf("it has %v", info.Mode())
	}
	check(t, os.WriteFile(filepath.Join(above, "file"), nil, 0o600))
	for name, want := range map[string]error{"manager": fs.ErrExist, "file": fs.ErrExist, "none/manager": fs.ErrNotExist} {
		if err := atomicfile.MakeDir(root, name); !errors.Is(err, want) {
			t.Errorf("'%s': %v, want '%v'", name, err, want)
		}
	}
}

func TestOnlyDraftsOfOursAreSwept(t *testing.T) {
	dir := t.TempDir()
	const draft = ".new-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	kept := []string{"file", ".new-", ".new-mine", ".new-abcdefghijklmnopqrstuvwxyz", draft + "2", "x" + draft}
	for _, name := range append(kept, draft, ".new-234567234567234567234567AA") {
		check(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	check(t, os.Mkdir(filepath.Join(dir, ".new-DIRECTORYDIRECTORYDIRECTOR"), 0o700))
	check(t, atomicfile.Sweep(open(t, dir)))
	files, err := os.ReadDir(dir)
	check(t, err)
	if len(files) != len(kept)+1 {
		t.Errorf("there are %v", files)
	}
	for _, name := range kept {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func open(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	check(t, err)
	t.Cleanup(func() { check(t, root.Close()) })
	return root
}
