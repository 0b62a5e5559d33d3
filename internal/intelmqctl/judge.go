package intelmqctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// nothingSaid is the message where intelmqctl has none. The service that is
	// replaced says the same.
	nothingSaid = "Failed to execute intelmqctl."
	// maxMessage bounds a message, in bytes. Its end is kept: the last line of a
	// traceback says what has happened.
	maxMessage = 64 << 10
	// whenShort is when to try again after the system had no room for a process.
	whenShort = 5 * time.Second
)

// judge finds the answer in what a command has printed, or says why there is
// none. o and err are what e has returned for c.
//
// Valid JSON is an answer whatever else was said: exit codes tell whether bots run,
// and standard error has warnings of Python. The answer's bytes are untouched. Text
// has no such mark, so it needs exit code 0; what is not UTF-8 in it becomes U+FFFD.
func judge(e Executor, c Command, o Output, err error) ([]byte, *Failure) {
	answer, failure := judgeOutput(c.describe(), o, err)
	if failure != nil {
		failure.Command = e.Line(Arguments(c))
		failure.Tip = tip(e, c, failure)
	}
	return answer, failure
}

func judgeOutput(d description, o Output, err error) ([]byte, *Failure) {
	switch {
	case err != nil:
		return nil, notStarted(err)
	case o.Truncated:
		return nil, &Failure{Cause: TooLong, Message: fmt.Sprintf("intelmqctl has printed more than the %d bytes that are taken.", len(o.Stdout))}
	case d.text && o.ExitCode == 0 && !o.Interrupted && len(bytes.TrimSpace(o.Stdout)) > 0:
		return bytes.ToValidUTF8(o.Stdout, []byte(string(utf8.RuneError))), nil
	case !d.text && utf8.Valid(o.Stdout) && json.Valid(o.Stdout):
		return o.Stdout, nil
	case o.Interrupted:
		return nil, timedOut(o)
	}
	failure := &Failure{Cause: Failed, Message: said(o), Err: fmt.Errorf("exit code %d", o.ExitCode)}
	if !d.text && len(o.Stdout) > 0 {
		failure.Err = fmt.Errorf("exit code %d, and %d bytes that are not JSON", o.ExitCode, len(o.Stdout))
	}
	return nil, failure
}

// notStarted is the failure for an error of Execute.
func notStarted(err error) *Failure {
	f := &Failure{Cause: NotExecutable, Message: err.Error(), Err: err}
	switch {
	case errors.Is(err, context.Canceled):
		f.Cause, f.Message = Gone, "nobody waits for the answer any more."
	case errors.Is(err, context.DeadlineExceeded):
		f.Cause, f.Message = TimedOut, "the time was over before intelmqctl could be started."
	case isShortage(err):
		f.Cause, f.Wait = Busy, whenShort
	}
	return f
}

// timedOut is the failure of a process that was told to end.
func timedOut(o Output) *Failure {
	message := fmt.Sprintf("intelmqctl has not ended by itself in %s, and was told to.", o.Took.Round(100*time.Millisecond))
	if o.Running != nil {
		message += " It could not be ended and runs on."
	}
	if end := said(o); end != nothingSaid {
		message += "\n" + end
	}
	return &Failure{Cause: TimedOut, Message: message}
}

// said is what a person reads of standard error.
func said(o Output) string {
	text := Plain(o.Stderr)
	if strings.TrimSpace(text) == "" {
		return nothingSaid
	}
	if len(text) <= maxMessage {
		return text
	}
	text = strings.ToValidUTF8(text[len(text)-maxMessage:], "")
	// From a whole line on, if there is one.
	if _, rest, found := strings.Cut(text, "\n"); found && rest != "" {
		text = rest
	}
	return "…\n" + text
}
