package intelmqsetup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"time"
)

// System is what is looked at and changed of a machine. Here is this one.
type System struct {
	// Root is the folder that is taken for /.
	Root string
	// Account finds a user by name. If there is none the error says so.
	Account func(name string) (Account, error)
	// Run runs a program of the system. Its output is what it says on both
	// streams. The error is not nil if it says no, or is not there.
	Run func(ctx context.Context, program string, arguments ...string) (output string, err error)
	// Access asks whether this process may do with a file what the bits say, as in
	// the mode of a file for others. The system knows of access lists, of SELinux and
	// of file systems that are read-only.
	Access func(path string, bits fs.FileMode) error
	// Getenv reads the environment.
	Getenv func(name string) string
	// Self is who this process is. It has the groups with which it was started.
	Self Account
}

// Account is a user of the system.
type Account struct {
	Name string
	// UID is the user's number, GID that of its own group.
	UID, GID int
	// Group is the name of its own group.
	Group string
	// Groups are the numbers of all its groups, its own among them.
	Groups []int
}

// Here is this machine.
func Here() System {
	self := Account{UID: os.Geteuid(), GID: os.Getegid(), Groups: []int{os.Getegid()}}
	if more, err := os.Getgroups(); err == nil {
		self.Groups = append(self.Groups, more...)
	}
	if u, err := user.Current(); err == nil {
		self.Name = u.Username
	}
	return System{Root: "/", Account: findAccount, Run: run, Access: access, Getenv: os.Getenv, Self: self}
}

// path is where a file of the system is.
func (s System) path(name string) string { return filepath.Join(s.Root, name) }

// findAccount asks the databases of users and groups.
func findAccount(name string) (Account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return Account{}, err
	}
	uid, err := strconv.Atoi(u.Uid)
	gid, otherErr := strconv.Atoi(u.Gid)
	if err := errors.Join(err, otherErr); err != nil {
		return Account{}, err
	}
	group, err := user.LookupGroupId(u.Gid)
	if err != nil {
		return Account{}, err
	}
	numbers, err := u.GroupIds()
	if err != nil {
		return Account{}, err
	}
	a := Account{Name: name, UID: uid, GID: gid, Group: group.Name}
	for _, number := range numbers {
		n, err := strconv.Atoi(number)
		if err != nil {
			return Account{}, err
		}
		a.Groups = append(a.Groups, n)
	}
	return a, nil
}

const (
	// maxRun bounds how long a program of the system takes. They all answer at once.
	maxRun = 10 * time.Second
	// maxSaid bounds what is kept of its output, in bytes.
	maxSaid = 64 << 10
)

func run(ctx context.Context, program string, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, maxRun)
	defer cancel()
	command := exec.CommandContext(ctx, program, arguments...)
	command.WaitDelay = time.Second
	// Messages are compared, so they have to be in English.
	command.Env = append(os.Environ(), "LC_ALL=C")
	var said beginning
	command.Stdout, command.Stderr = &said, &said
	err := command.Run()
	if errors.Is(err, exec.ErrNotFound) {
		err = fmt.Errorf("there is no command '%s': %w", program, err)
	}
	return said.text.String(), err
}

// beginning keeps the beginning of what is written.
type beginning struct{ text bytes.Buffer }

func (b *beginning) Write(p []byte) (int, error) {
	b.text.Write(p[:min(len(p), maxSaid-b.text.Len())])
	return len(p), nil
}
