package fire_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/identity"
)

// TestKillingWhoMakesAStoreLeavesNoneOrAWholeOne kills a process while it makes
// database and pepper. The next start goes on by itself.
func TestKillingWhoMakesAStoreLeavesNoneOrAWholeOne(t *testing.T) {
	random := rand.New(rand.NewPCG(seed(t), 0))
	var none, whole int
	took := timeToMake(t)
	n := rounds(t)
	for i := range n {
		dir := t.TempDir()
		runMaker(t, dir, time.Duration(random.Int64N(int64(took)+1)))
		if looksMade(t, dir) {
			whole++
		} else {
			none++
		}
		goOn(t, dir)
		if t.Failed() {
			t.Fatalf("in round %d", i)
		}
		progressOfKills(t, i+1, n)
	}
	figure(t, "kill -9 during the making of a store: %d times there was none, %d times a whole one, and the next start went on by itself", none, whole)
}

// timeToMake measures how long a worker takes to make a store.
func timeToMake(t *testing.T) time.Duration {
	t.Helper()
	w, deeds := startWorker(t, &plan{Dir: t.TempDir(), Create: true})
	<-deeds
	began := time.Now()
	made := <-deeds
	took := time.Since(began)
	if err := w.Wait(); err != nil || made.Kind != "made" {
		t.Fatalf("%v: %s", err, w.Stderr)
	}
	return took
}

// runMaker kills a worker so long after it has begun to make a store, if it has
// not made it by then.
func runMaker(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	w, deeds := startWorker(t, &plan{Dir: dir, Create: true})
	<-deeds
	timer := time.AfterFunc(after, func() { _ = w.Process.Kill() })
	defer timer.Stop()
	made := false
	for d := range deeds {
		made = made || d.Kind == "made"
	}
	if err := w.Wait(); err == nil && !made || err != nil && w.ProcessState.Exited() {
		t.Errorf("a worker that was to make a store: %v: %s", err, w.Stderr)
	}
	if made && !looksMade(t, dir) {
		t.Error("a store that was made is not there")
	}
}

// looksMade reports whether there is a store in dir. If so it must be whole.
func looksMade(t *testing.T, dir string) bool {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "auth.db")); errors.Is(err, fs.ErrNotExist) {
		return false
	}
	db := openFile(t, dir)
	defer db.Close()
	checkFile(t, db)
	return true
}

// goOn starts as a server does, which makes its store if there is none, and uses
// the store.
func goOn(t *testing.T, dir string) {
	t.Helper()
	config := registryConfig(dir)
	config.Create = true
	for _, start := range []string{"the start after the kill", "the one after that"} {
		r, err := identity.Open(t.Context(), config)
		if err != nil {
			t.Errorf("%s: %v", start, err)
			return
		}
		if _, err := r.AddUser(t.Context(), start, identity.NewUser{Username: "u" + start[len(start)-4:]}); err != nil {
			t.Errorf("%s: %v", start, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"auth.db", "pepper"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
