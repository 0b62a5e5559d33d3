//go:build unix

package intelmqsetup_test

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqsetup"
)

func TestHereIsThisMachine(t *testing.T) {
	here := intelmqsetup.Here()
	me, err := user.Current()
	check(t, err)
	a, err := here.Account(me.Username)
	check(t, err)
	if a.UID != os.Getuid() || a.GID != os.Getgid() || a.Group == "" || !slices.Contains(a.Groups, a.GID) {
		t.Errorf("%+v", a)
	}
	if here.Self.UID != a.UID || here.Self.Name != a.Name || !slices.Contains(here.Self.Groups, a.GID) {
		t.Errorf("%+v", here.Self)
	}
	if _, err := here.Account("no-such-user"); err == nil || !strings.Contains(err.Error(), "no-such-user") {
		t.Errorf("%v", err)
	}
}

func TestWhatAProgramOfTheSystemSaysIsKept(t *testing.T) {
	here := intelmqsetup.Here()
	said, err := here.Run(t.Context(), "sh", "-c", "echo out; echo err >&2; exit 3")
	if err == nil || said != "out\nerr\n" {
		t.Errorf("'%s', %v", said, err)
	}
	if said, err := here.Run(t.Context(), "sh", "-c", "yes | head -c 1000000"); err != nil || len(said) != 64<<10 {
		t.Errorf("%d bytes, %v", len(said), err)
	}
	if _, err := here.Run(t.Context(), "no-such-program"); err == nil || !strings.Contains(err.Error(), "there is no command 'no-such-program'") {
		t.Errorf("%v", err)
	}
}

func TestTheSystemKnowsWhatThisProcessMayDo(t *testing.T) {
	here := intelmqsetup.Here()
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o400))
	check(t, here.Access(file, 4))
	if err := here.Access(file+"-none", 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if os.Geteuid() == 0 {
		return
	}
	if err := here.Access(file, 2); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("writing a file that is read-only: %v", err)
	}
}
