package intelmqsetup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// complaint is a text that a failing command writes, and what it means.
type complaint struct {
	texts []string
	tell  func(c Checker, called call, message string, found *findings)
}

// complaints are in order: sudo's come first, since it speaks before the command.
var complaints = []complaint{
	{
		[]string{`"no new privileges" flag`},
		func(c Checker, _ call, _ string, found *findings) { c.noNewPrivileges(found) },
	},
	{
		[]string{"unknown user"},
		func(_ Checker, called call, _ string, found *findings) {
			found.broken(UserMissing, fmt.Sprintf("there is no user '%s'", called.as), "install IntelMQ, or write the name of its user in the command")
		},
	},
	{
		[]string{"a password is required", "a terminal is required", "no tty present", "you must have a tty", "is not allowed to execute", "may not run sudo", "not in the sudoers file", "not allowed to run sudo"},
		func(c Checker, called call, _ string, found *findings) { c.sudoRefuses(called, found) },
	},
	{
		[]string{"must be owned by uid 0", "effective uid is not 0"},
		func(_ Checker, called call, message string, found *findings) {
			found.broken(SudoMissing, fmt.Sprintf("'%s' is there, and cannot work: %s", called.sudo, message), "see that it is root's, with mode 4755, on a file system without nosuid")
		},
	},
	{
		[]string{"command not found"},
		func(_ Checker, called call, _ string, found *findings) {
			found.broken(CommandMissing, fmt.Sprintf("sudo finds no command '%s'", called.program), "write the command with the whole path")
		},
	},
	{[]string{"File not found: '"}, func(_ Checker, _ call, message string, found *findings) {
		found.broken(RuntimeMissing, "IntelMQ finds no configuration: "+message, "make it by `intelmqsetup`, or name the right folder by INTELMQ_ROOT_DIR")
	}},
	{[]string{"ruamel.yaml", "yaml.scanner", "yaml.parser", "YAMLError"}, func(_ Checker, _ call, message string, found *findings) {
		found.broken(RuntimeBroken, "IntelMQ does not understand its configuration: "+message, "mend runtime.yaml, or put runtime.yaml.bak in its place")
	}},
	{[]string{"Permission denied", "permission denied"}, Checker.denied},
}

// explain finds the cause of a command that has not worked.
func (c Checker) explain(said intelmqctl.Output, err error, found *findings) {
	called := takeApart(c.Command)
	message := lastLine(said.Stderr)
	whole := string(said.Stderr)
	if err != nil {
		message, whole = err.Error(), err.Error()
	}
	for _, known := range complaints {
		if slices.ContainsFunc(known.texts, func(text string) bool { return strings.Contains(whole, text) }) {
			known.tell(c, called, message, found)
			return
		}
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

func (c Checker) sudoRefuses(called call, found *findings) {
	found.broken(SudoRefused, fmt.Sprintf("sudo does not let '%s' run '%s' as '%s' without a password", c.User, called.program, called.as),
		fmt.Sprintf("run `caddy intelmq setup`, or write this line by `visudo -f %s`: %s", sudoersFile, c.line(called)))
}

// denied tells SELinux from the rights of files.
func (c Checker) denied(called call, message string, found *findings) {
	if c.confined() {
		c.selinux(message, found)
		return
	}
	as := called.as
	if called.sudo == "" {
		as = c.User
	}
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

// colour is what terminals take for a change of colour.
var colour = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// maxMessage bounds what of a message goes into a finding, in bytes.
const maxMessage = 500

// lastLine is the cause in a traceback, and all of a message of one line.
func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return clean(lines[len(lines)-1])
}

// clean is a message without what a terminal could take for a command.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, colour.ReplaceAllString(strings.TrimSpace(text), ""))
	return strings.ToValidUTF8(text[:min(len(text), maxMessage)], "")
}
