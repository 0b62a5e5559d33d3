//go:build unix

package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

func TestALinkOfOurOwnIsFollowed(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	check(t, os.WriteFile(file, nil, 0o600))
	check(t, os.Symlink(file, link))
	want, err := os.Stat(file)
	check(t, err)
	for _, path := range []string{file, link} {
		if info, err := atomicfile.Look(path); err != nil || !os.SameFile(info, want) {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	check(t, os.Remove(file))
	for _, path := range []string{file, link} {
		if _, err := atomicfile.Look(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s, without the file: %v", path, err)
		}
	}
}

func TestALinkOfAnotherUserIsNotFollowed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a link for another user")
	}
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	check(t, os.WriteFile(file, nil, 0o600))
	check(t, os.Symlink(file, link))
	check(t, os.Lchown(link, 12345, 0))
	// The file is another user's as well: that alone is no reason.
	check(t, os.Chown(file, 12345, 0))
	if _, err := atomicfile.Look(link); !errors.Is(err, atomicfile.ErrForeignLink) {
		t.Errorf("%v", err)
	}
	if _, err := atomicfile.Look(file); err != nil {
		t.Error(err)
	}
}
