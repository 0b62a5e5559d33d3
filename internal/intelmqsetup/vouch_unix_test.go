//go:build unix

package intelmqsetup_test

import (
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqsetup"
)

// stranger is the number of a user who is none of root, IntelMQ's and Caddy's.
const stranger = 777

func (m *machine) owner(name string) (uid, gid int) {
	m.Helper()
	info, err := os.Lstat(m.path(name))
	check(m.T, err)
	of := info.Sys().(*syscall.Stat_t)
	return int(of.Uid), int(of.Gid)
}

// TestSetUpGivesAwayNothingOfOthers: IntelMQ's user may have prepared its folders for
// that.
func TestSetUpGivesAwayNothingOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const runtime, manager, positions = configDir + "/runtime.yaml", configDir + "/manager", configDir + "/manager/positions.conf"
	for name, c := range map[string]struct {
		change func(m *machine, s *intelmqsetup.Setup)
		want   string
	}{
		"the folder is behind a link of IntelMQ's": {func(m *machine, s *intelmqsetup.Setup) {
			m.link("/opt/link", "intelmq/etc")
			m.own("/opt/link", intelmqUser, intelmqUser)
			s.ConfigDir = "/opt/link"
		}, "'/opt/link': it is a symbolic link of another user"},
		"a folder above is a link of IntelMQ's": {func(m *machine, s *intelmqsetup.Setup) {
			m.link("/opt/link", "intelmq")
			m.own("/opt/link", intelmqUser, intelmqUser)
			s.ConfigDir = "/opt/link/etc"
		}, "opt/link': it is a symbolic link of another user"},
		"everybody can write in the folder":          {func(m *machine, _ *intelmqsetup.Setup) { m.chmod(configDir, 0o777) }, "everybody can write in '/opt/intelmq/etc'"},
		"everybody can write in it, as in /tmp":      {func(m *machine, _ *intelmqsetup.Setup) { m.chmod(configDir, fs.ModeSticky|0o777) }, "everybody can write in '/opt/intelmq/etc'"},
		"the folder is a stranger's":                 {func(m *machine, _ *intelmqsetup.Setup) { check(m.T, os.Chown(m.path(configDir), stranger, 0)) }, "belongs to user 777"},
		"the file is a stranger's":                   {func(m *machine, _ *intelmqsetup.Setup) { m.own(runtime, stranger, stranger) }, "belongs to user 777"},
		"the file is root's, and could be put there": {func(m *machine, _ *intelmqsetup.Setup) { m.own(runtime, 0, 0) }, "belongs to root, and 'intelmq' may have put it there"},
		"the file is root's, in a folder of the group": {func(m *machine, _ *intelmqsetup.Setup) {
			m.own(configDir, 0, intelmqUser)
			m.chmod(configDir, 0o775)
			m.own(runtime, 0, 0)
		}, "belongs to root, and 'intelmq' may have put it there"},
		"the folder of the positions is root's": {func(m *machine, _ *intelmqsetup.Setup) {
			m.folder(manager, 0o700)
		}, "belongs to root, and 'intelmq' may have put it there"},
		"the positions are a stranger's": {func(m *machine, _ *intelmqsetup.Setup) {
			m.write(positions, "{}", 0o600)
			m.own(manager, intelmqUser, intelmqUser)
			m.own(positions, stranger, stranger)
		}, "belongs to user 777"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, dryRun := range []bool{true, false} {
				m := newMachine(t)
				s := m.setup()
				c.change(m, &s)
				_, err := m.run(s, dryRun)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want '…%s…'", err, c.want)
				}
				if uid, _ := m.owner(runtime); uid == 0 || uid == stranger {
					m.expect(runtime, "{}\n", 0o644)
				}
			}
		})
	}
}

// Packages install files of root's, in a folder of root's.
func TestFilesOfRootInAFolderOfRootGetTheGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	m := newMachine(t)
	m.write(configDir+"/manager/positions.conf", "{}", 0o644)
	m.own(configDir, 0, 0)
	m.link("/opt/link", "intelmq/etc")
	s := m.setup()
	s.ConfigDir = "/opt/link"
	_, err := m.run(s, false)
	check(t, err)
	for name, mode := range map[string]fs.FileMode{
		"": fs.ModeDir | 0o775, "/runtime.yaml": 0o664, "/manager": fs.ModeDir | 0o775, "/manager/positions.conf": 0o664,
	} {
		if uid, gid := m.owner(configDir + name); uid != 0 || gid != intelmqUser {
			t.Errorf("'%s' belongs to %d:%d", name, uid, gid)
		}
		if info, err := os.Stat(m.path(configDir + name)); err != nil || info.Mode() != mode {
			t.Errorf("'%s': %v, %v", name, info.Mode(), err)
		}
	}
	// The set-up itself has let IntelMQ write there by now.
	caddy := m.users["caddy"]
	caddy.Groups = append(caddy.Groups, intelmqUser)
	m.users["caddy"] = caddy
	said, err := m.run(s, false)
	if err != nil || strings.Count(said, "already ") != 6 {
		t.Errorf("again: %v\n%s", err, said)
	}
}

func TestCaddyIsNotMadeRoot(t *testing.T) {
	m := newMachine(t)
	m.users["root"] = intelmqsetup.Account{Name: "root", Group: "root", Groups: []int{0}}
	s := m.setup()
	s.IntelMQUser = "root"
	if _, err := m.run(s, false); err == nil || !strings.Contains(err.Error(), "'caddy' could run the command as root") {
		t.Errorf("%v", err)
	}
	if len(m.runs) != 0 {
		t.Errorf("what was run: %v", m.runs)
	}
}

// TestACommandThatOthersCanReplaceGetsNoRule: sudo would run what they put there.
func TestACommandThatOthersCanReplaceGetsNoRule(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const program = "/srv/venv/bin/intelmqctl"
	for name, c := range map[string]struct {
		change func(*machine)
		want   string
	}{
		"a folder of the command's group":    {func(m *machine) { m.chown("/srv/venv/bin", 0, stranger); m.chmod("/srv/venv/bin", 0o775) }, "venv/bin': group 777 can write there"},
		"a folder of everybody's above":      {func(m *machine) { m.chmod("/srv", fs.ModeSticky|0o777) }, "srv': everybody can write there"},
		"a folder of a stranger's above":     {func(m *machine) { m.chown("/srv/venv", stranger, 0) }, "srv/venv': it belongs to user 777"},
		"a folder of IntelMQ's":              {func(m *machine) { m.chown("/srv/venv/bin", intelmqUser, 0) }, "venv/bin': it belongs to user 23456"},
		"a file of a stranger's":             {func(m *machine) { m.chown(program, stranger, 0) }, "it belongs to user 777"},
		"a file of a group":                  {func(m *machine) { m.chown(program, 0, stranger); m.chmod(program, 0o775) }, "group 777 can write there"},
		"a link of a stranger's":             {func(m *machine) { m.linked(program); m.chown(program, stranger, 0) }, "it belongs to user 777"},
		"a link to a folder of a stranger's": {func(m *machine) { m.linked(program); m.chown("/srv/else", stranger, 0) }, "srv/else': it belongs to user 777"},
		"a link to a file of a stranger's":   {func(m *machine) { m.linked(program); m.chown("/srv/else/intelmqctl", stranger, 0) }, "else/intelmqctl': it belongs to user 777"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.write(program, "#!/bin/sh\n", 0o755)
			c.change(m)
			s := m.setup()
			s.Intelmqctl = program
			if _, err := m.run(s, false); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "can be replaced by others than root") {
				t.Errorf("%v, want '…%s…'", err, c.want)
			}
			// Without sudo there is no rule.
			s.User = "intelmq"
			if _, err := m.run(s, true); err != nil {
				t.Errorf("for IntelMQ's own user: %v", err)
			}
		})
	}
	m := newMachine(t)
	m.write(program, "#!/bin/sh\n", 0o755)
	m.linked(program)
	s := m.setup()
	s.Intelmqctl = program
	if _, err := m.run(s, false); err != nil {
		t.Errorf("a link of root's to a file of root's: %v", err)
	}
}

func (m *machine) chown(name string, uid, gid int) {
	m.Helper()
	check(m.T, os.Lchown(m.path(name), uid, gid))
}

// linked moves the program into another folder and leaves a link.
func (m *machine) linked(program string) {
	m.Helper()
	m.write("/srv/else/intelmqctl", "#!/bin/sh\n", 0o755)
	m.link(program, "../../else/intelmqctl")
}
