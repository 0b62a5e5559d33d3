package intelmqconf_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/intelmqconf"
)

// intelmq is a user who makes links.
const intelmq = 23456

// asUser calls f in a process of another user. There must be no other test meanwhile.
func asUser(t *testing.T, uid int, f func()) {
	t.Helper()
	if uid != 0 {
		check(t, syscall.Seteuid(uid))
		defer func() { check(t, syscall.Seteuid(0)) }()
	}
	f()
}

// secret is JSON of the server's user in a folder of his own, such as Caddy's
// autosave.json.
func secret(t *testing.T, uid int) string {
	t.Helper()
	dir := t.TempDir()
	check(t, os.Chmod(filepath.Dir(dir), 0o755))
	check(t, os.Chown(dir, uid, uid))
	path := filepath.Join(dir, "positions.conf")
	check(t, os.WriteFile(path, []byte(`{"a": {"x": 1}}`), 0o600))
	check(t, os.Chown(path, uid, uid))
	return path
}

// change is what is saved.
const change = `{"a":{"x":2}}`

// uses are what is done with a path.
var uses = map[string]func(path string) error{
	"runtime is read": func(path string) error {
		_, err := new(intelmqconf.Runtime).Read(path)
		return err
	},
	"runtime is saved": func(path string) error {
		_, err := new(intelmqconf.Runtime).Save(path, []byte(change), intelmqconf.Saving{})
		return err
	},
	"positions are read": func(path string) error {
		_, err := new(intelmqconf.Positions).Read(path)
		return err
	},
	"positions are saved": func(path string) error {
		_, err := new(intelmqconf.Positions).Save(path, []byte(change), intelmqconf.Saving{})
		return err
	},
	"harmonization is read": func(path string) error {
		_, err := new(intelmqconf.Harmonization).Read(path)
		return err
	},
	"new positions are saved": func(path string) error {
		_, err := new(intelmqconf.Positions).Save(filepath.Join(filepath.Dir(path), "new.conf"), []byte(change), intelmqconf.Saving{})
		return err
	},
}

// TestNoLinkOfAnotherUserIsFollowed: IntelMQ's user owns the folder, and could show
// and change whatever the server's may read and write.
func TestNoLinkOfAnotherUserIsFollowed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a link for another user")
	}
	for _, uid := range []int{0, service} {
		for name := range uses {
			for _, folder := range []bool{false, true} {
				if !folder && strings.HasPrefix(name, "new") {
					continue
				}
				expectOwnLinksOnly(t, uid, name, folder)
			}
		}
	}
}

// expectOwnLinksOnly uses a link to a file, or to its folder, of one user after the
// other.
func expectOwnLinksOnly(t *testing.T, uid int, name string, folder bool) {
	t.Helper()
	use := uses[name]
	precious := secret(t, uid)
	config := t.TempDir()
	check(t, os.Chmod(config, 0o777))
	link, target, path := filepath.Join(config, "manager"), filepath.Dir(precious), filepath.Join(config, "manager", "positions.conf")
	if !folder {
		link, target, path = filepath.Join(config, "runtime.yaml"), precious, filepath.Join(config, "runtime.yaml")
	}
	check(t, os.Symlink(target, link))
	check(t, os.Lchown(link, intelmq, intelmq))
	asUser(t, uid, func() {
		err := use(path)
		if !errors.Is(err, atomicfile.ErrForeignLink) || !strings.Contains(err.Error(), "'"+link+"': ") || !strings.Contains(err.Error(), "chown -h root") {
			t.Errorf("%s by %d, a folder is a link: %v: %v", name, uid, folder, err)
		}
	})
	expectUntouched(t, precious, `{"a": {"x": 1}}`)
	for _, owner := range []int{0, uid} {
		check(t, os.Lchown(link, owner, owner))
		asUser(t, uid, func() {
			if err := use(path); err != nil {
				t.Errorf("%s by %d: a link of %d is not followed: %v", name, uid, owner, err)
			}
		})
	}
}

// TestALinkThatLeadsNowhereMakesNoFile: it would be made where another user wants.
func TestALinkThatLeadsNowhereMakesNoFile(t *testing.T) {
	config, elsewhere := t.TempDir(), t.TempDir()
	check(t, os.Symlink(filepath.Join(elsewhere, "manager"), filepath.Join(config, "manager")))
	_, err := new(intelmqconf.Positions).Save(filepath.Join(config, "manager", "positions.conf"), []byte(`{"a":1}`), intelmqconf.Saving{})
	if err == nil {
		t.Error("it is saved")
	}
	if _, err := os.Lstat(filepath.Join(elsewhere, "manager")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is made: %v", err)
	}
}
