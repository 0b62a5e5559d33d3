package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

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
	check(t, replace(t, path, "second"))
	expectFile(t, path, "second", 0o640)
}

func TestASymbolicLinkStaysOne(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "secret"), filepath.Join(t.TempDir(), "link")
	check(t, atomicfile.WriteNew(path, []byte("first")))
	check(t, os.Symlink(path, link))
	check(t, replace(t, link, "second"))
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
	check(t, replace(t, path, "second, and longer"))
	text := make([]byte, 100)
	n, err := open.Read(text)
	check(t, err)
	if string(text[:n]) != "first" {
		t.Errorf("the open file has '%s'", text[:n])
	}
}

func TestAFileIsPutInPlaceOnceItsDraftIsAccepted(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "rules")
	for _, content := range []string{"first", "second"} {
		check(t, atomicfile.Install(path, []byte(content), 0o440, func(draft string) error {
			text, err := os.ReadFile(draft)
			if string(text) != content {
				t.Errorf("the draft has '%s'", text)
			}
			return err
		}))
		expectFile(t, path, content, 0o440)
	}
	refused := errors.New("refused")
	if err := atomicfile.Install(path, []byte("third"), 0o440, func(string) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	expectFile(t, path, "second", 0o440)
}

func TestWhatIsNotThereIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	gone := filepath.Join(dir, "gone")
	check(t, atomicfile.WriteNew(gone, nil))
	was, err := os.Stat(gone)
	check(t, err)
	check(t, os.Remove(gone))
	if err := atomicfile.Replace(gone, []byte("x"), was); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	expectEmpty(t, dir)
	if err := atomicfile.WriteNew(filepath.Join(dir, "none", "file"), []byte("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	expectEmpty(t, dir)
}

// Whoever owns the directory may lead the path to a file of root's.
func TestAnotherFileThanTheOneThatWasMeantIsNotReplaced(t *testing.T) {
	dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
	path := filepath.Join(dir, "secret")
	check(t, atomicfile.WriteNew(victim, []byte("precious")))
	for name, put := range map[string]func() error{
		"a link":       func() error { return os.Symlink(victim, path) },
		"another file": func() error { return atomicfile.WriteNew(path, []byte("third")) },
	} {
		check(t, atomicfile.WriteNew(path, []byte("first")))
		was, err := os.Stat(path)
		check(t, err)
		// The first file stays, so that its number is not used again.
		check(t, os.Rename(path, filepath.Join(t.TempDir(), "away")))
		check(t, put())
		if err := atomicfile.Replace(path, []byte("second"), was); !errors.Is(err, atomicfile.ErrReplaced) {
			t.Errorf("%s: %v", name, err)
		}
		if err := atomicfile.ReplaceIn(open(t, dir), "secret", []byte("second"), was, accept); !errors.Is(err, atomicfile.ErrReplaced) {
			t.Errorf("%s, in the open folder: %v", name, err)
		}
		check(t, os.Remove(path))
		expectEmpty(t, dir)
	}
	expectFile(t, victim, "precious", 0o600)
}

// Two files change together as nearly as they can: each is ready on disk before the
// first gets its name.
func TestUntilADraftIsAcceptedTheOldFileStays(t *testing.T) {
	refused := errors.New("refused")
	for name, write := range map[string]func(root *os.Root, was fs.FileInfo, ready func() error) error{
		"replaced": func(root *os.Root, was fs.FileInfo, ready func() error) error {
			return atomicfile.ReplaceIn(root, "secret", []byte("second"), was, ready)
		},
		"put": func(root *os.Root, was fs.FileInfo, ready func() error) error {
			return atomicfile.Put(root, "secret", []byte("second"), was, ready)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "secret")
			check(t, atomicfile.WriteNew(path, []byte("first")))
			was, err := os.Stat(path)
			check(t, err)
			err = write(open(t, dir), was, func() error {
				drafts, err := filepath.Glob(filepath.Join(dir, ".new-*"))
				check(t, err)
				if len(drafts) != 1 {
					t.Fatalf("the drafts are %v", drafts)
				}
				if text, err := os.ReadFile(drafts[0]); err != nil || string(text) != "second" {
					t.Errorf("the draft has '%s', %v", text, err)
				}
				return refused
			})
			if !errors.Is(err, refused) {
				t.Errorf("%v", err)
			}
			expectFile(t, path, "first", 0o600)
			check(t, write(open(t, dir), was, accept))
			expectFile(t, path, "second", 0o600)
		})
	}
}

func accept() error { return nil }

func TestAPathMayBeInTheCurrentDirectory(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	check(t, atomicfile.WriteNew("secret", []byte("first")))
	check(t, replace(t, "secret", "second"))
	expectFile(t, filepath.Join(dir, "secret"), "second", 0o600)
}

func TestWhatHasHappenedToAFileIsSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	check(t, atomicfile.WriteNew(path, []byte("first")))
	look := func() fs.FileInfo {
		info, err := os.Stat(path)
		check(t, err)
		return info
	}
	before := look()
	if !atomicfile.Unchanged(before, look()) {
		t.Error("nothing has happened, and it looks changed")
	}
	for name, change := range map[string]func() error{
		"its time":   func() error { return os.Chtimes(path, time.Time{}, before.ModTime().Add(time.Second)) },
		"its length": func() error { return os.Truncate(path, 1) },
		"its mode":   func() error { return os.Chmod(path, 0o640) },
		"the file":   func() error { return replace(t, path, "first") },
	} {
		before := look()
		check(t, change())
		if atomicfile.Unchanged(before, look()) {
			t.Errorf("%s has changed, and is not seen", name)
		}
	}
}

func replace(t *testing.T, path, content string) error {
	t.Helper()
	was, err := os.Stat(path)
	check(t, err)
	return atomicfile.Replace(path, []byte(content), was)
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
