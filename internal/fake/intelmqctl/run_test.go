package intelmqctl_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// TestRunWaits: on an empty queue the bot is stopped until a message comes, or SIGTERM.
func TestRunWaits(t *testing.T) {
	for _, words := range []string{
		"run csv-parser message get",
		"run csv-parser message pop",
		"run csv-parser process --msg ",
	} {
		t.Run(words, func(t *testing.T) {
			b := intelmqctl.Start(t)
			want(t, b, "start csv-parser", "\"running\"\n", 0)
			c := begin(t, b, strings.Split(words, " ")...)
			waitFor(t, "the bot's end", func() bool {
				_, err := os.Stat(b.Path("var/run/csv-parser.pid"))
				return errors.Is(err, fs.ErrNotExist)
			})
			want(t, b, "status csv-parser", "\"stopped\"\n", 1)
			if err := c.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if got := finish(t, c); got.code != 0 || strings.Contains(got.stdout, "\n{\n") {
				t.Errorf("after SIGTERM: exit %d, '%s' %s", got.code, got.stdout, got.stderr)
			}
			want(t, b, "status csv-parser", "\"running\"\n", 0)
		})
	}
}

func TestRunTakesWhatComes(t *testing.T) {
	b := intelmqctl.Start(t)
	c := begin(t, b, "run", "csv-parser", "message", "pop")
	b.Fill("csv-parser-queue", `{"raw":"1"}`, `{"raw":"2"}`)
	if got := finish(t, c); got.code != 0 || !strings.Contains(got.stdout, "\n{\n    \"raw\": \"1\"\n}\n") {
		t.Errorf("exit %d, '%s' %s", got.code, got.stdout, got.stderr)
	}
	if left := b.Queue("csv-parser-queue"); !slices.Equal(left, []string{`{"raw":"2"}`}) {
		t.Errorf("the queue has %q", left)
	}
}

func TestRun(t *testing.T) {
	const event = `{"source.ip":"192.0.2.1"}`
	for _, c := range []struct {
		name  string
		words []string
		// output is a part of what is printed.
		output string
		code   int
		// before and after are how many messages are in the queue of dedup-expert and
		// in that after it.
		before, after int
	}{
		{"get leaves the message", []string{"dedup-expert", "message", "get"}, "\n{\n    \"raw\": \"1\"\n}\n", 0, 1, 0},
		{"pop takes it", []string{"dedup-expert", "message", "pop"}, "\n{\n    \"raw\": \"1\"\n}\n", 0, 0, 0},
		{"send goes to the next queue", []string{"dedup-expert", "message", "send", event}, "The message is sent.", 0, 1, 1},
		{"process takes one and sends it", []string{"dedup-expert", "process", "--msg", ""}, "Processing...", 0, 0, 1},
		{"a dry run takes and sends nothing", []string{"dedup-expert", "process", "--dry", "--msg", ""}, "DRYRUN", 0, 1, 0},
		{"a given message leaves the queue alone", []string{"dedup-expert", "process", "--msg", event}, "Processing...", 0, 1, 1},
		{"what is sent can be shown", []string{"dedup-expert", "process", "--show-sent", "--msg", event}, "[\n    {\n        \"source.ip\": \"192.0.2.1\"\n    }\n]\n", 0, 1, 1},
		{"no JSON", []string{"dedup-expert", "message", "send", "no JSON"}, "", 1, 1, 0},
		{"a list is no message", []string{"dedup-expert", "process", "--msg", "[1]"}, "", 1, 1, 0},
		{"a collector has no queue", []string{"file-collector", "message", "get"}, "no queue", 0, 1, 0},
		{"nor one to process", []string{"file-collector", "process", "--msg", ""}, "no queue", 0, 1, 0},
		{"an output sends nothing", []string{"file-output", "message", "send", event}, "no queues", 0, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := intelmqctl.Start(t)
			b.Fill("dedup-expert-queue", `{"raw":"1"}`)
			got := call(t, b, append([]string{"run"}, c.words...)...)
			if got.code != c.code || !strings.Contains(got.stdout, c.output) {
				t.Errorf("exit %d, '%s' %s; want %d and '%s'", got.code, got.stdout, got.stderr, c.code, c.output)
			}
			before, after := len(b.Queue("dedup-expert-queue")), len(b.Queue("file-output-queue"))
			if before != c.before || after != c.after {
				t.Errorf("%d and %d messages are left, want %d and %d", before, after, c.before, c.after)
			}
		})
	}
}

func TestBrokerDownKeepsBotsRunning(t *testing.T) {
	b := intelmqctl.Start(t)
	want(t, b, "start csv-parser", "\"running\"\n", 0)
	before := b.Processes("csv-parser")
	b.Switch("broker_down")
	got := call(t, b, "run", "csv-parser", "message", "get")
	if got.code != 1 || got.stdout != "" || !strings.HasPrefix(got.stderr, "Traceback") {
		t.Errorf("exit %d, '%s', '%s'", got.code, got.stdout, got.stderr)
	}
	if after := b.Processes("csv-parser"); !slices.Equal(before, after) {
		t.Errorf("%v became %v", before, after)
	}
}
