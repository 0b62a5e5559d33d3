package intelmqctl_test

import (
	"bufio"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

func TestReplay(t *testing.T) {
	file, err := filepath.Abs(recordsFile)
	if err != nil {
		t.Fatal(err)
	}
	b := intelmqctl.Start(t)
	for _, r := range readRecords(t) {
		if r.Exit == nil {
			continue
		}
		// Records of the same state and arguments are the first one's.
		r, _ = intelmqctl.FindRecord(readRecords(t), r.State, r.Argv)
		b.Switch("replay="+file, "state="+r.State)
		if got := call(t, b, r.Argv...); got != (result{r.Stdout, r.Stderr, *r.Exit}) {
			t.Errorf("%s: %q: %+v, want %+v", r.State, r.Argv, got, r)
		}
	}
}

func TestReplayByTheEnvironment(t *testing.T) {
	b := intelmqctl.Start(t)
	for _, c := range []struct{ state, want string }{
		{"running", "\"running\"\n"},
		{"fresh: all stopped, queues empty, no log files, no state file", "\"stopped\"\n"},
		{"", "\"stopped\"\n"}, // the first of all
	} {
		call := prepare(t, b, "-root", t.TempDir(), "--type", "json", "status", "csv-parser")
		call.Env = []string{"FAKE_INTELMQCTL_REPLAY=" + recordsFile, "FAKE_INTELMQCTL_STATE=" + c.state}
		if got := finish(t, call); got.stdout != c.want {
			t.Errorf("state '%s': %+v, want '%s'", c.state, got, c.want)
		}
	}
}

func TestReplayOfWhatIsNotRecorded(t *testing.T) {
	b := intelmqctl.Start(t)
	got := call(t, b, "-replay", recordsFile, "status", "--group", "bots")
	if got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, "there is no record of") {
		t.Errorf("%+v", got)
	}
	if got = call(t, b, "-replay", "missing.json", "status"); got.code != 1 || !strings.Contains(got.stderr, "no such file") {
		t.Errorf("%+v", got)
	}
}

// TestReplayWaits: what the recorder had to kill waits for SIGTERM.
func TestReplayWaits(t *testing.T) {
	b := intelmqctl.Start(t)
	c := prepare(t, b, "-replay", recordsFile, "run", "taxonomy-expert", "message", "pop")
	c.Stdout = nil
	output, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() && lines.Text() != "taxonomy-expert: Waiting for a message to pop..." {
	}
	// It has printed all, and does not end.
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if lines.Scan() {
		t.Errorf("it prints '%s'", lines.Text())
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}
