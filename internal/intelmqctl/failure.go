package intelmqctl

import (
	"strings"
	"time"
)

// Cause is a stable word for why a command has given no answer.
type Cause string

// The causes.
const (
	// Failed: intelmqctl itself says that it has not worked.
	Failed Cause = "intelmqctl_failed"
	// NotExecutable: there is no such command, or it must not be executed.
	NotExecutable Cause = "intelmqctl_not_executable"
	// TimedOut: it has taken too long and was told to end.
	TimedOut Cause = "intelmqctl_timed_out"
	// TooLong: it has printed more than is taken.
	TooLong Cause = "intelmqctl_output_too_long"
	// Stuck: a change that was told to end still runs, so that no other one can.
	Stuck Cause = "intelmqctl_stuck"
	// Busy: too many calls wait.
	Busy Cause = "intelmqctl_busy"
	// Locked: another process changes the botnet.
	Locked Cause = "intelmqctl_locked"
	// Gone: nobody waits for the answer any more, or the server ends.
	Gone Cause = "intelmqctl_gone"
)

// Failure is why a command has given no answer.
type Failure struct {
	Cause Cause
	// Message is what intelmqctl says, without terminal colours, or what is to be
	// told in its place. It is never empty.
	Message string
	// Command is what a person could type to see the same, quoted for a shell.
	Command string
	// Tip is what to do about it, or empty.
	Tip string
	// Wait is when to try again, for Busy, Locked and Stuck.
	Wait time.Duration
	// Err is what the system says, for the log.
	Err error
}

// Error is for logs: the last line of Message, in which a traceback has its reason,
// and what the system says.
func (f *Failure) Error() string {
	const most = 500
	text := strings.TrimRight(f.Message, "\n")
	text = text[strings.LastIndexByte(text, '\n')+1:]
	text = string(f.Cause) + ": " + text[:min(len(text), most)]
	if f.Err != nil {
		text += " (" + f.Err.Error() + ")"
	}
	return text
}

func (f *Failure) Unwrap() error { return f.Err }
