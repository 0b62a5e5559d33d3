//go:build unix

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

// A process that was killed leaves a folder that is not locked any more.
func TestTemporaryFoldersThatWereLeftAreRemoved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	make := func() *atomicfile.TempFolder {
		t.Helper()
		f, err := atomicfile.NewTempFolder("sallyport-test-")
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	left := func(name string, age time.Duration) string {
		t.Helper()
		path := filepath.Join(dir, name)
		at := time.Now().Add(-age)
		if err := errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, "copy"), nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	inUse := make()
	hourAgo := time.Now().Add(-time.Hour)
	if err := os.Chtimes(inUse.Path, hourAgo, hourAgo); err != nil {
		t.Fatal(err)
	}
	old, young, other := left("sallyport-test-old", time.Hour), left("sallyport-test-young", time.Second), left("other", time.Hour)
	link := filepath.Join(dir, "sallyport-test-link")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	last := make()
	for path, stays := range map[string]bool{inUse.Path: true, old: false, young: true, filepath.Join(other, "copy"): true, link: true, last.Path: true} {
		if _, err := os.Lstat(path); (err == nil) != stays || err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("'%s': %v", path, err)
		}
	}
	for _, f := range []*atomicfile.TempFolder{inUse, last} {
		if err := f.Remove(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(f.Path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("'%s' is still there: %v", f.Path, err)
		}
	}
}
