//go:build unix

package cce_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/cscp"
)

// linked puts a link of a user in place of a path, to a file of root's.
func (r *rotating) linked(path string, uid int) (victim string) {
	r.t.Helper()
	victim = filepath.Join(r.t.TempDir(), "victim")
	r.write(victim, "precious", time.Now())
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		check(r.t, err)
	}
	check(r.t, os.Symlink(victim, path))
	check(r.t, os.Lchown(path, uid, -1))
	return victim
}

// Root rotates in a directory of the server's user, who must not get his hands on
// files of root's by that.
func TestALinkOfAnotherUserIsNotFollowed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a link for another user")
	}
	for name, put := range map[string]func(r *rotating) string{
		"for the password file":   func(r *rotating) string { return r.linked(r.Password, 12345) },
		"for the master key file": func(r *rotating) string { return r.linked(r.MasterKey, 12345) },
	} {
		d := blueonyx()
		d.exists = true
		r := rotate(t, d)
		r.MasterKey = r.Password + ".key"
		r.write(r.MasterKey, masterKey, time.Now())
		victim := put(r)
		_, err := r.run()
		if err == nil || !strings.Contains(err.Error(), "it is a symbolic link of another user") || !strings.Contains(err.Error(), "name the file itself") {
			t.Errorf("%s: %v", name, err)
		}
		r.expectSent("^(CREATE|SET|AUTH)")
		r.expectBeside(false)
		if content, err := os.ReadFile(victim); err != nil || string(content) != "precious" {
			t.Errorf("%s: the file behind it is '%s', %v", name, content, err)
		}
	}
}

func TestALinkOfOnesOwnStaysOne(t *testing.T) {
	d := blueonyx()
	d.exists = true
	r := rotate(t, d)
	target := r.linked(r.Password, os.Geteuid())
	done, err := r.run()
	r.expectRotated(done, err)
	if info, err := os.Lstat(r.Password); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
	if content, err := os.ReadFile(target); err != nil || strings.TrimSpace(string(content)) != r.password {
		t.Errorf("the file behind it is '%s', %v", content, err)
	}
}

func TestALinkThatWasPutInItsPlaceMeanwhileIsNotFollowed(t *testing.T) {
	d := blueonyx()
	d.exists = true
	r := rotate(t, d)
	victim := ""
	r.rotation.Open = func(ctx context.Context) (*cscp.Conn, error) {
		victim = r.linked(r.Password, os.Geteuid())
		return d.open(ctx)
	}
	if _, err := r.run(); !errors.Is(err, atomicfile.ErrReplaced) {
		t.Errorf("%v", err)
	}
	if content, err := os.ReadFile(victim); err != nil || string(content) != "precious" {
		t.Errorf("the file behind it is '%s', %v", content, err)
	}
}
