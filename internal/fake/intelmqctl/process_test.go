package intelmqctl_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

func TestStatus(t *testing.T) {
	b := intelmqctl.Start(t)
	want(t, b, "start csv-parser", "\"running\"\n", 0)
	started := b.Processes("csv-parser")
	if len(started) != 1 {
		t.Fatalf("processes %v, want one", started)
	}
	want(t, b, "start csv-parser", "\"running\"\n", 0)
	if again := b.Processes("csv-parser"); !slices.Equal(again, started) {
		t.Errorf("a second start leaves %v, want %v", again, started)
	}
	want(t, b, "restart csv-parser", "[\n    \"stopped\",\n    \"running\"\n]\n", 0)
	if after := b.Processes("csv-parser"); len(after) != 1 || after[0] == started[0] {
		t.Errorf("after a restart there is %v, want one other than %v", after, started)
	}
	want(t, b, "stop csv-parser", "\"stopped\"\n", 0)
	if left := b.Processes("csv-parser"); left != nil {
		t.Errorf("after stop there is %v", left)
	}
}

func TestStatusByThePidFile(t *testing.T) {
	for _, c := range []struct{ name, pid, want string }{
		{"another process", strconv.Itoa(os.Getpid()), "unknown"},
		{"no process", "4194305", "stopped"}, // above what Linux gives out
		{"no number", "x", "stopped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := intelmqctl.Start(t)
			if err := os.WriteFile(b.Path("var/run/csv-parser.pid"), []byte(c.pid), 0o600); err != nil {
				t.Fatal(err)
			}
			want(t, b, "status csv-parser", `"`+c.want+"\"\n", 1)
		})
	}
}

func TestZombie(t *testing.T) {
	b := intelmqctl.Start(t)
	want(t, b, "start csv-parser", "\"running\"\n", 0)
	b.StopReaping()
	pid := b.Processes("csv-parser")[0]
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the end of the bot", func() bool { return b.Processes("csv-parser") == nil })
	for _, action := range []string{"status", "start", "stop"} {
		want(t, b, action+" csv-parser", "\"unknown\"\n", 1)
	}
	if got := call(t, b, "run", "csv-parser", "message", "get"); got.code != 1 {
		t.Errorf("run exits with %d, want 1", got.code)
	}
	if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	want(t, b, "status csv-parser", "\"stopped\"\n", 1)
}

// TestBotIsAChildOfItsCall shows what makes it dangerous to kill the group of a call.
func TestBotIsAChildOfItsCall(t *testing.T) {
	b := intelmqctl.Start(t)
	c := prepare(t, b, "--type", "json", "start", "csv-parser")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	finish(t, c) // ends although the bot runs: it has not the call's output
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.Processes("csv-parser")[0]))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest) // state, parent, group, session
	if own := strconv.Itoa(c.Process.Pid); fields[2] != own || fields[3] != own {
		t.Errorf("group %s and session %s, want those of the call, %s", fields[2], fields[3], own)
	}
}

// TestRestartsAtOnce shows what calls at the same time can do to a bot, and so that a
// gateway's test of one process could fail.
func TestRestartsAtOnce(t *testing.T) {
	b := intelmqctl.Start(t)
	for range 50 {
		var calls sync.WaitGroup
		for range 3 {
			c := prepare(t, b, "--type", "json", "restart", "csv-parser")
			calls.Go(func() { _ = c.Run() })
		}
		calls.Wait()
		if len(b.Processes("csv-parser")) > 1 {
			if most := intelmqctl.AtOnce(b.Calls()); most < 2 {
				t.Errorf("%d calls at once are written down", most)
			}
			return
		}
	}
	t.Error("there is one process each time")
}

func TestReloadKeepsTheProcess(t *testing.T) {
	b := intelmqctl.Start(t)
	want(t, b, "start csv-parser", "\"running\"\n", 0)
	before := b.Processes("csv-parser")
	want(t, b, "reload csv-parser", "\"running\"\n", 0)
	waitFor(t, "a line of the log", func() bool {
		text, err := os.ReadFile(b.Path("var/log/csv-parser.log"))
		return err == nil && strings.Contains(string(text), "Configuration is read again.")
	})
	if after := b.Processes("csv-parser"); !slices.Equal(before, after) {
		t.Errorf("%v became %v", before, after)
	}
}
