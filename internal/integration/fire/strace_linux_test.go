package fire_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// needStrace finds strace. In the CI it must be there.
func needStrace(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// kernelCall is a system call that has ended, as strace tells it.
type kernelCall struct {
	name, arguments string
	ok              bool
}

var (
	wholeCall  = regexp.MustCompile(`^\d+ +(\w+)\((.*)\) += (-?\d+)`)
	cutCall    = regexp.MustCompile(`^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$`)
	resumed    = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)`)
	onFile     = regexp.MustCompile(`^\d+<([^>]*)>`)
	linkedName = regexp.MustCompile(`^\d+<([^>]*)>, "([^"]*)", \d+<([^>]*)>, "([^"]*)"`)
)

// traced runs a worker and gives its system calls in the order in which they
// ended.
func traced(t *testing.T, p *plan) (calls []kernelCall) {
	t.Helper()
	needStrace(t)
	file := filepath.Join(t.TempDir(), "trace")
	w, deeds := startWorker(t, p, "strace", "-f", "-y", "-s", "64", "-e", "signal=none",
		"-e", "trace=write,pwrite64,fsync,fdatasync,linkat", "-o", file)
	for range deeds {
	}
	if err := w.Wait(); err != nil {
		t.Fatalf("%v: %s", err, w.Stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	unfinished := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if m := cutCall.FindStringSubmatch(line); m != nil {
			unfinished[m[1]] = m[3]
		} else if m := resumed.FindStringSubmatch(line); m != nil {
			calls = append(calls, kernelCall{m[2], unfinished[m[1]] + m[3], m[4][0] != '-'})
		} else if m := wholeCall.FindStringSubmatch(line); m != nil {
			calls = append(calls, kernelCall{m[1], m[2], m[3][0] != '-'})
		}
	}
	return calls
}

// file is that of a call's first argument.
func (c *kernelCall) file() string {
	if m := onFile.FindStringSubmatch(c.arguments); m != nil {
		return m[1]
	}
	return ""
}

func (c *kernelCall) writes() bool { return c.name == "write" || c.name == "pwrite64" }
func (c *kernelCall) syncs() bool  { return (c.name == "fsync" || c.name == "fdatasync") && c.ok }

// tells reports whether the worker tells of a change.
func (c *kernelCall) tells() bool {
	return c.name == "write" && strings.HasPrefix(c.arguments, "1<") && !strings.Contains(c.arguments, `{\"Kind\":\"open`)
}

// TestAnAcknowledgedChangeIsOnDisk looks at the system calls: between the last
// write into the log of the database and what tells of the change that log is
// brought to the disk.
func TestAnAcknowledgedChangeIsOnDisk(t *testing.T) {
	c := newCrash(t)
	p := c.next
	p.Label, p.Alone, p.Steps = "traced", true, 3
	var told int
	synced, written := true, false
	for _, call := range traced(t, &p) {
		wal := strings.HasSuffix(call.file(), "/auth.db-wal")
		switch {
		case wal && call.writes():
			written, synced = true, false
		case wal && call.syncs():
			synced = true
		case call.tells():
			told++
			if !written || !synced {
				t.Errorf("'%s' was told when the log had been written to: %t, and was on disk: %t", call.arguments, written, synced)
			}
			written = false
		}
	}
	// Each hand tells of three changes at least, but for the one that revokes at
	// random.
	if told < 3*(len(hands)-1) {
		t.Errorf("only %d changes were told of", told)
	}
	figure(t, "fsync of the log between the last write and the acknowledgement, for each of %d changes", told)
}

// TestAStoreHasItsNameWhenItIsOnDisk looks at the system calls of who makes a
// store: each file is brought to the disk before it gets its name, and its folder
// afterwards, before it is told that there is a store.
func TestAStoreHasItsNameWhenItIsOnDisk(t *testing.T) {
	dir := t.TempDir()
	synced := map[string]bool{}
	var named []string
	for _, call := range traced(t, &plan{Dir: dir, Create: true}) {
		switch {
		case call.writes() && strings.HasPrefix(call.file(), dir):
			synced[call.file()] = false
		case call.syncs():
			synced[call.file()] = true
		case call.name == "linkat":
			m := linkedName.FindStringSubmatch(call.arguments)
			if m == nil || !call.ok || !synced[m[1]+"/"+m[2]] {
				t.Errorf("a file got its name before it was on disk: %s", call.arguments)
				continue
			}
			if len(named) > 0 && !synced[dir] {
				t.Errorf("%s got its name before that of %s was on disk", m[4], named[len(named)-1])
			}
			named = append(named, m[4])
			synced[dir] = false
		case call.tells():
			if !synced[dir] {
				t.Error("it was told that there is a store when the names were not on disk")
			}
		}
	}
	// The database must not be there without a pepper.
	if want := []string{"pepper.new", "auth.db", "pepper"}; !slices.Equal(named, want) {
		t.Errorf("the names given are %v, want %v", named, want)
	}
	figure(t, "fsync of file, name, fsync of folder, for each of %s", strings.Join(named, ", "))
}

// TestAStoreIsMadeWholeWhereverItsMakingIsCutOff kills who makes a store at the
// beginning of each system call that matters.
func TestAStoreIsMadeWholeWhereverItsMakingIsCutOff(t *testing.T) {
	needStrace(t)
	points := 0
	for _, name := range []string{"fsync", "linkat", "unlinkat"} {
		for nth, killed := 1, true; killed; nth++ {
			dir := t.TempDir()
			w, deeds := startWorker(t, &plan{Dir: dir, Create: true}, "strace", "-f", "-e", "trace="+name, "-o", os.DevNull,
				"-e", "inject="+name+":signal=SIGKILL:when="+strconv.Itoa(nth))
			made := false
			for d := range deeds {
				made = made || d.Kind == "made"
			}
			err := w.Wait()
			exit, _ := errors.AsType[*exec.ExitError](err)
			killed = exit != nil && !exit.Exited()
			if !killed && (err != nil || !made) {
				t.Fatalf("%s %d: %v: %s", name, nth, err, w.Stderr)
			}
			if killed {
				points++
			}
			looksMade(t, dir)
			goOn(t, dir)
			if t.Failed() {
				t.Fatalf("cut off at %s %d", name, nth)
			}
		}
	}
	if points < 6 {
		t.Errorf("it was cut off at %d places only", points)
	}
	figure(t, "the making of a store cut off at %d system calls: the next start went on by itself each time", points)
}
