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
	check(t, atomicfile.WriteNewMode(path, []byte("first"), 0o664))
	if err := atomicfile.WriteNewMode(path, []byte("second"), 0o664); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second one: %v", err)
	}
	expectFile(t, path, "first", 0o664)
}

func TestACopyTakesThePlaceOfWhateverHasItsName(t *testing.T) {
	victim := filepath.Join(t.TempDir(), "victim")
	check(t, atomicfile.WriteNew(victim, []byte("precious")))
	like := filepath.Join(t.TempDir(), "like")
	check(t, atomicfile.WriteNewMode(like, nil, 0o640))
	info, err := os.Stat(like)
	check(t, err)
	for name, prepare := range map[string]func(path string) error{
		"nothing":      func(string) error { return nil },
		"another file": func(path string) error { return os.WriteFile(path, []byte("older"), 0o666) },
		"a link":       func(path string) error { return os.Symlink(victim, path) },
	} {
		path := filepath.Join(t.TempDir(), "copy")
		check(t, prepare(path))
		if err := atomicfile.Put(path, []byte("content"), info); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		expectFile(t, path, "content", 0o640)
	}
	expectFile(t, victim, "precious", 0o600)
	dir := t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "copy"), 0o700))
	if err := atomicfile.Put(filepath.Join(dir, "copy"), nil, info); err == nil {
		t.Error("a directory was replaced")
	}
}

func TestADirectoryIsLikeTheOneAbove(t *testing.T) {
	above := t.TempDir()
	check(t, os.Chmod(above, 0o770|fs.ModeSetgid))
	path := filepath.Join(above, "manager")
	info, err := atomicfile.MakeDir(path)
	check(t, err)
	if info.Mode() != fs.ModeDir|fs.ModeSetgid|0o770 {
		t.Errorf("it has %v", info.Mode())
	}
	check(t, os.Chmod(path, 0o700))
	if info, err = atomicfile.MakeDir(path + "/"); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("one that is there: %v, %v", info, err)
	}
	check(t, os.WriteFile(filepath.Join(above, "file"), nil, 0o600))
	for _, name := range []string{"file", "none/manager"} {
		if _, err := atomicfile.MakeDir(filepath.Join(above, name)); err == nil {
			t.Errorf("'%s' is a directory", name)
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
	check(t, atomicfile.Sweep(dir))
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
	if err := atomicfile.Sweep(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
