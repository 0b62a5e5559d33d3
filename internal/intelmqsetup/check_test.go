//go:build unix

package intelmqsetup_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqsetup"
)

// prepared is a machine that has been set up for Caddy.
func prepared(t *testing.T) *machine {
	t.Helper()
	m := newMachine(t)
	caddy := m.users["caddy"]
	caddy.Groups = append(caddy.Groups, m.users["intelmq"].GID)
	m.users["caddy"] = caddy
	_, err := m.run(m.setup(), false)
	check(t, err)
	m.runs = nil
	// The rights of the tree are not this process's, so that of a check by root.
	m.self = intelmqsetup.Account{Name: "root"}
	return m
}

func (m *machine) checker(c command) intelmqsetup.Checker {
	return intelmqsetup.Checker{
		System:      m.system(),
		User:        "caddy",
		Command:     []string{"sudo", "-u", "intelmq", "/usr/bin/intelmqctl"},
		Executor:    c,
		ConfigDir:   configDir,
		RuntimeFile: configDir + "/runtime.yaml",
		Parse: func(content []byte) error {
			if strings.HasPrefix(string(content), "{") {
				return nil
			}
			return errors.New("line 1: a brace is missing")
		},
		AllowedPath: "/opt/intelmq/var/lib/bots",
		Users:       func(context.Context) (int, error) { return 1, nil },
	}
}

func TestNothingIsFoundWhereAllIsWell(t *testing.T) {
	m := prepared(t)
	if found := m.checker(good()).Check(t.Context()); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	want := "sudo -n -l -U caddy -u intelmq /usr/bin/intelmqctl"
	if len(m.runs) != 1 || strings.Join(m.runs[0], " ") != want {
		t.Errorf("what was run: %v", m.runs)
	}
}

// situation is something that is wrong, and what is found of it.
type situation struct {
	change func(*machine, *intelmqsetup.Checker)
	// want are the ids, in order.
	want []string
	// text and do are parts of the first finding.
	text, do string
}

var ofTheFiles = map[string]situation{
	"runtime.yaml is not there": {
		func(m *machine, _ *intelmqsetup.Checker) { m.remove(configDir + "/runtime.yaml") },
		[]string{intelmqsetup.RuntimeMissing},
		"there is no '/opt/intelmq/etc/runtime.yaml'", "",
	},
	"runtime.yaml is broken": {
		func(m *machine, _ *intelmqsetup.Checker) {
			check(m.T, os.WriteFile(m.path(configDir+"/runtime.yaml"), []byte("x"), 0o600))
		},
		[]string{intelmqsetup.RuntimeBroken},
		"line 1: a brace is missing", "",
	},
	"runtime.yaml is a pipe": {
		func(m *machine, _ *intelmqsetup.Checker) {
			m.pipe(configDir + "/runtime.yaml")
			m.chmod(configDir+"/runtime.yaml", 0o664)
		},
		[]string{intelmqsetup.RuntimeBroken},
		"not a regular file", "",
	},
	"runtime.yaml is closed": {
		func(m *machine, _ *intelmqsetup.Checker) { m.chmod(configDir+"/runtime.yaml", 0o600) },
		[]string{intelmqsetup.RuntimeUnreadable},
		"'caddy' cannot read", "caddy intelmq setup",
	},
	"runtime.yaml is read-only": {
		func(m *machine, _ *intelmqsetup.Checker) { m.chmod(configDir+"/runtime.yaml", 0o644) },
		[]string{intelmqsetup.RuntimeNotWritable},
		"nothing can be saved", "caddy intelmq setup",
	},
	"its folder is read-only": {
		func(m *machine, _ *intelmqsetup.Checker) { m.chmod(configDir, 0o755) },
		[]string{intelmqsetup.ConfigDirNotWritable},
		"a crash can cut short", "",
	},
	"its folder is closed": {
		func(m *machine, _ *intelmqsetup.Checker) { m.chmod(configDir, 0o700) },
		[]string{intelmqsetup.RuntimeUnreadable, intelmqsetup.ConfigDirNotWritable, intelmqsetup.PositionsNotWritable},
		"", "",
	},
	"a folder above is closed": {
		func(m *machine, _ *intelmqsetup.Checker) { m.chmod("/opt/intelmq", 0o700) },
		[]string{intelmqsetup.RuntimeUnreadable, intelmqsetup.ConfigDirNotWritable, intelmqsetup.PositionsNotWritable, intelmqsetup.AllowedPathClosed},
		"", "",
	},
	"the positions cannot be saved": {
		func(m *machine, _ *intelmqsetup.Checker) {
			m.chmod(configDir+"/manager", 0o755)
			m.chmod(configDir+"/manager/positions.conf", 0o644)
		},
		[]string{intelmqsetup.PositionsNotWritable},
		"positions.conf", "",
	},
	"the positions can be written over": {
		func(m *machine, _ *intelmqsetup.Checker) { m.chmod(configDir+"/manager", 0o755) },
		nil, "", "",
	},
	"the folder of the positions is made by the first save": {
		func(m *machine, _ *intelmqsetup.Checker) { m.remove(configDir + "/manager") },
		nil, "", "",
	},
	"the folder of the positions cannot be made": {
		func(m *machine, _ *intelmqsetup.Checker) {
			m.remove(configDir + "/manager")
			m.chmod(configDir, 0o755)
		},
		[]string{intelmqsetup.ConfigDirNotWritable, intelmqsetup.PositionsNotWritable},
		"", "",
	},
	"Caddy is not in the group": {
		func(m *machine, _ *intelmqsetup.Checker) {
			caddy := m.users["caddy"]
			caddy.Groups = []int{caddy.GID}
			m.users["caddy"] = caddy
		},
		[]string{intelmqsetup.NotInGroup, intelmqsetup.RuntimeNotWritable, intelmqsetup.ConfigDirNotWritable, intelmqsetup.PositionsNotWritable},
		"", "caddy intelmq setup",
	},
	"the folder of the bots is not there": {
		func(m *machine, _ *intelmqsetup.Checker) { m.remove("/opt/intelmq/var") },
		[]string{intelmqsetup.AllowedPathMissing},
		"'/opt/intelmq/var/lib/bots'", "allowed_path",
	},
	"the folder of the bots is closed": {
		func(m *machine, _ *intelmqsetup.Checker) { m.chmod("/opt/intelmq/var/lib/bots", 0o700) },
		[]string{intelmqsetup.AllowedPathClosed},
		"'/opt/intelmq/var/lib/bots'", "chmod g+rx",
	},
	"runtime.yaml is a link of IntelMQ's": {
		func(m *machine, _ *intelmqsetup.Checker) { m.foreignLink(configDir + "/runtime.yaml") },
		[]string{intelmqsetup.RuntimeUnreadable},
		"symbolic link of another user", "chown -h root",
	},
	"runtime.yaml is a link of Caddy's": {
		func(m *machine, _ *intelmqsetup.Checker) {
			m.foreignLink(configDir + "/runtime.yaml")
			check(m.T, os.Lchown(m.path(configDir+"/runtime.yaml"), 54321, 54321))
		},
		nil, "", "",
	},
	"the folder of the configuration is a link of IntelMQ's": {
		func(m *machine, _ *intelmqsetup.Checker) { m.foreignLink(configDir) },
		[]string{intelmqsetup.RuntimeUnreadable, intelmqsetup.PositionsNotWritable},
		"symbolic link of another user", "chown -h root",
	},
	"the folder of the positions is a link of IntelMQ's": {
		func(m *machine, _ *intelmqsetup.Checker) { m.foreignLink(configDir + "/manager") },
		[]string{intelmqsetup.PositionsNotWritable},
		"symbolic link of another user", "chown -h root",
	},
	"a folder above that of the bots is a link of IntelMQ's": {
		func(m *machine, _ *intelmqsetup.Checker) { m.foreignLink("/opt/intelmq/var") },
		[]string{intelmqsetup.AllowedPathClosed},
		"opt/intelmq/var': it is a symbolic link of another user", "chown -h root",
	},
	"a folder above that of the bots is a link of Caddy's": {
		func(m *machine, _ *intelmqsetup.Checker) {
			m.foreignLink("/opt/intelmq/var")
			check(m.T, os.Lchown(m.path("/opt/intelmq/var"), 54321, 54321))
		},
		nil, "", "",
	},
	"no folder is shown": {
		func(m *machine, c *intelmqsetup.Checker) {
			m.remove("/opt/intelmq/var")
			c.AllowedPath = ""
		},
		nil, "", "",
	},
	"nobody looks at the content": {
		func(m *machine, c *intelmqsetup.Checker) {
			check(m.T, os.WriteFile(m.path(configDir+"/runtime.yaml"), []byte("x"), 0o600))
			c.Parse = nil
		},
		nil, "", "",
	},
}

// foreignLink moves something away and puts a link of a user in its place who is
// neither root nor Caddy's.
func (m *machine) foreignLink(name string) {
	m.Helper()
	if os.Geteuid() != 0 {
		m.Skip("only root can make a link for another user")
	}
	check(m.T, os.Rename(m.path(name), m.path(name+".away")))
	check(m.T, os.Symlink(filepath.Base(name)+".away", m.path(name)))
	check(m.T, os.Lchown(m.path(name), 12345, 12345))
}

var ofTheServer = map[string]situation{
	"the server may do everything": {byItself(nil, nil), nil, "", ""},
	"the server sees a file system that is read-only": {
		byItself(syscall.EROFS, nil),
		[]string{intelmqsetup.ReadOnly},
		"read-only file system", "ReadWritePaths=",
	},
	"the server lacks a right that modes give": {
		byItself(syscall.EACCES, nil),
		[]string{intelmqsetup.RuntimeNotWritable},
		"", "",
	},
	"the server lacks a right that modes give, under SELinux": {
		byItself(syscall.EACCES, func(m *machine) { m.write("/sys/fs/selinux/enforce", "1\n", 0o644) }),
		[]string{intelmqsetup.SELinuxDenied, intelmqsetup.RuntimeNotWritable},
		"runtime.yaml: permission denied", "ausearch",
	},
	"the server lacks a right that modes do not give, under SELinux": {
		byItself(syscall.EACCES, func(m *machine) {
			m.write("/sys/fs/selinux/enforce", "1\n", 0o644)
			m.chmod(configDir+"/runtime.yaml", 0o644)
		}),
		[]string{intelmqsetup.RuntimeNotWritable},
		"", "",
	},
	"the server was started before the set-up": {
		byItself(syscall.EACCES, func(m *machine) { m.self.Groups = []int{m.self.GID} }),
		[]string{intelmqsetup.RestartNeeded, intelmqsetup.RuntimeNotWritable},
		"", "",
	},
}

// underSystemd is a check by the server itself, in its unit.
func underSystemd(mode string, err error) func(*machine, *intelmqsetup.Checker) {
	return func(m *machine, c *intelmqsetup.Checker) {
		m.env["INVOCATION_ID"] = "0123456789abcdef0123456789abcdef"
		m.says["systemctl"] = answer{mode + "\n", err}
		c.System = m.system()
	}
}

var ofTheRest = map[string]situation{
	"Caddy's user is not there": {
		func(_ *machine, c *intelmqsetup.Checker) { c.User = "www-data" },
		[]string{intelmqsetup.UserMissing},
		"unknown user www-data", "User=",
	},
	"somebody else checks": {
		func(_ *machine, c *intelmqsetup.Checker) {
			c.System.Self = intelmqsetup.Account{Name: "alice", UID: 999999, GID: 999999}
			c.Executor = fails("sudo: a password is required\n")
		},
		[]string{intelmqsetup.OtherUser},
		"runs as 'alice' and Caddy as 'caddy'", "sudo caddy intelmq check",
	},
	"the store cannot be opened": {
		func(_ *machine, c *intelmqsetup.Checker) {
			c.Users = func(context.Context) (int, error) { return 0, errors.New("unable to open database file") }
		},
		[]string{intelmqsetup.StoreUnusable},
		"unable to open database file", "its folder",
	},
	"there are no users": {
		func(_ *machine, c *intelmqsetup.Checker) {
			c.Users = func(context.Context) (int, error) { return 0, nil }
		},
		[]string{intelmqsetup.NoUsers},
		"there are no users", "caddy auth user add",
	},
	"users are elsewhere": {
		func(_ *machine, c *intelmqsetup.Checker) { c.Users = nil },
		nil, "", "",
	},
	"a change does not end": {
		func(_ *machine, c *intelmqsetup.Checker) { c.Stuck = 90 * time.Second },
		[]string{intelmqsetup.CommandStuck},
		"1m30s", "ps -ef",
	},
	"systemd ends the bots":                   {underSystemd("control-group", nil), []string{intelmqsetup.KillMode}, "'caddy.service', since its KillMode is 'control-group'", "systemctl edit caddy.service"},
	"systemd ends the bots in the end":        {underSystemd("mixed", nil), []string{intelmqsetup.KillMode}, "", ""},
	"systemd ends Caddy alone":                {underSystemd("process", nil), nil, "", ""},
	"systemd does not answer":                 {underSystemd("control-group", errors.New("exit status 1")), nil, "", ""},
	"Caddy is not in a unit of its own":       {inGroup("0::/user.slice/user-1000.slice/session-3.scope"), nil, "", ""},
	"Caddy is in a unit of a user":            {inGroup("0::/user.slice/user-1000.slice/user@1000.service/app.slice/caddy.service"), nil, "", ""},
	"Caddy is in a unit with the old groups":  {inGroup("9:pids:/system.slice/x.service\n1:name=systemd:/system.slice/caddy.service"), []string{intelmqsetup.KillMode}, "'caddy.service'", ""},
	"Caddy is in a unit that has slices":      {inGroup("0::/system.slice/system-caddy.slice/caddy@a.service"), []string{intelmqsetup.KillMode}, "'caddy@a.service'", ""},
	"Caddy is in a unit that could be a flag": {inGroup("0::/system.slice/-x.service"), nil, "", ""},
}

// byItself is a check by the server, which the system refuses something.
func byItself(err error, change func(*machine)) func(*machine, *intelmqsetup.Checker) {
	return func(m *machine, c *intelmqsetup.Checker) {
		m.self = m.users["caddy"]
		m.refuses = map[fs.FileMode]error{2: err}
		if change != nil {
			change(m)
		}
		c.System = m.system()
	}
}

func inGroup(line string) func(*machine, *intelmqsetup.Checker) {
	return func(m *machine, c *intelmqsetup.Checker) {
		m.write("/proc/self/cgroup", line+"\n", 0o644)
		underSystemd("control-group", nil)(m, c)
	}
}

func TestWhatIsWrongIsFound(t *testing.T) {
	for _, situations := range []map[string]situation{ofTheCommand, ofTheFiles, ofTheServer, ofTheRest} {
		for name, s := range situations {
			t.Run(name, func(t *testing.T) {
				m := prepared(t)
				c := m.checker(good())
				s.change(m, &c)
				found := c.Check(t.Context())
				t.Cleanup(func() { m.open() })
				var ids []string
				for _, f := range found {
					ids = append(ids, f.ID)
					if f.Text == "" || f.Do == "" || f.Severity != intelmqsetup.Broken && f.Severity != intelmqsetup.Doubtful {
						t.Errorf("a part is missing: %+v", f)
					}
				}
				if !slices.Equal(ids, s.want) {
					t.Fatalf("%+v\nwant %v", found, s.want)
				}
				if len(found) > 0 && (!strings.Contains(found[0].Text, s.text) || !strings.Contains(found[0].Do, s.do)) {
					t.Errorf("'%s' ('%s'), want '…%s…' ('…%s…')", found[0].Text, found[0].Do, s.text, s.do)
				}
			})
		}
	}
}

// open lets the tree be removed.
func (m *machine) open() {
	for _, name := range []string{"/opt/intelmq", configDir} {
		m.chmod(name, 0o755)
	}
}
