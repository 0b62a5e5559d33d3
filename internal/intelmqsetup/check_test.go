//go:build unix

package intelmqsetup_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqctl"
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

// fails is a command that writes a message, and no answer.
func fails(message string) command {
	return command{version: intelmqctl.Output{Stderr: []byte(message), ExitCode: 1}}
}

// reports is one whose check has errors.
func reports(lines string) command {
	c := good()
	c.check = intelmqctl.Output{Stdout: []byte(`{"status": "error", "lines": [` + lines + `]}`), ExitCode: 1}
	return c
}

// situation is something that is wrong, and what is found of it.
type situation struct {
	change func(*machine, *intelmqsetup.Checker)
	// want are the ids, in order.
	want []string
	// text and do are parts of the first finding.
	text, do string
}

func says(c command) func(*machine, *intelmqsetup.Checker) {
	return func(_ *machine, checker *intelmqsetup.Checker) { checker.Executor = c }
}

var ofTheCommand = map[string]situation{
	"intelmqctl is not there": {
		func(m *machine, _ *intelmqsetup.Checker) { m.remove("/usr/bin/intelmqctl") },
		[]string{intelmqsetup.CommandMissing},
		"there is no command '/usr/bin/intelmqctl'", "/usr/local/bin/intelmqctl",
	},
	"intelmqctl is not there, without sudo": {
		func(_ *machine, c *intelmqsetup.Checker) { c.Command = []string{"intelmqctl-3"} },
		[]string{intelmqsetup.CommandMissing},
		"'intelmqctl-3'", "install IntelMQ",
	},
	"no command is configured": {
		func(_ *machine, c *intelmqsetup.Checker) { c.Command = nil },
		[]string{intelmqsetup.CommandMissing},
		"''", "",
	},
	"intelmqctl is not a program": {
		func(m *machine, _ *intelmqsetup.Checker) { m.chmod("/usr/bin/intelmqctl", 0o644) },
		[]string{intelmqsetup.CommandNotExecutable},
		"'/usr/bin/intelmqctl'", "chmod a+x /usr/bin/intelmqctl",
	},
	"sudo is not there": {
		func(m *machine, _ *intelmqsetup.Checker) { m.remove("/usr/bin/sudo") },
		[]string{intelmqsetup.SudoMissing},
		"'sudo', which is not there", "install sudo",
	},
	"sudo asks for a password, as it does today": {
		says(fails("sudo: a password is required\n")),
		[]string{intelmqsetup.SudoRefused},
		"does not let 'caddy' run '/usr/bin/intelmqctl' as 'intelmq'", "caddy ALL=(intelmq) NOPASSWD: /usr/bin/intelmqctl",
	},
	"sudo asks on a terminal": {
		says(fails("sudo: a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper\n")),
		[]string{intelmqsetup.SudoRefused},
		"", "",
	},
	"sudo asks on a terminal, as it did": {
		says(fails("sudo: no tty present and no askpass program specified\n")),
		[]string{intelmqsetup.SudoRefused},
		"", "",
	},
	"sudo knows another command": {
		says(fails("Sorry, user caddy is not allowed to execute '/usr/bin/intelmqctl --version' as intelmq on host.\n")),
		[]string{intelmqsetup.SudoRefused},
		"", "",
	},
	"sudo tells root that Caddy may not": {
		func(m *machine, _ *intelmqsetup.Checker) { m.says["sudo"] = answer{"", errors.New("exit status 1")} },
		[]string{intelmqsetup.SudoRefused},
		"", "visudo -f /etc/sudoers.d/sallyport-intelmq",
	},
	"sudo must not gain rights": {
		says(fails("sudo: The \"no new privileges\" flag is set, which prevents sudo from running as root.\n")),
		[]string{intelmqsetup.NoNewPrivileges},
		"NoNewPrivileges", "take NoNewPrivileges=true out",
	},
	"this process must not gain rights": {
		func(m *machine, _ *intelmqsetup.Checker) {
			m.write("/proc/self/status", "Name:\tcaddy\nNoNewPrivs:\t1\nSeccomp:\t0\n", 0o644)
		},
		[]string{intelmqsetup.NoNewPrivileges},
		"", "",
	},
	"sudo is not root's": {
		says(fails("sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set\n")),
		[]string{intelmqsetup.SudoMissing},
		"must be owned by uid 0", "4755",
	},
	"sudo does not find the command": {
		func(_ *machine, c *intelmqsetup.Checker) { c.Executor = fails("sudo: intelmqctl: command not found\n") },
		[]string{intelmqsetup.CommandMissing},
		"sudo finds no command", "whole path",
	},
	"there is no user of IntelMQ": {
		says(fails("sudo: unknown user intelmq\nsudo: error initializing audit plugin sudoers_audit\n")),
		[]string{intelmqsetup.UserMissing},
		"there is no user 'intelmq'", "",
	},
	"intelmqctl lacks a right": {
		says(fails("Traceback (most recent call last):\n  File \"x\"\nPermissionError: [Errno 13] Permission denied: '/opt/intelmq/etc/runtime.yaml'\n")),
		[]string{intelmqsetup.PermissionDenied},
		"user 'intelmq' lacks a right: PermissionError: [Errno 13]", "namei -l",
	},
	"SELinux is in the way": {
		func(m *machine, c *intelmqsetup.Checker) {
			m.write("/sys/fs/selinux/enforce", "1", 0o644)
			m.write("/proc/self/attr/current", "system_u:system_r:httpd_t:s0\x00", 0o644)
			c.Executor = command{err: &fs.PathError{Op: "fork/exec", Path: "/usr/bin/sudo", Err: fs.ErrPermission}}
		},
		[]string{intelmqsetup.SELinuxDenied},
		"fork/exec /usr/bin/sudo: permission denied", "sallyport-intelmq.te",
	},
	"SELinux only watches": {
		func(m *machine, c *intelmqsetup.Checker) {
			m.write("/sys/fs/selinux/enforce", "0", 0o644)
			c.Executor = fails("Permission denied\n")
		},
		[]string{intelmqsetup.PermissionDenied},
		"", "",
	},
	"SELinux exempts this process": {
		func(m *machine, c *intelmqsetup.Checker) {
			m.write("/sys/fs/selinux/enforce", "1", 0o644)
			m.write("/proc/self/attr/current", "system_u:system_r:unconfined_service_t:s0\x00", 0o644)
			c.Executor = fails("Permission denied\n")
		},
		[]string{intelmqsetup.PermissionDenied},
		"", "",
	},
	"the interpreter of intelmqctl is not there": {
		says(command{err: &fs.PathError{Op: "fork/exec", Path: "/usr/bin/intelmqctl", Err: fs.ErrNotExist}}),
		[]string{intelmqsetup.CommandMissing},
		"cannot be run", "first line",
	},
	"intelmqctl is for another machine": {
		says(command{err: errors.New("exec format error")}),
		[]string{intelmqsetup.CommandNotExecutable},
		"exec format error", "",
	},
	"intelmqctl does not end": {
		says(command{version: intelmqctl.Output{Interrupted: true, ExitCode: -1}}),
		[]string{intelmqsetup.CommandSlow},
		"has not answered within 25s", "",
	},
	"intelmqctl fails": {
		says(fails("Traceback (most recent call last):\n  File \"x\"\nImportError: no redis\n")),
		[]string{intelmqsetup.CommandFailed},
		"the command has failed: ImportError: no redis", "by hand",
	},
	"intelmqctl fails in colours": {
		says(fails("\x1b[31mNo such bot.\x1b[0m\a\n")),
		[]string{intelmqsetup.CommandFailed},
		"the command has failed: No such bot.", "by hand",
	},
	"intelmqctl says nothing": {
		says(command{}),
		[]string{intelmqsetup.CommandFailed},
		"has said nothing", "",
	},
	"intelmqctl finds no configuration": {
		says(fails("Error loading '/opt/intelmq/etc/runtime.yaml': File not found: '/opt/intelmq/etc/runtime.yaml'.\n")),
		[]string{intelmqsetup.RuntimeMissing},
		"File not found", "intelmqsetup",
	},
	"intelmqctl finds a configuration that is broken": {
		says(fails("Traceback (most recent call last):\nruamel.yaml.scanner.ScannerError: mapping values are not allowed here\n")),
		[]string{intelmqsetup.RuntimeBroken},
		"ScannerError", "runtime.yaml.bak",
	},
	"the broker is down": {
		says(reports(`["info", "Reading configuration files."], ["error", "Could not connect to pipeline: redis.exceptions.Error 111 connecting to 127.0.0.1:6379. Connection refused."]`)),
		[]string{intelmqsetup.BrokerDown},
		"Error 111 connecting to 127.0.0.1:6379", "redis",
	},
	"IntelMQ finds two faults": {
		says(reports(`["error", "No state file found. Please call 'intelmqctl upgrade-config'."], ["error", "Bot x has no module."]`)),
		[]string{intelmqsetup.BotnetError, intelmqsetup.BotnetError},
		"No state file found", "intelmqctl check",
	},
	"IntelMQ's check prints garbage": {
		says(command{version: good().version, check: intelmqctl.Output{Stdout: []byte("x")}}),
		[]string{intelmqsetup.CommandFailed},
		"", "",
	},
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
		[]string{intelmqsetup.RuntimeNotWritable, intelmqsetup.ConfigDirNotWritable, intelmqsetup.PositionsNotWritable, intelmqsetup.NotInGroup},
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

var ofTheServer = map[string]situation{
	"the server may do everything": {byItself(nil, nil), nil, "", ""},
	"the server sees a file system that is read-only": {
		byItself(syscall.EROFS, nil),
		[]string{intelmqsetup.ReadOnly, intelmqsetup.RuntimeNotWritable},
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
		[]string{intelmqsetup.RuntimeNotWritable, intelmqsetup.RestartNeeded},
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
