//go:build unix

package intelmqsetup_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqctl"
	"github.com/sallyport/sallyport/internal/intelmqsetup"
)

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
	"sudo wants a terminal for all it does": {
		says(fails("sudo: sorry, you must have a tty to run sudo\n")),
		[]string{intelmqsetup.SudoRefused},
		"from a terminal only", "Defaults:caddy !requiretty",
	},
	"sudo has no setuid bit": {
		says(fails("sudo: effective uid is not 0, is sudo installed setuid root?\n")),
		[]string{intelmqsetup.SudoMissing},
		"effective uid is not 0", "nosuid",
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
		"has not answered within 20s", "",
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
	"the broker is down before the check begins": {
		says(fails("Traceback (most recent call last):\nredis.exceptions.ConnectionError: Error 111 connecting to 127.0.0.1:6379. Connection refused.\n")),
		[]string{intelmqsetup.BrokerDown},
		"Error 111", "redis",
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

// TestSudosOptionsAreRead demands that a command that works is found behind them.
func TestSudosOptionsAreRead(t *testing.T) {
	for _, options := range []string{"-u intelmq", "-nu intelmq", "-Hu intelmq", "-nuintelmq", "--user=intelmq", "--user intelmq", "-n -u intelmq --", "-U alice -u intelmq", "-g adm --user=intelmq A=b"} {
		t.Run(options, func(t *testing.T) {
			m := prepared(t)
			c := m.checker(good())
			c.Command = slices.Concat([]string{"sudo"}, strings.Fields(options), []string{"/usr/bin/intelmqctl"})
			if found := c.Check(t.Context()); len(found) != 0 {
				t.Errorf("%+v", found)
			}
			const want = "sudo -n -l -U caddy -u intelmq /usr/bin/intelmqctl"
			if len(m.runs) != 1 || strings.Join(m.runs[0], " ") != want {
				t.Errorf("what was run: %v, want '%s'", m.runs, want)
			}
		})
	}
}

// TestACommandIsLookedForWhereItIsRun, whatever the PATH of this process is.
func TestACommandIsLookedForWhereItIsRun(t *testing.T) {
	for _, command := range []string{"intelmqctl", "sudo -u intelmq intelmqctl"} {
		m := prepared(t)
		m.env["PATH"] = "/nowhere"
		c := m.checker(good())
		c.Command = strings.Fields(command)
		if found := c.Check(t.Context()); len(found) != 0 {
			t.Errorf("%s: %+v", command, found)
		}
	}
}
