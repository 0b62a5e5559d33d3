package intelmqctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// asIntelMQ runs nothing. It is the configured command of the recordings.
func asIntelMQ() *Program {
	return &Program{Words: []string{"sudo", "-u", "intelmq", "/usr/bin/intelmqctl"}}
}

var (
	status  = Botnet{Action: Look}
	endless = make(chan struct{})
)

func TestWhatCountsAsAnAnswer(t *testing.T) {
	for _, c := range []struct {
		name    string
		command Command
		output  Output
		want    string
	}{
		{"JSON", status, Output{Stdout: []byte("{\n    \"a\": \"running\"\n}\n")}, "{\n    \"a\": \"running\"\n}\n"},
		{"JSON though a bot is stopped, which is exit code 1", status, Output{Stdout: []byte(`{}`), ExitCode: 1}, `{}`},
		{"JSON though a queue is not found, which is exit code 2", Clear{}, Output{Stdout: []byte("\"not-found\"\n"), ExitCode: 2}, "\"not-found\"\n"},
		{"JSON though there is no log to write", status, Output{Stdout: []byte(`{}`), Stderr: []byte("\x1b[31mNot logging to file: [Errno 13] Permission denied: '/opt/intelmq/var/log/intelmqctl.log'\x1b[0m\n"), ExitCode: 1}, `{}`},
		{"JSON though it was told to end meanwhile", status, Output{Stdout: []byte(`{}`), ExitCode: -1, Interrupted: true}, `{}`},
		{"JSON with all its blanks", status, Output{Stdout: []byte(" [ 1 ,\n2 ]\n\n")}, " [ 1 ,\n2 ]\n\n"},
		{"text of exit code 0", Version{}, Output{Stdout: []byte("3.3.2a1\n")}, "3.3.2a1\n"},
		{"text though a parameter is ignored", Message{Verb: Get}, Output{Stdout: []byte("Starting\n"), Stderr: []byte("Ignoring disallowed system parameter 'enabled'.")}, "Starting\n"},
		{"text that is not UTF-8, which is replaced", Message{Verb: Get}, Output{Stdout: []byte("gr\xfc\xdf\n")}, "gr\uFFFD\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer, failure := judge(asIntelMQ(), c.command, c.output, nil)
			if failure != nil || string(answer) != c.want {
				t.Errorf("got %q, %v", answer, failure)
			}
		})
	}
}

func TestWhyThereIsNoAnswer(t *testing.T) {
	long := strings.Repeat("Traceback ü\n", maxMessage/4) + "KeyError: 'module'\n"
	for _, c := range []struct {
		name    string
		command Command
		output  Output
		err     error
		cause   Cause
		message string
	}{
		{"nothing printed", status, Output{}, nil, Failed, nothingSaid},
		{"nothing printed, exit code 1", status, Output{ExitCode: 1}, nil, Failed, nothingSaid},
		{"only colours on standard error", status, Output{Stderr: []byte("\x1b[31m\x1b[0m\n")}, nil, Failed, nothingSaid},
		{"a message", status, Output{Stderr: []byte("\x1b[31mInvalid process manager given.\x1b[0m\n"), ExitCode: 1}, nil, Failed, "Invalid process manager given.\n"},
		{"a message that is not UTF-8", status, Output{Stderr: []byte("gr\xfc\xdf"), ExitCode: 1}, nil, Failed, "gr\uFFFD"},
		{"output that is not JSON", status, Output{Stdout: []byte("usage: intelmqctl\n")}, nil, Failed, nothingSaid},
		{"JSON that is cut", status, Output{Stdout: []byte(`{"a": "run`), ExitCode: -1}, nil, Failed, nothingSaid},
		{"two JSON values", status, Output{Stdout: []byte(`{} {}`)}, nil, Failed, nothingSaid},
		{"JSON that is not UTF-8", status, Output{Stdout: []byte("\"\xff\"")}, nil, Failed, nothingSaid},
		{"text of exit code 1", Version{}, Output{Stdout: []byte("x"), ExitCode: 1}, nil, Failed, nothingSaid},
		{"text that is only blank", Version{}, Output{Stdout: []byte(" \n")}, nil, Failed, nothingSaid},
		{"text that was interrupted", Message{Verb: Get}, Output{Stdout: []byte("Starting"), Interrupted: true, Took: 20 * time.Second}, nil, TimedOut, "intelmqctl has not ended by itself in 20s, and was told to."},
		{"interrupted, with a message", status, Output{Stderr: []byte("waiting\n"), Interrupted: true, Took: 1234 * time.Millisecond}, nil, TimedOut, "intelmqctl has not ended by itself in 1.2s, and was told to.\nwaiting\n"},
		{"interrupted, and not to be ended", status, Output{Interrupted: true, Running: endless}, nil, TimedOut, "intelmqctl has not ended by itself in 0s, and was told to. It could not be ended and runs on."},
		{"too long", status, Output{Stdout: []byte(`[1]`), Truncated: true}, nil, TooLong, "intelmqctl has printed more than the 3 bytes that are taken."},
		{"not started", status, Output{}, errors.New("the command 'x' was not started"), NotExecutable, "the command 'x' was not started"},
		{"not started for want of processes", status, Output{}, fmt.Errorf("no room: %w", syscall.EAGAIN), Busy, "no room: resource temporarily unavailable"},
		{"nobody waits", status, Output{}, context.Canceled, Gone, "nobody waits for the answer any more."},
		{"the time was over before", status, Output{}, context.DeadlineExceeded, TimedOut, "the time was over before intelmqctl could be started."},
		{"a long message keeps its end", status, Output{Stderr: []byte(long)}, nil, Failed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer, f := judge(asIntelMQ(), c.command, c.output, c.err)
			if answer != nil || f == nil {
				t.Fatalf("got %q, %v", answer, f)
			}
			if c.message == "" {
				if !strings.HasPrefix(f.Message, "…\nTraceback") || !strings.HasSuffix(f.Message, "\nKeyError: 'module'\n") || len(f.Message) > maxMessage+10 {
					t.Errorf("got %d bytes, which begin with %.40q", len(f.Message), f.Message)
				}
			} else if f.Message != c.message {
				t.Errorf("message %q, want %q", f.Message, c.message)
			}
			if f.Cause != c.cause {
				t.Errorf("cause %s, want %s", f.Cause, c.cause)
			}
			if f.Cause == Busy && f.Wait == 0 {
				t.Error("busy for no time")
			}
			if want := "sudo -u " + quote(userName()) + " sudo -u intelmq /usr/bin/intelmqctl "; !strings.HasPrefix(f.Command, want) {
				t.Errorf("command %q, want %q before the arguments", f.Command, want)
			}
			if !errors.Is(f, f.Err) && f.Err != nil {
				t.Error("the error is lost")
			}
		})
	}
}

func TestALongLineIsCutBetweenCharacters(t *testing.T) {
	_, f := judge(asIntelMQ(), status, Output{Stderr: []byte("x" + strings.Repeat("ü", maxMessage))}, nil)
	if !utf8.ValidString(f.Message) || len(f.Message) > maxMessage+10 || !strings.HasSuffix(f.Message, "üü") {
		t.Errorf("%d bytes, which begin with %.20q", len(f.Message), f.Message)
	}
}

// TestRecordedCallsAreJudged plays what intelmqctl has printed.
func TestRecordedCallsAreJudged(t *testing.T) {
	recorded, err := os.ReadFile("testdata/judge.json")
	if err != nil {
		t.Fatal(err)
	}
	var calls []struct {
		Name, Stdout, Stderr string
		Exit                 int
		Text                 bool
		// Last is the end of the message, or empty if there is an answer; Tip a part
		// of it.
		Last, Tip string
	}
	if err := json.Unmarshal(recorded, &calls); err != nil {
		t.Fatal(err)
	}
	for _, c := range calls {
		t.Run(c.Name, func(t *testing.T) {
			var command Command = status
			if c.Text {
				command = Version{}
			}
			answer, f := judge(asIntelMQ(), command, Output{Stdout: []byte(c.Stdout), Stderr: []byte(c.Stderr), ExitCode: c.Exit}, nil)
			switch {
			case c.Last == "":
				if f != nil || string(answer) != c.Stdout {
					t.Errorf("got %q, %v", answer, f)
				}
			case f == nil || f.Cause != Failed || !strings.HasSuffix(f.Message, c.Last):
				t.Errorf("got %q, %v", answer, f)
			case !strings.Contains(f.Tip, c.Tip) || (c.Tip == "") != (f.Tip == ""):
				t.Errorf("tip '%s', want '%s' in it", f.Tip, c.Tip)
			}
		})
	}
}

func FuzzJudge(f *testing.F) {
	f.Add([]byte(`{"a": 1}`), []byte("\x1b[31mx"), 0, false, false)
	f.Add([]byte("\xff"), []byte(nil), 1, true, true)
	f.Add([]byte("text"), []byte("sudo: a password is required"), 0, true, false)
	f.Fuzz(func(t *testing.T, stdout, stderr []byte, exit int, text, interrupted bool) {
		var command Command = status
		if text {
			command = Version{}
		}
		answer, failure := judge(asIntelMQ(), command, Output{Stdout: stdout, Stderr: stderr, ExitCode: exit, Interrupted: interrupted}, nil)
		if (answer == nil) == (failure == nil) {
			t.Fatalf("%q and %v", answer, failure)
		}
		if failure == nil {
			if !utf8.Valid(answer) || !text && (!json.Valid(answer) || string(answer) != string(stdout)) {
				t.Errorf("the answer is %q", answer)
			}
			return
		}
		for _, part := range []string{failure.Message, failure.Command, failure.Tip} {
			if !utf8.ValidString(part) || strings.ContainsRune(part, escape) {
				t.Errorf("%q has no place in an answer", part)
			}
		}
		if failure.Message == "" || len(failure.Message) > maxMessage+1024 {
			t.Errorf("the message has %d bytes", len(failure.Message))
		}
	})
}
