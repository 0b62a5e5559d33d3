//go:build unix

package botfiles_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

func TestPipesSocketsAndDevicesAreLeftOut(t *testing.T) {
	// The path of a unix socket has room for a hundred bytes only.
	top, err := os.MkdirTemp("", "bots")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(top) })
	check(t, syscall.Mkfifo(filepath.Join(top, "pipe"), 0o600))
	socket, err := net.Listen("unix", filepath.Join(top, "socket"))
	check(t, err)
	defer socket.Close()
	check(t, os.Symlink("/dev/zero", filepath.Join(top, "device-link")))
	check(t, os.Symlink("pipe", filepath.Join(top, "pipe-link")))
	special := []string{"pipe", "pipe-link", "socket"}
	if os.Geteuid() == 0 && syscall.Mknod(filepath.Join(top, "device"), syscall.S_IFCHR|0o600, 1<<8|5) == nil {
		special = append(special, "device")
	}
	write(t, filepath.Join(top, "file"), "x")
	f := files(t, top)
	listing, err := f.Describe(top)
	check(t, err)
	if len(listing.Files) != 1 || listing.Files["file"].Contents == nil {
		t.Errorf("the listing has %v", listing.Files)
	}
	for _, name := range special {
		if _, err := f.Fetch(filepath.Join(top, name)); !errors.Is(err, atomicfile.ErrNotRegular) {
			t.Errorf("'%s' is fetched: %v", name, err)
		}
		if _, err := f.Describe(filepath.Join(top, name)); !errors.Is(err, atomicfile.ErrNotRegular) {
			t.Errorf("'%s' is described: %v", name, err)
		}
	}
}

func TestWhatCannotBeReadIsNamedOnly(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can read everything")
	}
	top := realDir(t)
	write(t, filepath.Join(top, "file"), "x")
	write(t, filepath.Join(top, "closed"), "x")
	write(t, filepath.Join(top, "folder/file"), "x")
	check(t, os.Chmod(filepath.Join(top, "closed"), 0))
	check(t, os.Chmod(filepath.Join(top, "folder"), 0))
	t.Cleanup(func() { check(t, os.Chmod(filepath.Join(top, "folder"), 0o700)) })
	f := files(t, top)
	listing, err := f.Describe(top)
	check(t, err)
	closed := listing.Files["closed"]
	if len(listing.Files) != 3 || closed.Contents != nil || *closed.Size != 1 {
		t.Errorf("%+v", listing.Files)
	}
	if _, err := f.Fetch(filepath.Join(top, "closed")); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("fetched: %v", err)
	}
	if _, err := f.Describe(filepath.Join(top, "folder")); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("described: %v", err)
	}
}

// Bots own the folders above their files, and could lead the allowed path to those of
// this process. See TestTheAllowedPathMayBeALink for links that are followed.
func TestAnAllowedPathBehindALinkOfAnotherUserShowsNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a link for another user")
	}
	for _, name := range []string{"lib", "lib/bots"} {
		dir := realDir(t)
		write(t, filepath.Join(dir, "secrets/bots/file"), "secret")
		link := filepath.Join(dir, name)
		check(t, os.MkdirAll(filepath.Dir(link), 0o755))
		check(t, os.Symlink(filepath.Join(dir, "secrets", strings.TrimPrefix(name, "lib")), link))
		check(t, os.Lchown(link, 12345, 12345))
		top := filepath.Join(dir, "lib/bots")
		f := files(t, top)
		for _, path := range []string{top, filepath.Join(top, "file"), filepath.Join(dir, "secrets/bots/file")} {
			_, described := f.Describe(path)
			_, fetched := fetch(f, path)
			for _, err := range []error{described, fetched} {
				if !errors.Is(err, atomicfile.ErrForeignLink) || !strings.Contains(err.Error(), "the allowed path '"+top+"': ") {
					t.Errorf("'%s' is a link, and '%s' is asked for: %v", name, path, err)
				}
			}
		}
		check(t, os.Lchown(link, 0, 0))
		if text, err := fetch(f, top+"/file"); err != nil || text != "secret" {
			t.Errorf("root's link '%s': '%s', %v", name, text, err)
		}
	}
}

// A bot may put a link or a pipe in place of a file or a folder at any moment.
func TestALinkThatIsPutInPlaceWhileAFolderIsListedLeadsNowhere(t *testing.T) {
	dir := realDir(t)
	top := filepath.Join(dir, "bots")
	write(t, filepath.Join(dir, "outside/file"), "outside")
	write(t, filepath.Join(top, "a/file"), "inside")
	done := make(chan string, 1)
	go func() {
		f := files(t, top)
		for range 1000 {
			listing, err := f.Describe(top + "/a")
			if text := listing.Files["file"].Contents; err == nil && text != nil && *text != "inside" {
				done <- *text
				return
			}
			if text, err := fetch(f, top+"/a/file"); err == nil && text != "inside" {
				done <- text
				return
			}
		}
		done <- ""
	}()
	limit := time.After(30 * time.Second)
	folder, file := filepath.Join(top, "a"), filepath.Join(top, "a/file")
	steps := []func() error{
		func() error {
			return replaced(file, func(p string) error { return os.Symlink("../../outside/file", p) })
		},
		func() error { return replaced(file, func(p string) error { return syscall.Mkfifo(p, 0o600) }) },
		func() error {
			return replaced(file, func(p string) error { return os.WriteFile(p, []byte("inside"), 0o600) })
		},
		func() error { return os.Rename(folder, folder+".away") },
		func() error { return os.Symlink("../outside", folder) },
		func() error {
			return errors.Join(os.Remove(folder), syscall.Mkfifo(folder, 0o600))
		},
		func() error { return errors.Join(os.Remove(folder), os.Rename(folder+".away", folder)) },
	}
	for i := 0; ; i++ {
		check(t, steps[i%len(steps)]())
		select {
		case text := <-done:
			if strings.Contains(text, "outside") {
				t.Error("a file outside is shown")
			}
			return
		case <-limit:
			t.Fatal("a pipe is waited for")
		default:
		}
	}
}

// replaced puts something in place of a file in one step.
func replaced(path string, put func(string) error) error {
	next := path + ".next"
	return errors.Join(put(next), os.Rename(next, path))
}
