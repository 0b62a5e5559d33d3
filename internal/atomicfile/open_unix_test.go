//go:build unix

package atomicfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	check(t, atomicfile.WriteNew(path, []byte("content")))
	file, info, err := atomicfile.OpenRegular(path)
	check(t, err)
	check(t, file.Close())
	if info.Size() != int64(len("content")) {
		t.Errorf("it has %d bytes", info.Size())
	}
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	check(t, syscall.Mkfifo(pipe, 0o600))
	check(t, os.Symlink(pipe, link))
	for _, path := range []string{dir, pipe, link, "/dev/null"} {
		if _, _, err := atomicfile.OpenRegular(path); !errors.Is(err, atomicfile.ErrNotRegular) {
			t.Errorf("'%s': %v", path, err)
		}
	}
	root, err := os.OpenRoot(dir)
	check(t, err)
	defer root.Close()
	file, _, err = atomicfile.OpenRegularIn(root, "file")
	check(t, err)
	check(t, file.Close())
	if _, _, err := atomicfile.OpenRegularIn(root, "pipe"); !errors.Is(err, atomicfile.ErrNotRegular) {
		t.Errorf("below an open directory: %v", err)
	}
	folder, _, err := atomicfile.OpenFolderIn(root, ".")
	check(t, err)
	check(t, folder.Close())
	for _, name := range []string{"file", "pipe"} {
		if _, _, err := atomicfile.OpenFolderIn(root, name); !errors.Is(err, atomicfile.ErrNotFolder) {
			t.Errorf("'%s' is a folder: %v", name, err)
		}
	}
	if _, _, err := atomicfile.OpenRegular(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// A look at the path before it is opened would not be enough.
func TestAPipeThatComesAndGoesIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	path, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "pipe")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2000 {
			if file, _, err := atomicfile.OpenRegular(path); err == nil {
				file.Close()
			}
		}
	}()
	limit := time.After(10 * time.Second)
	for {
		check(t, os.WriteFile(path+".new", nil, 0o600))
		check(t, os.Rename(path+".new", path))
		check(t, syscall.Mkfifo(pipe, 0o600))
		check(t, os.Rename(pipe, path))
		select {
		case <-done:
			return
		case <-limit:
			t.Fatal("a pipe is waited for")
		default:
		}
	}
}
