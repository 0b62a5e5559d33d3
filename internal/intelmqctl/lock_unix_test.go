//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package intelmqctl

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// lockVariable names the folder that another process of this test locks.
const lockVariable = "INTELMQCTL_TEST_LOCK"

// TestMeanwhileAnotherProcess is that other process: it locks until its standard
// input ends.
func TestMeanwhileAnotherProcess(t *testing.T) {
	dir := os.Getenv(lockVariable)
	if dir == "" {
		t.Skip("it is run by the tests below")
	}
	unlock, err := tryLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = os.Stdout.WriteString("locked\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	unlock()
}

// lockElsewhere has another process lock a folder, until unlock is called.
func lockElsewhere(t *testing.T, dir string) (unlock func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMeanwhileAnotherProcess$", "-test.v")
	cmd.Env = append(os.Environ(), lockVariable+"="+dir)
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if lines.Text() == "locked" {
			return func() {
				_ = stdin.Close()
				_, _ = io.Copy(io.Discard, stdout)
				if err := cmd.Wait(); err != nil {
					t.Error(err)
				}
			}
		}
	}
	t.Fatal("the other process has not locked the folder")
	return nil
}

func lockedConfig(dir string) Config { return Config{LockDir: func() string { return dir }} }

func TestAChangeWaitsForAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	unlock := lockElsewhere(t, dir)
	s := &script{takes: map[string]time.Duration{argRestart: 0}}
	c := newTestClient(t, s, lockedConfig(dir))
	changed := make(chan error, 1)
	go func() {
		_, err := c.Change(t.Context(), "alice", restartA)
		changed <- err
	}()
	select {
	case err := <-changed:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(3 * lockPause):
	}
	wantCalls(t, s, 0)
	unlock()
	if err := <-changed; err != nil {
		t.Error(err)
	}
	wantCalls(t, s, 1)
}

func TestALockIsNotWaitedForForEver(t *testing.T) {
	dir := t.TempDir()
	unlock := lockElsewhere(t, dir)
	defer unlock()
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		c := newTestClient(t, s, lockedConfig(dir))
		began := time.Now()
		_, err := c.Change(t.Context(), "alice", restartA)
		f := wantCause(t, err, Locked)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %s", took)
		}
		if !strings.Contains(f.Message, dir) || f.Tip == "" || f.Wait == 0 {
			t.Errorf("the failure does not say what to do: %+v", f)
		}
		err = c.Exclusive(t.Context(), "alice", "save", func() error { t.Error("it was saved"); return nil })
		wantCause(t, err, Locked)
		wantCalls(t, s, 0)
		if _, err := c.Read(t.Context(), "alice", status); err != nil {
			t.Error(err)
		}
		if state := c.State(); state.Running != 0 {
			t.Errorf("state %+v", state)
		}
	})
}

func TestTheLockIsHeldForAChangeAlone(t *testing.T) {
	dir := t.TempDir()
	locked := func() bool {
		unlock, err := tryLock(dir)
		if err == nil {
			unlock()
			return false
		}
		if !errors.Is(err, errLocked) {
			t.Error(err)
		}
		return true
	}
	synctest.Test(t, func(t *testing.T) {
		ends := make(chan struct{})
		s := &script{
			takes: map[string]time.Duration{argGet: time.Hour},
			deaf:  map[string]chan struct{}{argGet: ends},
		}
		c := newTestClient(t, s, lockedConfig(dir))
		err := c.Exclusive(t.Context(), "alice", "save", func() error {
			if !locked() {
				t.Error("it is not locked for a save")
			}
			return nil
		})
		if err != nil || locked() {
			t.Errorf("it is locked after a save: %v", err)
		}
		_, err = c.Read(t.Context(), "alice", status)
		if err != nil || locked() {
			t.Errorf("it is locked by a read: %v", err)
		}
		_, err = c.Change(t.Context(), "alice", Message{mustID("a"), Get})
		wantCause(t, err, TimedOut)
		c.Close(t.Context())
		if !locked() {
			t.Error("it is not locked though the process still runs")
		}
		close(ends)
		synctest.Wait()
		if locked() {
			t.Error("it is locked though the process has ended")
		}
	})
}

func TestWhatCannotBeLockedIsTakenForLocked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"a folder that is not there": filepath.Join(t.TempDir(), "none"), "a file": file} {
		t.Run(name, func(t *testing.T) {
			s := &script{}
			c := newTestClient(t, s, lockedConfig(dir))
			_, err := c.Change(t.Context(), "alice", restartA)
			if f := wantCause(t, err, Locked); !strings.Contains(f.Message, dir) || f.Tip == "" {
				t.Errorf("the failure does not say what to do: %+v", f)
			}
			wantCalls(t, s, 0)
		})
	}
}

func TestNoFolderIsNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, &script{}, lockedConfig(""))
		if _, err := c.Change(t.Context(), "alice", restartA); err != nil {
			t.Error(err)
		}
	})
}

func TestClosingEndsTheWaitForALock(t *testing.T) {
	dir := t.TempDir()
	unlock, err := tryLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, &script{}, lockedConfig(dir))
		go func() {
			time.Sleep(time.Second)
			c.Close(context.Background())
		}()
		_, err := c.Change(t.Context(), "alice", restartA)
		wantCause(t, err, Gone)
	})
}
