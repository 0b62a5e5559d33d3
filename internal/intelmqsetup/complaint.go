package intelmqsetup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// remedies tell what is behind a complaint of a failing command. Of the others the
// command's own words are told.
var remedies = map[intelmqctl.Complaint]func(c Checker, message string, found *findings){
	intelmqctl.SudoPowerless: func(c Checker, _ string, found *findings) { c.noNewPrivileges(found) },
	intelmqctl.SudoNotRoot: func(c Checker, message string, found *findings) {
		found.broken(SudoMissing, fmt.Sprintf("'%s' is there, and cannot work: %s", c.called().Sudo, message),
			"see that it is root's, with mode 4755, on a file system without nosuid, and that the unit of Caddy has no NoNewPrivileges=true")
	},
	intelmqctl.SudoTerminal: func(c Checker, message string, found *findings) {
		found.broken(SudoRefused, "sudo runs from a terminal only: "+message,
			fmt.Sprintf("write this line by `visudo -f %s-tty`: %s", intelmqctl.SudoersFile, intelmqctl.NoTerminalLine(c.User)))
	},
	intelmqctl.SudoNoUser: func(c Checker, _ string, found *findings) {
		found.broken(UserMissing, fmt.Sprintf("there is no user '%s'", c.called().User), "install IntelMQ, or write the name of its user in the command")
	},
	intelmqctl.SudoNoCommand: func(c Checker, _ string, found *findings) {
		found.broken(CommandMissing, fmt.Sprintf("sudo finds no command '%s'", c.called().Program()), "write the command with the whole path")
	},
	intelmqctl.SudoRefuses: func(c Checker, _ string, found *findings) { c.sudoRefuses(found) },
	intelmqctl.NoBroker: func(_ Checker, message string, found *findings) {
		brokerDown(message, found)
	},
	intelmqctl.NoRuntime: func(_ Checker, message string, found *findings) {
		found.broken(RuntimeMissing, "IntelMQ finds no configuration: "+message, makeRuntime+", or "+nameRoot)
	},
	intelmqctl.BrokenFile: func(_ Checker, message string, found *findings) {
		found.broken(RuntimeBroken, "IntelMQ does not understand its configuration: "+message, "mend runtime.yaml, or put runtime.yaml.bak in its place")
	},
	intelmqctl.Denied: Checker.denied,
}

// explain finds the cause of a command that has not worked.
func (c Checker) explain(said intelmqctl.Output, err error, found *findings) {
	message := lastLine(said.Stderr)
	whole := string(said.Stderr)
	if err != nil {
		message, whole = err.Error(), err.Error()
	}
	if tell, known := remedies[intelmqctl.ComplaintOf(whole)]; known {
		tell(c, message, found)
		return
	}
	switch {
	case err != nil && errors.Is(err, fs.ErrNotExist):
		found.broken(CommandMissing, "the command cannot be run: "+message, "write it with the whole path, and see that what its first line names is there")
	case err != nil:
		found.broken(CommandNotExecutable, "the command cannot be run: "+message, "see whether it is the right one")
	case said.Interrupted:
		found.broken(CommandSlow, fmt.Sprintf("the command has not answered within %s", maxCall), "run it by hand as Caddy's user; it takes a second as a rule")
	case message == "" && len(said.Stdout) > 0:
		found.broken(CommandFailed, "the command has printed something else than was asked for", "run it by hand as Caddy's user; see that it is IntelMQ's")
	case message == "":
		found.broken(CommandFailed, "the command has said nothing", "run it by hand as Caddy's user")
	default:
		found.broken(CommandFailed, "the command has failed: "+message, "run it by hand as Caddy's user")
	}
}

func (c Checker) noNewPrivileges(found *findings) {
	found.broken(NoNewPrivileges, "this process must not gain rights (NoNewPrivileges), so that sudo cannot work",
		"take NoNewPrivileges=true out of the unit of Caddy, and with it PrivateDevices=, SystemCallFilter= and other settings that imply it; or run Caddy as IntelMQ's own user and write the command without sudo")
}

func (c Checker) sudoRefuses(found *findings) {
	called := c.called()
	found.broken(SudoRefused, fmt.Sprintf("sudo does not let '%s' run '%s' as '%s' without a password", c.User, called.Program(), called.User),
		fmt.Sprintf("run `sudo caddy intelmq setup`, or write this line by `visudo -f %s`: %s", intelmqctl.SudoersFile, c.line(called)))
}

// denied tells SELinux from the rights of files.
func (c Checker) denied(message string, found *findings) {
	if c.confined() {
		c.selinux(message, found)
		return
	}
	as := cmp.Or(c.called().User, c.User)
	found.broken(PermissionDenied, fmt.Sprintf("user '%s' lacks a right: %s", as, message),
		fmt.Sprintf("what IntelMQ has must belong to its user; see who has it by `namei -l` and the path, and run the command as '%s' by hand", as))
}

func (c Checker) selinux(message string, found *findings) {
	found.broken(SELinuxDenied, "SELinux denies something that owners and modes allow: "+message,
		"see what by `ausearch -m avc -ts recent`; docs/intelmq/sallyport-intelmq.te is a policy module for it")
}

// confined reports whether SELinux is enforcing and this process is not exempt.
func (c Checker) confined() bool {
	enforce, err := os.ReadFile(c.System.path("/sys/fs/selinux/enforce"))
	if err != nil || strings.TrimSpace(string(enforce)) != "1" {
		return false
	}
	domain, err := os.ReadFile(c.System.path("/proc/self/attr/current"))
	return err != nil || !strings.Contains(string(domain), ":unconfined_")
}

// maxMessage bounds what of a message goes into a finding, in bytes.
const maxMessage = 500

// lastLine is the cause in a traceback, and all of a message of one line. A tab would
// break the columns in which findings are shown.
func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(intelmqctl.Plain(text)), "\n")
	return bounded(oneLine(lines[len(lines)-1]))
}

// clean is a message in one line, as a terminal would show it.
func clean(text string) string { return bounded(oneLine(intelmqctl.Plain([]byte(text)))) }

func bounded(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxMessage)], "")
}
