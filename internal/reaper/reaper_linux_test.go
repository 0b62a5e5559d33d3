package reaper

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// adopt makes this process one whose children orphans become.
func adopt(t *testing.T) {
	t.Helper()
	set := func(value uintptr) {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, value, 0, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	set(1)
	t.Cleanup(func() { set(0) })
}

// started starts a reaper, and tells whom it has taken away.
func started(t *testing.T, patience time.Duration) <-chan int {
	t.Helper()
	reaped := make(chan int, 1000)
	r := &reaper{patience: patience, reaped: func(pid int) { reaped <- pid }}
	stop, err := r.start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return reaped
}

// orphan has a shell in a session of its own start a command and end, as
// intelmqctl does with a bot. The command must run until then, or the shell would
// take it away itself.
func orphan(t *testing.T, command string) (pid int) {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "/bin/sh", "-c", command+" >/dev/null 2>&1 & echo $!")
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := shell.Output()
	if err != nil {
		t.Fatal(err)
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || pid < 2 {
		t.Fatalf("'%s' is no process: %v", out, err)
	}
	return pid
}

// deadOrphan is one that was killed.
func deadOrphan(t *testing.T) (pid int) {
	t.Helper()
	pid = orphan(t, "sleep 600")
	kill(t, pid)
	return pid
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// await waits until a process is as it should be.
func await(t *testing.T, pid int, is func(process) bool) process {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if p, there := readProcess(pid); there && is(p) {
			return p
		}
	}
	t.Fatalf("process %d is not as it should be", pid)
	return process{}
}

func awaitZombie(t *testing.T, pid int) process {
	t.Helper()
	return await(t, pid, func(p process) bool { return p.state == zombie })
}

func TestItIsNeededWhereOrphansCome(t *testing.T) {
	if Needed() {
		t.Fatal("it is needed before")
	}
	adopt(t)
	if !Needed() {
		t.Error("it is not needed")
	}
}

func TestItDoesNothingWhereItIsNotNeeded(t *testing.T) {
	stop, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	stop()
}

func TestADeadBotGoesAtOnce(t *testing.T) {
	adopt(t)
	bot := deadOrphan(t)
	before := awaitZombie(t, bot)
	reaped := started(t, time.Hour)
	if pid := <-reaped; pid != bot {
		t.Errorf("process %d was taken away, want %d", pid, bot)
	}
	if after, there := readProcess(bot); there && after.incarnation == before.incarnation {
		t.Errorf("it is still there: %+v", after)
	}
}

// TestABotThatDiesLaterGoes shows that the signal wakes it.
func TestABotThatDiesLaterGoes(t *testing.T) {
	adopt(t)
	reaped := started(t, time.Hour)
	bot := deadOrphan(t)
	if pid := <-reaped; pid != bot {
		t.Errorf("process %d was taken away, want %d", pid, bot)
	}
}

// TestADaemonGoesWithPatience: it is the first of its session, as some are that
// os/exec starts.
func TestADaemonGoesWithPatience(t *testing.T) {
	adopt(t)
	daemon := orphan(t, "exec setsid sleep 600")
	await(t, daemon, func(p process) bool { return p.session == daemon })
	kill(t, daemon)
	awaitZombie(t, daemon)
	const patience = 300 * time.Millisecond
	begun := time.Now()
	reaped := started(t, patience)
	if pid := <-reaped; pid != daemon {
		t.Errorf("process %d was taken away, want %d", pid, daemon)
	}
	if waited := time.Since(begun); waited < patience {
		t.Errorf("it was taken away after %s", waited)
	}
}

// TestOwnChildrenKeepTheirStatus has many of them end while orphans do.
func TestOwnChildrenKeepTheirStatus(t *testing.T) {
	adopt(t)
	reaped := started(t, Patience)
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 50 {
				if err := endsWith((worker+i)%256, i%2 == 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 30 {
		deadOrphan(t)
	}
	all.Wait()
	for range 30 {
		<-reaped
	}
}

// endsWith starts a process of ours, which ends with a code.
func endsWith(code int, ownSession bool) error {
	command := exec.Command("/bin/sh", "-c", "exit "+strconv.Itoa(code)) //nolint:noctx // it ends at once
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: ownSession}
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == code || err == nil && code == 0 {
		return nil
	}
	return fmt.Errorf("want exit code %d: %w", code, err)
}

// TestWhoWaitsLateHasTheStatusStill shows it for both kinds of children.
func TestWhoWaitsLateHasTheStatusStill(t *testing.T) {
	adopt(t)
	for name, ownSession := range map[string]bool{"in our session": false, "in one of its own": true} {
		t.Run(name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), "/bin/sh", "-c", "exit 7")
			command.SysProcAttr = &syscall.SysProcAttr{Setsid: ownSession}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			awaitZombie(t, command.Process.Pid)
			reaped := started(t, time.Hour)
			bot := deadOrphan(t)
			if pid := <-reaped; pid != bot {
				t.Errorf("process %d was taken away, want %d", pid, bot)
			}
			var exit *exec.ExitError
			if err := command.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAfterItsStopOrphansStay(t *testing.T) {
	adopt(t)
	r := &reaper{patience: time.Hour, reaped: func(pid int) { t.Errorf("process %d was taken away", pid) }}
	stop, err := r.start()
	if err != nil {
		t.Fatal(err)
	}
	stop()
	stop()
	bot := deadOrphan(t)
	awaitZombie(t, bot)
	if _, err := syscall.Wait4(bot, nil, 0, nil); err != nil {
		t.Error(err)
	}
}

func TestTheStatOfAProcessIsRead(t *testing.T) {
	const rest = " 42 7 9 0 -1 4228364 0 0 0 0 0 0 0 0 20 0 1 0 1234567 0 0 18446744073709551615"
	for _, c := range []struct {
		name, line string
		want       process
		whole      bool
	}{
		{"a zombie", "5 (bot) Z" + rest, process{incarnation{5, 1234567}, "Z", 42, 9}, true},
		{"a name with brackets and blanks", "5 (a) Z (b) 1) S" + rest, process{incarnation{5, 1234567}, "S", 42, 9}, true},
		{"no name", "5 Z" + rest, process{}, false},
		{"a line that is cut", "5 (bot) Z 42 7", process{}, false},
		{"nothing", "", process{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, whole := parseStat(5, c.line)
			if whole != c.whole || whole && got != c.want {
				t.Errorf("got %+v, %t", got, whole)
			}
		})
	}
	if got, whole := parseStat(5, "5 (bot) Z x"+rest); whole {
		t.Errorf("got %+v of no number", got)
	}
}

// FuzzParseStat: whatever a process calls itself, it is told of as the kernel has it.
func FuzzParseStat(f *testing.F) {
	f.Add("bot", "Z", 1, 7, uint64(99), "")
	f.Add(") Z 1 2 3", "S", -1, 0, uint64(0), " 0 0\n")
	f.Add("a b) (c", "", 4, 4, uint64(4), "x")
	f.Fuzz(func(t *testing.T, name, state string, parent, session int, started uint64, rest string) {
		if len(strings.Fields(state)) != 1 || strings.TrimSpace(state) != state || strings.ContainsRune(state+rest, ')') {
			return
		}
		line := fmt.Sprintf("5 (%s) %s %d 3 %d%s %d%s", name, state, parent, session, strings.Repeat(" 0", 15), started, " "+rest)
		want := process{incarnation{5, started}, state, parent, session}
		if got, whole := parseStat(5, line); !whole || got != want {
			t.Errorf("%q is %+v, %t", line, got, whole)
		}
		// A line that was cut off is not whole, or says the same as far as it goes.
		for end := range len(line) - len(rest) - 1 {
			if got, whole := parseStat(5, line[:end]); whole && (got.parent != parent || got.session != session) && strings.LastIndexByte(line[:end], ')') == strings.LastIndexByte(line, ')') {
				t.Errorf("%q is %+v", line[:end], got)
			}
		}
	})
}
