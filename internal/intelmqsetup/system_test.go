package intelmqsetup_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqctl"
	"github.com/sallyport/sallyport/internal/intelmqsetup"
)

// machine is a tree of files that is taken for a machine, and its users.
type machine struct {
	*testing.T
	root string
	// users are those that there are. Unless it is root this process is intelmq to the
	// files, since it has made them.
	users map[string]intelmqsetup.Account
	// self is who the process is.
	self intelmqsetup.Account
	// runs are the programs that were run; says is what they answer.
	runs [][]string
	says map[string]answer
	env  map[string]string
	// refuses is what this process must not do with any file.
	refuses map[fs.FileMode]error
}

type answer struct {
	text string
	err  error
}

// intelmqUser is the number of IntelMQ's user where root runs the tests.
const intelmqUser = 23456

const configDir = "/opt/intelmq/etc"

// newMachine is one with IntelMQ and sudo, and a Caddy that has no rights yet.
func newMachine(t *testing.T) *machine {
	t.Helper()
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = intelmqUser, intelmqUser
	}
	m := &machine{T: t, root: t.TempDir(), says: map[string]answer{}, env: map[string]string{"PATH": "/usr/bin:/bin"}}
	m.users = map[string]intelmqsetup.Account{
		"intelmq": {Name: "intelmq", UID: uid, GID: gid, Group: "intelmq", Groups: []int{gid}},
		"caddy":   {Name: "caddy", UID: 54321, GID: 54321, Group: "caddy", Groups: []int{54321}},
	}
	m.self = m.users["caddy"]
	m.write("/opt/intelmq/etc/runtime.yaml", "{}\n", 0o644)
	m.folder("/opt/intelmq/var/lib/bots", 0o755)
	m.folder("/etc/sudoers.d", 0o755)
	m.folder("/opt/intelmq/etc", 0o755)
	for _, program := range []string{"/usr/bin/sudo", "/usr/bin/intelmqctl"} {
		m.write(program, "#!/bin/sh\n", 0o755)
	}
	m.write("/proc/self/status", "Name:\tcaddy\nNoNewPrivs:\t0\nSeccomp:\t0\n", 0o644)
	m.write("/proc/self/cgroup", "0::/system.slice/caddy.service\n", 0o644)
	m.own("/opt/intelmq", uid, gid)
	// The tree may be in a folder that is closed to others.
	m.chmod("/", 0o755)
	return m
}

func (m *machine) system() intelmqsetup.System {
	return intelmqsetup.System{
		Root: m.root,
		Self: m.self,
		Account: func(name string) (intelmqsetup.Account, error) {
			if a, ok := m.users[name]; ok {
				return a, nil
			}
			return intelmqsetup.Account{}, fmt.Errorf("unknown user %s", name)
		},
		Run: func(_ context.Context, program string, arguments ...string) (string, error) {
			m.runs = append(m.runs, append([]string{program}, arguments...))
			said := m.says[program]
			return said.text, said.err
		},
		Access: func(path string, bits fs.FileMode) error {
			if err := m.refuses[bits]; err != nil {
				return err
			}
			_, err := os.Stat(path)
			return err
		},
		Getenv: func(name string) string { return m.env[name] },
	}
}

func (m *machine) path(name string) string { return filepath.Join(m.root, name) }

func (m *machine) write(name, text string, mode os.FileMode) {
	m.Helper()
	m.folder(filepath.Dir(name), 0o755)
	check(m.T, os.WriteFile(m.path(name), []byte(text), 0o600))
	m.chmod(name, mode)
}

func (m *machine) folder(name string, mode os.FileMode) {
	m.Helper()
	check(m.T, os.MkdirAll(m.path(name), 0o755))
	m.chmod(name, mode)
}

func (m *machine) chmod(name string, mode os.FileMode) {
	m.Helper()
	check(m.T, os.Chmod(m.path(name), mode))
}

// own gives a tree away, if this process may.
func (m *machine) own(name string, uid, gid int) {
	m.Helper()
	if os.Geteuid() != 0 {
		return
	}
	check(m.T, filepath.WalkDir(m.path(name), func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, uid, gid))
	}))
}

func (m *machine) remove(name string) {
	m.Helper()
	check(m.T, os.RemoveAll(m.path(name)))
}

func (m *machine) expect(name, text string, mode os.FileMode) {
	m.Helper()
	info, err := os.Lstat(m.path(name))
	check(m.T, err)
	if info.Mode() != mode {
		m.Errorf("'%s' has mode %v, want %v", name, info.Mode(), mode)
	}
	if info.IsDir() {
		return
	}
	if got, err := os.ReadFile(m.path(name)); err != nil || string(got) != text {
		m.Errorf("'%s' has '%s', %v, want '%s'", name, got, err, text)
	}
}

// command answers the calls of intelmqctl.
type command struct {
	version, check intelmqctl.Output
	err            error
}

func (c command) Line([]string) string { return "" }

func (c command) Execute(_ context.Context, arguments []string) (intelmqctl.Output, error) {
	if c.err != nil {
		return intelmqctl.Output{}, c.err
	}
	if arguments[0] == "--version" {
		return c.version, nil
	}
	return c.check, nil
}

// good is the command of a botnet without faults.
func good() command {
	return command{
		version: intelmqctl.Output{Stdout: []byte("3.3.2\n")},
		check:   intelmqctl.Output{Stdout: []byte(`{"status": "success", "lines": [["info", "Reading configuration files."], ["warning", "Harmonization needs an upgrade, call intelmqctl upgrade-config."]]}`)},
	}
}

// tool finds a program that some tests need.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		// It is not in the path of everybody.
		path, err = exec.LookPath(filepath.Join("/usr/sbin", name))
	}
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("CI must have %s: %v", name, err)
	}
	if err != nil {
		t.Skipf("there is no %s on this machine", name)
	}
	return path
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
