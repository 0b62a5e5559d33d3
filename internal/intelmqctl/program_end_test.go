//go:build unix

package intelmqctl_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// fifo makes a named pipe, by which a script of any user says how far it is.
func fifo(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "intelmqctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	path := filepath.Join(folder, "fifo")
	for _, err := range []error{os.Chmod(folder, 0o755), syscall.Mkfifo(path, 0o600), os.Chmod(path, 0o666)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// heard waits until a script has opened the pipe and closed it, and returns what
// it has written.
func heard(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return strings.TrimSpace(string(text))
}

// interrupt runs a script, and ends the context when it has written into $1. It
// returns what the script has written there.
func interrupt(t *testing.T, p *intelmqctl.Program, arguments ...string) (o intelmqctl.Output, written string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said := make(chan string, 1)
	path := fifo(t)
	go func() {
		said <- heard(t, path)
		cancel()
	}()
	o, err := p.Execute(ctx, append([]string{path}, arguments...))
	if err != nil {
		t.Fatal(err)
	}
	select {
	case written = <-said:
	default:
		t.Fatalf("it has ended before: %q, %q, %+v", o.Stdout, o.Stderr, o)
	}
	return o, written
}

func TestAProgramIsToldToEndFirst(t *testing.T) {
	o, _ := interrupt(t, script(`
		trap 'echo "bot is started again"; exit 7' TERM
		echo ready >$1
		while :; do sleep 0.01; done`))
	if string(o.Stdout) != "bot is started again\n" || o.ExitCode != 7 || !o.Interrupted || o.Running != nil {
		t.Errorf("got %q, %+v", o.Stdout, o)
	}
}

func TestAProgramThatDoesNotListenIsKilled(t *testing.T) {
	p := script(`trap '' TERM; echo begun; echo ready >$1; while :; do sleep 0.01; done`)
	p.Grace = 50 * time.Millisecond
	o, _ := interrupt(t, p)
	if string(o.Stdout) != "begun\n" || o.ExitCode != -1 || !o.Interrupted || o.Running != nil {
		t.Errorf("got %q, %+v", o.Stdout, o)
	}
	if o.Took < p.Grace {
		t.Errorf("it was killed after %s", o.Took)
	}
}

// TestBotsSurviveTheirStarter shows that nothing is sent to the process group.
func TestBotsSurviveTheirStarter(t *testing.T) {
	question, answer := fifo(t), fifo(t)
	p := script(`
		trap : TERM
		/bin/sh -c 'exec 3<>$2; echo ready >$1; read line <&3; echo alive >$3' bot "$@" >/dev/null 2>&1 &
		while :; do sleep 0.01; done`)
	p.Grace = time.Millisecond
	o, _ := interrupt(t, p, question, answer)
	if !o.Interrupted || o.Running != nil {
		t.Errorf("got %+v", o)
	}
	bot, err := os.OpenFile(question, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatalf("the bot does not listen: %v", err)
	}
	defer bot.Close()
	if _, err := bot.WriteString("?\n"); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 1)
	go func() { said <- heard(t, answer) }()
	select {
	case got := <-said:
		if got != "alive" {
			t.Errorf("the bot says '%s'", got)
		}
	case <-time.After(10 * time.Second):
		t.Error("the bot says nothing")
	}
}

// endLater ends a process of a script when the test is over, and is its number.
func endLater(t *testing.T, pid string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(pid))
	if err != nil || n < 2 {
		t.Fatalf("'%s' is no process: %v", pid, err)
	}
	t.Cleanup(func() { _ = syscall.Kill(n, syscall.SIGKILL) })
	return n
}

// TestABotThatHoldsTheOutputIsNotWaitedFor: it is not the process that was asked.
func TestABotThatHoldsTheOutputIsNotWaitedFor(t *testing.T) {
	o := execute(t, script(`sleep 600 & echo $!`))
	endLater(t, string(o.Stdout))
	if o.ExitCode != 0 || o.Interrupted || o.Running != nil {
		t.Errorf("got %+v", o)
	}
	if o.Took > 30*time.Second {
		t.Errorf("it has taken %s", o.Took)
	}
}

// TestWhatLivesOnBehindAnotherIsStillRunning has in place of sudo a script that
// dies, while the program behind it works on.
func TestWhatLivesOnBehindAnotherIsStillRunning(t *testing.T) {
	for name, wrapper := range map[string]string{
		"it is killed":            `trap '' TERM`,
		"it ends when told to":    `:`,
		"it ends so by itself, 0": `trap 'exit 0' TERM`,
	} {
		t.Run(name, func(t *testing.T) {
			goOn := fifo(t)
			p := script(wrapper + `
				/bin/sh -c 'trap "" TERM; echo begun; echo ready >$1; read line <$2; echo late; echo late >&2' behind "$1" "$2" &
				while :; do sleep 0.01; done`)
			p.Grace = 200 * time.Millisecond
			o, _ := interrupt(t, p, goOn)
			if string(o.Stdout) != "begun\n" || o.Running == nil {
				t.Fatalf("got %q, %+v", o.Stdout, o)
			}
			goesOn(t, o, goOn)
			if string(o.Stdout) != "begun\n" {
				t.Errorf("its output has become %q", o.Stdout)
			}
		})
	}
}

// goesOn shows that a process still runs, and that it has ended once it was let.
func goesOn(t *testing.T, o intelmqctl.Output, let string) {
	t.Helper()
	select {
	case <-o.Running:
		t.Error("it is said to have ended")
	default:
	}
	if err := os.WriteFile(let, []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	<-o.Running
}

// TestWhatSomebodyElseKillsMayGoOnBehindIt: nobody has told it to end here.
func TestWhatSomebodyElseKillsMayGoOnBehindIt(t *testing.T) {
	goOn := fifo(t)
	o := execute(t, script(`
		/bin/sh -c 'read line <$1' behind "$1" &
		kill -KILL $$`), goOn)
	if o.Interrupted || o.ExitCode != -1 || o.Running == nil {
		t.Fatalf("got %+v", o)
	}
	goesOn(t, o, goOn)
}

func TestAProgramThatCrashesHasNoExitCode(t *testing.T) {
	o := execute(t, script(`echo begun; kill -SEGV $$`))
	if string(o.Stdout) != "begun\n" || o.ExitCode != -1 || o.Interrupted || o.Running != nil {
		t.Errorf("got %q, %+v", o.Stdout, o)
	}
}
