package intelmqctl

import "strings"

// Complaint is what a failing command complains of on standard error, or empty for
// what nobody knows.
type Complaint string

// The complaints. Those of sudo come before those of the command behind it.
const (
	// SudoPowerless: sudo must not gain rights.
	SudoPowerless Complaint = "no new privileges"
	// SudoNotRoot: sudo has lost its mode, or is where that does not count.
	SudoNotRoot Complaint = "sudo not setuid"
	// SudoTerminal: sudo runs from a terminal only.
	SudoTerminal Complaint = "terminal required"
	// SudoNoUser: there is no such user as sudo is asked for.
	SudoNoUser Complaint = "unknown user"
	// SudoNoCommand: sudo finds no such command, or cannot execute it.
	SudoNoCommand Complaint = "command not found"
	// SudoRefuses: sudo wants a password, or has no rule. It says the same of a
	// command that is not there.
	SudoRefuses Complaint = "not allowed"
	// NoBroker: the message broker does not answer.
	NoBroker Complaint = "no broker"
	// NoTable: the database of a bot has no tables.
	NoTable Complaint = "no table"
	// NoRuntime: there is no runtime.yaml where IntelMQ looks for it.
	NoRuntime Complaint = "no runtime.yaml"
	// BrokenFile: a file of the configuration is not YAML.
	BrokenFile Complaint = "not YAML"
	// Denied: somebody lacks a right to a file.
	Denied Complaint = "permission denied"
)

// complaints are tried in this order. The texts are those of sudo 1.8 and 1.9, of
// Python, redis-py and intelmqctl.
var complaints = []struct {
	is    Complaint
	texts []string
}{
	{SudoPowerless, []string{"no new privileges"}},
	{SudoNotRoot, []string{"effective uid is not 0", "must be owned by uid 0"}},
	{SudoTerminal, []string{"you must have a tty"}},
	{SudoNoUser, []string{"sudo: unknown user"}},
	{SudoNoCommand, []string{": command not found", "sudo: unable to execute"}},
	{SudoRefuses, []string{
		"sudo: no tty present and no askpass program specified",
		"a terminal is required to read the password",
		"a password is required",
		"is not allowed to execute",
		"may not run sudo",
		"is not allowed to run sudo",
		"is not in the sudoers file",
	}},
	{NoBroker, []string{"redis.exceptions.ConnectionError", "redis.exceptions.TimeoutError"}},
	{NoTable, []string{"sqlite3.OperationalError: no such table"}},
	{NoRuntime, []string{"runtime.yaml': File not found"}},
	{BrokenFile, []string{"ruamel.yaml.", "yaml.scanner.", "yaml.parser.", "YAMLError"}},
	{Denied, []string{"Permission denied", "permission denied"}},
}

// ComplaintOf is what a message complains of.
func ComplaintOf(message string) Complaint {
	for _, known := range complaints {
		for _, text := range known.texts {
			if strings.Contains(message, text) {
				return known.is
			}
		}
	}
	return ""
}
