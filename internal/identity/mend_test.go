package identity

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// backup is the database as it is now, as one file in another folder.
func (w *world) backup() string {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "backup.db")
	w.execute(`VACUUM INTO '` + file + `'`)
	// A store of ours has a write-ahead log, and a file that belongs to nobody else.
	l := store.Location{Engine: "sqlite", Path: file}
	s := &world{t: w.t, config: Config{Location: l}}
	s.execute(`PRAGMA journal_mode = WAL`)
	return file
}

// put moves a file into the place of the store.
func (w *world) put(file string) {
	w.t.Helper()
	w.must(nil, os.Rename(file, w.config.Location.Path))
}

func TestMemoryFollowsAnotherFile(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	old := w.issue("old")
	backup := w.backup()
	w.must(w.RevokeKey(t.Context(), "test", ref("old"), ""))
	lost := w.issue("lost")
	w.put(backup)
	// The key that was revoked since then is what a restored backup opens again.
	w.must(nil, w.mirror.tend(t.Context()))
	for name, test := range map[string]struct {
		word string
		want Reason
	}{"from before the backup": {old, Accepted}, "from after it": {lost, UnknownKey}} {
		if got := w.check(test.word); got != test.want {
			t.Errorf("a key %s: %s", name, got)
		}
	}
	if err := w.try(alice(right)); err != nil {
		t.Errorf("log-in: %v", err)
	}
	if got := w.check(w.issue("new")); got != Accepted {
		t.Errorf("a key that was issued since: %s", got)
	}
	if text := w.log.String(); !strings.Contains(text, "the store was opened anew") || !strings.Contains(text, w.config.Location.Path) {
		t.Errorf("the log says %s", text)
	}
}

// Of two files with the same number of changes memory must not take one for the
// other.
func TestMemoryTellsFilesOfTheSameNumberApart(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	backup := w.backup()
	other := &world{t: t, config: Config{Location: store.Location{Engine: "sqlite", Path: backup}}}
	other.execute(`UPDATE api_keys SET revoked = 1`)
	w.put(backup)
	w.must(nil, w.mirror.tend(t.Context()))
	if got := w.check(word); got != Revoked {
		t.Errorf("a key that the new file says is revoked: %s", got)
	}
}

func TestMemoryFollowsAnotherHistoryInTheSameFile(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	w.execute(`UPDATE api_keys SET revoked = 1`)
	w.later(0)
	if got := w.check(word); got != Accepted {
		t.Fatalf("a change without a number: %s", got)
	}
	w.execute(`UPDATE change_counter SET history = 'restored'`)
	w.later(0)
	if got := w.check(word); got != Revoked {
		t.Errorf("%s", got)
	}
}

func TestNothingIsAnsweredFromAStoreOfANewerProgram(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	word := w.issue("ci")
	w.execute(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
	err := w.mirror.tend(t.Context())
	if err == nil || !strings.Contains(err.Error(), "was upgraded to schema 999") {
		t.Errorf("%v", err)
	}
	w.clock.add(freshFor)
	if got := w.check(word); got != NotFresh {
		t.Errorf("a key: %s", got)
	}
	if err := w.try(alice(right)); err == nil || isRefusal(err) {
		t.Errorf("log-in: %v", err)
	}
	w.execute(`DELETE FROM goose_db_version WHERE version_id = 999`)
	w.must(nil, w.mirror.tend(t.Context()))
	if got := w.check(word); got != Accepted {
		t.Errorf("when that is undone: %s", got)
	}
}

func TestAStoreThatCannotBeOpenedAnewIsTriedOnceASecond(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	backup, bad := w.backup(), filepath.Join(t.TempDir(), "bad.db")
	w.must(nil, os.WriteFile(bad, []byte(strings.Repeat("no database\n", 1000)), 0o600))
	w.put(bad)
	for range 3 {
		if err := w.mirror.tend(t.Context()); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%v", err)
		}
	}
	w.put(backup)
	if err := w.mirror.tend(t.Context()); err == nil {
		t.Error("it was tried again within the second")
	}
	w.clock.add(mendEvery)
	w.must(nil, w.mirror.tend(t.Context()))
	if got := w.check(word); got != Accepted {
		t.Errorf("%s", got)
	}
}

func TestAFileThatWasCutOffClosesTheGateUntilItIsWhole(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	word := w.issue("ci")
	path := w.config.Location.Path
	w.execute(`PRAGMA wal_checkpoint(TRUNCATE)`)
	whole, err := os.ReadFile(path)
	w.must(nil, err)
	w.later(0)
	w.must(nil, os.Truncate(path, 4096))
	if err := w.mirror.tend(t.Context()); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if got := w.check(word); got != Accepted {
		t.Errorf("while the last look is fresh: %s", got)
	}
	w.clock.add(freshFor)
	if got := w.check(word); got != NotFresh {
		t.Errorf("then: %s", got)
	}
	_, _, err = w.LogInByPassword(t.Context(), alice(right), NewSession{Tokens: []NewToken{hour(credential.AppToken)}})
	if !errors.Is(err, store.ErrDamaged) {
		t.Errorf("log-in: %v", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	w.must(nil, err)
	_, err = file.Write(whole)
	w.must(nil, errors.Join(err, file.Close()))
	w.clock.add(mendEvery)
	w.must(nil, w.mirror.tend(t.Context()))
	if got := w.check(word); got != Accepted {
		t.Errorf("when it is whole again: %s", got)
	}
}

func TestAnotherFaultIsLoggedSoon(t *testing.T) {
	clock, l := newClock(), &log{}
	c := complaint{log: l.logger(), now: clock.now}
	one, two := errors.New("the file has gone"), errors.New("the wrong pepper")
	for range 100 {
		c.about(one)
		c.about(two)
		clock.add(100 * time.Millisecond)
	}
	c.about(two)
	if strings.Count(l.String(), one.Error()) != 1 || strings.Count(l.String(), two.Error()) != 1 {
		t.Errorf("the log says %s", l)
	}
}

func TestAnIndexOfTheLogThatIsCutOffIsMadeAnew(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	w.must(nil, os.Truncate(w.config.Location.Path+"-shm", 0))
	looks := 0
	for w.mirror.tend(t.Context()) != nil {
		if looks++; looks > 100 {
			t.Fatal("the store is not opened anew")
		}
		w.clock.add(pollEvery)
	}
	if took := time.Duration(looks) * pollEvery; took < 2*time.Second || took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if got := w.check(word); got != Accepted {
		t.Errorf("then a key: %s", got)
	}
	if got := w.check(w.issue("new")); got != Accepted {
		t.Errorf("a key that was issued since: %s", got)
	}
}

func TestALogThatIsDeletedUnderMemoryOpensNothingAndLosesNothing(t *testing.T) {
	w := newWorld(t)
	dead, good := w.issue("dead"), w.issue("good")
	path := w.config.Location.Path
	w.must(nil, errors.Join(os.Remove(path+"-wal"), os.Remove(path+"-shm")))
	if _, err := w.RevokeKey(t.Context(), "test", ref("dead"), ""); !errors.Is(err, store.ErrLogLost) {
		t.Errorf("revoking without the log: %v", err)
	}
	w.clock.add(freshFor)
	if got := w.check(good); got != NotFresh {
		t.Errorf("a key meanwhile: %s", got)
	}
	w.must(nil, w.mirror.tend(t.Context()))
	w.must(w.RevokeKey(t.Context(), "test", ref("dead"), ""))
	for word, want := range map[string]Reason{dead: Revoked, good: Accepted} {
		if got := w.check(word); got != want {
			t.Errorf("then: %s, want %s", got, want)
		}
	}
	if text := w.log.String(); !strings.Contains(text, "the store was opened anew") || !strings.Contains(text, path) {
		t.Errorf("the log says %s", text)
	}
}

// secret is what a panic may say.
type secret string

func TestAPanicWhileLookingAtTheStoreIsNotTheLastLook(t *testing.T) {
	var looks atomic.Int32
	l := &log{}
	config := newConfig(t, nil)
	config.Observe = func(what string, _ time.Duration) {
		if what == "look" && looks.Add(1) == 1 {
			panic(secret("of a record"))
		}
	}
	m := NewMirror(openRegistry(t, config), l.logger())
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	err := m.Ready(t.Context())
	cancel()
	running.Wait()
	if err != nil {
		t.Error(err)
	}
	if text := l.String(); !strings.Contains(text, "panic of type identity.secret") || !strings.Contains(text, "the store is back") || strings.Contains(text, "of a record") {
		t.Errorf("the log says %s", text)
	}
}

// Whoever recovers from a panic of Run would wait for ever for what Run waits for.
func TestUpkeepEndsWhenRunPanics(t *testing.T) {
	m := NewMirror(openRegistry(t, newConfig(t, nil)), slog.New(panics{}))
	ended := make(chan any)
	go func() {
		defer func() { ended <- recover() }()
		m.Run(t.Context())
	}()
	select {
	case p := <-ended:
		if p == nil {
			t.Error("it does not panic")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
}

// panics is a log whose every line is a panic.
type panics struct{ slog.Handler }

func (panics) Enabled(context.Context, slog.Level) bool { panic("no line") }
