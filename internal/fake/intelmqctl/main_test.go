package intelmqctl_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

func TestMain(m *testing.M) {
	intelmqctl.ServeCalls()
	os.Exit(m.Run())
}

// result is how a call has ended; code is -1 after a signal.
type result struct {
	stdout, stderr string
	code           int
}

// call makes a call with a clean environment and waits for its end.
func call(t *testing.T, b *intelmqctl.Botnet, words ...string) result {
	t.Helper()
	return finish(t, prepare(t, b, words...))
}

// prepare makes a call that is not started.
func prepare(t *testing.T, b *intelmqctl.Botnet, words ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), b.Command, words...)
	c.Env = []string{"PATH=/usr/bin:/bin"}
	c.Stdout, c.Stderr = new(bytes.Buffer), new(bytes.Buffer)
	return c
}

// begin starts a call and waits until it is at work.
func begin(t *testing.T, b *intelmqctl.Botnet, words ...string) *exec.Cmd {
	t.Helper()
	before := len(b.Calls())
	c := prepare(t, b, words...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the call", func() bool { return len(b.Calls()) > before })
	return c
}

// finish waits for the end of a call, which it starts if nobody has.
func finish(t *testing.T, c *exec.Cmd) result {
	t.Helper()
	wait := c.Wait
	if c.Process == nil {
		wait = c.Run
	}
	err := wait()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return result{c.Stdout.(*bytes.Buffer).String(), c.Stderr.(*bytes.Buffer).String(), c.ProcessState.ExitCode()}
}

// waitFor waits for what another process does.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 seconds", what)
		}
	}
}

// want compares a call's output and exit code.
func want(t *testing.T, b *intelmqctl.Botnet, line, stdout string, code int) {
	t.Helper()
	got := call(t, b, strings.Fields("--type json "+line)...)
	if got.stdout != stdout || got.code != code {
		t.Errorf("%s: exit %d, '%s' %s; want %d, '%s'", line, got.code, got.stdout, got.stderr, code, stdout)
	}
}
