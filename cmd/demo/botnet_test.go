package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// TestMain makes this binary the intelmqctl of the tests' botnets.
func TestMain(m *testing.M) {
	intelmqctl.ServeCalls()
	os.Exit(m.Run())
}

// startBots starts a botnet and its bots, and returns how to end it, and the processes
// of the bots.
func startBots(t *testing.T) (stop func() error, pids []int) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	stop, err := startBotnet()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "./"+botnetFolder+"/bin/intelmqctl", "start").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	started, err := os.ReadFile(botnetFolder + "/var/run/started")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(started)) {
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if len(pids) != 4 {
		t.Fatalf("%d bots run, want 4", len(pids))
	}
	return stop, pids
}

func TestTheEndOfTheDemoIsThatOfItsBots(t *testing.T) {
	stop, pids := startBots(t)
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); err == nil {
			t.Errorf("process %d is left", pid)
		}
	}
}

func TestABotThatIntelMQHasForgottenIsSeen(t *testing.T) {
	stop, pids := startBots(t)
	if err := os.Remove(botnetFolder + "/var/run/csv-parser.pid"); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err == nil || !strings.Contains(err.Error(), "a process is left") {
		t.Errorf("stop: %v", err)
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	}
	if err := checkNoProcess(); err != nil {
		t.Error(err)
	}
}
