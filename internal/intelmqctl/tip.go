package intelmqctl

import (
	"fmt"
	"regexp"
)

// adviser is what a tip needs to know of the command.
type adviser interface {
	// Sudoers is the missing line, or empty.
	Sudoers() string
	// User is whom the command acts as.
	User() string
}

// unknownProgram stands for an Executor that is no Program.
type unknownProgram struct{}

func (unknownProgram) Sudoers() string { return "" }
func (unknownProgram) User() string    { return "intelmq" }

// tip is what to do about a failure, or empty. It is plain text.
func tip(e Executor, c Command, f *Failure) string {
	a, known := e.(adviser)
	if !known {
		a = unknownProgram{}
	}
	switch f.Cause {
	case TimedOut:
		return tipTimedOut(c)
	case Failed:
		return tipFailed(a, f.Message)
	default:
		// The message says it.
		return ""
	}
}

func tipFailed(a adviser, message string) string {
	if say, known := advices[ComplaintOf(message)]; known {
		return say(a, message)
	}
	return ""
}

// tipTimedOut is for the calls that wait for ever without being broken.
func tipTimedOut(c Command) string {
	switch c := c.(type) {
	case Message:
		return emptyQueue
	case Process:
		if c.Event.text == "" {
			return emptyQueue
		}
	}
	return ""
}

const emptyQueue = "The queue of this bot is probably empty: intelmqctl then waits for a message. See how full the queues are first, or give it a message."

// advices say what to do about complaints.
var advices = map[Complaint]func(a adviser, message string) string{
	SudoPowerless: sayPrivileges,
	SudoNotRoot:   sayPrivileges,
	SudoTerminal:  sayTerminal,
	SudoNoUser:    sayNoUser,
	SudoNoCommand: sayNotThere,
	SudoRefuses:   saySudoers,
	NoBroker:      sayBroker,
	NoTable:       sayTable,
	NoRuntime:     sayRuntimeMissing,
	BrokenFile:    sayRuntimeBroken,
	Denied:        sayPermission,
}

func sayPrivileges(adviser, string) string {
	return "sudo cannot become another user here. Remove NoNewPrivileges=yes from the service's unit, and what implies it for a user who is not root (such as SystemCallFilter=, RestrictNamespaces= and PrivateDevices=); see that sudo is setuid and its file system not mounted nosuid. Or run this server as the user of IntelMQ and leave sudo out of the command."
}

func sayTerminal(adviser, string) string {
	return "sudo is told to run from a terminal only. Write this line into a file of its own, by `visudo -f " + SudoersFile + "-tty`: " + NoTerminalLine(userName())
}

// NoTerminalLine is the line for a file of /etc/sudoers.d by which sudo asks user for
// no terminal.
func NoTerminalLine(user string) string {
	return "Defaults:" + sudoersEscape.Replace(user) + " !requiretty"
}

func sayNoUser(a adviser, _ string) string {
	return fmt.Sprintf("There is no user '%s' on this machine. Install IntelMQ, or configure the user that it belongs to.", a.User())
}

func sayNotThere(adviser, string) string {
	return "The configured intelmqctl is not there, or not executable. Find it by `command -v intelmqctl` as the user of IntelMQ, and configure its whole path."
}

func saySudoers(a adviser, _ string) string {
	line := a.Sudoers()
	if line == "" {
		return "sudo does not let the server's user run this. Allow it without a password in a file of /etc/sudoers.d. " + perhapsMissing
	}
	return "sudo does not let the server's user run this without a password. Run `caddy intelmq setup` as root, or write this line by `visudo -f " + SudoersFile + "`: " + line + " " + perhapsMissing
}

// perhapsMissing is what else sudo may mean.
const perhapsMissing = "(See first that the command is there: of a path that is wrong sudo says the same.)"

func sayBroker(adviser, string) string {
	return "The message broker does not answer. See that it runs (`systemctl status redis-server`), and that the host and port named at the end are those of its configuration and of the pipeline in runtime.yaml."
}

func sayTable(adviser, string) string {
	return "The SQLite database that a bot uses has no tables yet. Make them as the documentation of that bot says."
}

func sayRuntimeMissing(adviser, string) string {
	return "IntelMQ has no configuration at this path. Run `intelmqsetup`, or restore the file; runtime.yaml.bak beside it is the one before the last save. If it is elsewhere INTELMQ_ROOT_DIR is to say where, which sudo passes on only with env_keep."
}

func sayRuntimeBroken(adviser, string) string {
	return "A configuration file of IntelMQ is not valid YAML; the message ends with its name and line. Correct it, or restore runtime.yaml from runtime.yaml.bak, which is the one before the last save."
}

// intelmqPath is a path below the folders of an installation, and as its first
// group the folder.
var intelmqPath = regexp.MustCompile(`Permission denied: '((?:/opt|/etc|/var/log|/var/lib|/run|/var/run)/intelmq)[/']`)

func sayPermission(a adviser, message string) string {
	found := intelmqPath.FindStringSubmatch(message)
	if found == nil {
		return ""
	}
	user := a.User()
	return fmt.Sprintf("The user '%s' must be able to read and write IntelMQ's files. As root: `chown -R %s: %s && chmod -R u+rwX %s`", user, quote(user), found[1], found[1])
}
