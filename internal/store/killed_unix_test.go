//go:build unix

package store_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/store"
)

// The process that is killed is this test's program once more, and does what the
// variable says, over and over.
const killedVariable = "SALLYPORT_TEST_KILLED"

// killRounds is how often a process is killed.
const killRounds = 15

func TestProcessToBeKilled(t *testing.T) {
	what, rest, _ := strings.Cut(os.Getenv(killedVariable), " ")
	paths := strings.Fields(rest)
	switch what {
	case "backup":
		for i := 0; ; i++ {
			if _, err := store.Backup(t.Context(), at(paths[0]), fmt.Sprintf("%s/%d-%d.db", paths[1], os.Getpid(), i)); err != nil {
				t.Fatal(err)
			}
			fmt.Println("made")
		}
	case "replace":
		for i := 0; ; i++ {
			r := restore(t, paths[1+i%2])
			c, err := r.Compare(t.Context(), at(paths[0]))
			if err != nil {
				t.Fatal(err)
			}
			seal(t, r, c.Now.Number)
			if err := r.Replace(t.Context(), at(paths[0]), always); err != nil {
				t.Fatal(err)
			}
			fmt.Println("replaced", i%2)
		}
	}
}

// killed starts the process and kills it at a random moment after it has done its work
// once. It returns what the process has written since.
func killed(t *testing.T, what string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessToBeKilled$")
	// What it leaves there is removed with the directory.
	command.Env = append(os.Environ(), killedVariable+"="+what, "TMPDIR="+t.TempDir())
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(output)
	if first, err := lines.ReadString('\n'); err != nil || strings.Contains(first, "FAIL") {
		t.Fatalf("it has not begun: %s, %v", first, err)
	}
	time.Sleep(rand.N(200 * time.Millisecond))
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err == nil || strings.Contains(string(rest), "FAIL") {
		t.Fatalf("it has ended by itself: %v\n%s", err, rest)
	}
	return string(rest)
}

// grown makes a store with so many keys.
func grown(t *testing.T, keys int) store.Location {
	t.Helper()
	l, s := made(t)
	alice := user("alice")
	change(t, s, func(c *store.Change) error {
		for i := 1; i < keys; i++ {
			k := key(&alice, fmt.Sprintf("%012d", i), fmt.Sprint(i))
			if err := c.InsertKey(&k); err != nil {
				return err
			}
		}
		return nil
	})
	return l
}

func TestAKilledBackupLeavesNoFileOfItsName(t *testing.T) {
	l, dir := grown(t, 2000), t.TempDir()
	whole, drafts := 0, 0
	for range killRounds {
		killed(t, "backup "+l.Path+" "+dir)
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			path := filepath.Join(dir, file.Name())
			if strings.HasPrefix(file.Name(), ".large-") {
				drafts++
				// As if it had been left a while ago.
				if err := os.Chtimes(path, now.Add(-time.Hour), now.Add(-time.Hour)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
				continue
			}
			whole++
			expectKeys(t, at(path), 2000)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d processes were killed: %d whole backups, %d drafts", killRounds, whole, drafts)
	if whole == 0 || drafts == 0 {
		t.Error("either all or none were killed at work; this test cannot fail")
	}
	if _, err := store.Backup(t.Context(), l, filepath.Join(dir, "last.db")); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("after the last there are %v, %v", files, err)
	}
}

func TestAKilledReplacementIsWholeOrNone(t *testing.T) {
	few, _ := backup(t, grown(t, 100))
	many, _ := backup(t, grown(t, 3000))
	l := grown(t, 100)
	s := open(t, l)
	replaced, alarms, seen := killRounds, 0, map[int64]bool{}
	for range killRounds {
		replaced += strings.Count(killed(t, "replace "+l.Path+" "+many+" "+few), "replaced")
		// On a slow machine there is one replacement before the kill.
		many, few = few, many
		counts, err := s.Count(t.Context())
		if errors.Is(err, store.ErrDamaged) {
			// A process that is killed while it puts the log into the file leaves
			// one that is too short without the log. The server opens it anew.
			alarms++
			if _, err = s.Reopen(t.Context(), []string{fingerprint}); err == nil {
				counts, err = s.Count(t.Context())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		seen[counts.Keys] = true
		problems, err := open(t, l).Inspect(t.Context(), func(string) {})
		if err != nil || len(problems) != 0 {
			t.Errorf("%v, %v", problems, err)
		}
	}
	t.Logf("%d processes were killed after %d replacements; there were then %v keys, and %d times the file was opened anew", killRounds, replaced, seen, alarms)
	if len(seen) != 2 || !seen[100] || !seen[3000] {
		t.Errorf("there were %v keys, want 100 or 3000", seen)
	}
}

func expectKeys(t *testing.T, l store.Location, want int64) {
	t.Helper()
	s, err := store.OpenAsItIs(t.Context(), l, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	problems, err := s.Inspect(t.Context(), func(string) {})
	if err != nil || len(problems) != 0 {
		t.Errorf("%v, %v", problems, err)
	}
	if got, err := s.Summary(t.Context()); err != nil || got.Keys != want {
		t.Errorf("it has %d keys, want %d; %v", got.Keys, want, err)
	}
}
