package intelmq_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nobody is a user who owns nothing.
const nobody = 65534

// deny takes the right to write a file away from the server, and that to make
// others beside it, until the result is called. What root may do no mode takes
// away, so root becomes another user meanwhile.
func (w *world) deny(t *testing.T, name string) (undo func()) {
	t.Helper()
	file := w.botnet.Path(name)
	folder := filepath.Dir(file)
	chmod(t, file, 0o444)
	chmod(t, folder, 0o555)
	// The test's folder is closed to others.
	for path := filepath.Dir(w.botnet.Root); len(path) > len(os.TempDir()); path = filepath.Dir(path) {
		chmod(t, path, 0o755)
	}
	root := os.Geteuid() == 0
	become := func(id int) {
		if !root {
			return
		}
		if err := syscall.Setreuid(-1, id); err != nil {
			t.Fatal(err)
		}
	}
	become(nobody)
	probe := folder + "/probe"
	if err := os.WriteFile(probe, nil, 0o600); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("the test can write '%s': %v", probe, err)
	}
	return func() {
		become(0)
		chmod(t, folder, 0o755)
		chmod(t, file, 0o644)
	}
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// loseStore takes the database away from the server, until the result is called.
func (w *world) loseStore(t *testing.T) (undo func()) {
	t.Helper()
	here, away := filepath.Join(w.Dir, "auth.db"), filepath.Join(w.Dir, "away.db")
	const lost = "the store cannot be read"
	before := strings.Count(w.Log(t), lost)
	move(t, here, away)
	// For a second after it was read the server can still tell who asks. A server that
	// is busy may answer 503 before it has looked.
	unavailable := func() bool {
		return w.Get(t, "/v1/api/version", "Authorization", w.token).StatusCode == 503
	}
	within(t, 10*time.Second, func() bool { return strings.Count(w.Log(t), lost) > before && unavailable() })
	return func() {
		move(t, away, here)
		// It is opened anew once a second at most. At the end of a test nobody waits.
		if t.Context().Err() == nil {
			within(t, 10*time.Second, func() bool { return !unavailable() })
		}
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// within waits for something to come true.
func within(t *testing.T, limit time.Duration, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s", limit)
		}
	}
}
