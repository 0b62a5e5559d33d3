package identity

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

func TestAnswersAreGivenOnlyWhileFresh(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	w.clock.add(freshFor - 1)
	if got := w.check(word); got != Accepted {
		t.Errorf("just before the second is over: %s", got)
	}
	w.clock.add(1)
	for name, word := range map[string]string{"a good key": word, "nonsense": "x"} {
		if got := w.check(word); got != NotFresh {
			t.Errorf("%s after a second without a look: %s", name, got)
		}
	}
	if err := w.poll(); err != nil {
		t.Fatal(err)
	}
	if got := w.check(word); got != Accepted {
		t.Errorf("after a look: %s", got)
	}
}

func TestNothingIsAnsweredBeforeTheFirstLoad(t *testing.T) {
	clock := newClock()
	r := openRegistry(t, newConfig(t, clock.now))
	m := NewMirror(r, (&log{}).logger())
	if _, got := m.Check(&credential.Presented{}, at(Circumstances{})); got != NotFresh {
		t.Errorf("%s", got)
	}
	if m.Loaded() {
		t.Error("it says that it is loaded")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Ready(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Ready: %v", err)
	}
	// A change before the load is found by the load.
	if _, err := r.AddUser(t.Context(), "test", NewUser{Username: "alice"}); err != nil {
		t.Fatal(err)
	}
}

func TestALookThatFailsProvesNothing(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	if err := os.Rename(w.config.Location.Path, w.config.Location.Path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := w.poll(); !errors.Is(err, store.ErrReplaced) {
		t.Fatalf("the look: %v", err)
	}
	if got := w.check(word); got != Accepted {
		t.Errorf("while the last look is fresh: %s", got)
	}
	w.clock.add(freshFor)
	if got := w.check(word); got != NotFresh {
		t.Errorf("a second later: %s", got)
	}
	if err := os.Rename(w.config.Location.Path+".away", w.config.Location.Path); err != nil {
		t.Fatal(err)
	}
	if err := w.poll(); err != nil {
		t.Fatal(err)
	}
	if got := w.check(word); got != Accepted {
		t.Errorf("when the file is back: %s", got)
	}
}

func TestARequestLooksForItselfWhenMemoryIsNotFresh(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	w.must(w.RevokeKey(t.Context(), "test", ref("ci"), ""))
	w.clock.add(time.Hour)
	if got := w.check(word); got != NotFresh {
		t.Fatal(got)
	}
	if !w.mirror.Refresh(t.Context()) {
		t.Error("the store is there, and the look has failed")
	}
	if got := w.check(word); got != Revoked {
		t.Errorf("after the look: %s", got)
	}
	away := w.config.Location.Path + ".away"
	if err := os.Rename(w.config.Location.Path, away); err != nil {
		t.Fatal(err)
	}
	w.clock.add(time.Hour)
	if w.mirror.Refresh(t.Context()) {
		t.Error("the store is gone, and the look has succeeded")
	}
	if err := os.Rename(away, w.config.Location.Path); err != nil {
		t.Fatal(err)
	}
	if w.mirror.Refresh(t.Context()) {
		t.Error("it looks again at once after a failure")
	}
	w.clock.add(pollEvery)
	if !w.mirror.Refresh(t.Context()) {
		t.Error("it does not look again after a while")
	}
}

func TestARequestDoesNotWaitLongForItsLook(t *testing.T) {
	w := newWorld(t)
	w.clock.add(time.Hour)
	w.mirror.turn <- struct{}{}
	defer w.mirror.release()
	began := time.Now()
	if w.mirror.Refresh(t.Context()) {
		t.Error("it has looked out of turn")
	}
	if took := time.Since(began); took < refreshLimit || took > 20*refreshLimit {
		t.Errorf("it waited %s", took)
	}
}

func TestAChangeIsInForceWhenItIsAnswered(t *testing.T) {
	w := newWorld(t)
	for range 50 {
		word := w.issue("ci")
		if got := w.check(word); got != Accepted {
			t.Fatalf("just issued: %s", got)
		}
		w.must(w.RevokeKey(t.Context(), "test", ref("ci"), ""))
		if got := w.check(word); got != Revoked {
			t.Fatalf("just revoked: %s", got)
		}
	}
}

func TestAChangeThatMemoryCannotFollowClosesTheGate(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	// Whoever revokes goes away at once; the change must reach memory anyway.
	ctx, cancel := context.WithCancel(t.Context())
	w.committed = func(ctx context.Context) {
		cancel()
		w.mirror.follow(ctx)
	}
	w.must(w.RevokeKey(ctx, "test", ref("ci"), ""))
	if got := w.check(word); got != Revoked {
		t.Errorf("after a caller who went away: %s", got)
	}

	word = w.issue("cd")
	w.committed = func(ctx context.Context) {
		broken, cancel := context.WithCancel(ctx)
		cancel()
		w.mirror.follow(broken)
	}
	w.must(w.RevokeKey(t.Context(), "test", ref("cd"), ""))
	if got := w.check(word); got != NotFresh {
		t.Errorf("memory has not followed, and the answer is %s", got)
	}
	if !strings.Contains(w.log.String(), "memory could not follow a change") {
		t.Errorf("the log does not say so: %s", w.log)
	}
	if err := w.poll(); err != nil {
		t.Fatal(err)
	}
	if got := w.check(word); got != Revoked {
		t.Errorf("after the next look: %s", got)
	}
}

func TestChangesOfAnotherProcess(t *testing.T) {
	w := newWorld(t)
	other := openRegistry(t, w.config)
	word := w.issue("ci")
	w.must(other.RevokeKey(t.Context(), "test", ref("ci"), ""))
	if err := w.poll(); err != nil {
		t.Fatal(err)
	}
	if got := w.check(word); got != Revoked {
		t.Errorf("revoked elsewhere: %s", got)
	}
	if _, err := other.AddUser(t.Context(), "test", NewUser{Username: "bob"}); err != nil {
		t.Fatal(err)
	}
	_, secret, err := other.IssueKey(t.Context(), "test", NewKey{Username: "bob", Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.poll(); err != nil {
		t.Fatal(err)
	}
	if got := w.check(secret.Reveal()); got != Accepted {
		t.Errorf("issued elsewhere: %s", got)
	}
	w.must(nil, other.DeleteUser(t.Context(), "test", "bob"))
	if err := w.poll(); err != nil {
		t.Fatal(err)
	}
	if got := w.check(secret.Reveal()); got != UnknownKey {
		t.Errorf("deleted elsewhere: %s", got)
	}
}

func TestADeletedUserDoesNotComeBackAsAnother(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	w.must(nil, w.DeleteUser(t.Context(), "test", "alice"))
	w.addUser("alice")
	if got := w.check(word); got != UnknownKey {
		t.Errorf("the key of the user who was deleted: %s", got)
	}
}

func TestMemoryIsLoadedAnewAfterTooManyChanges(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	other := openRegistry(t, w.config)
	w.must(other.RevokeKey(t.Context(), "test", ref("ci"), ""))
	// The list of changes is longer than what is kept of it.
	err := w.store.Change(t.Context(), func(c *store.Change) error {
		u, err := c.UserByFold("alice")
		for i := 0; err == nil && i < 10_001; i++ {
			err = c.UpdateUser(&u)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.poll(); err != nil {
		t.Fatal(err)
	}
	if got := w.check(word); got != Revoked {
		t.Errorf("%s", got)
	}
}

func TestRunKeepsUpWithAnotherProcess(t *testing.T) {
	config := newConfig(t, nil)
	r, other := openRegistry(t, config), openRegistry(t, config)
	m := NewMirror(r, (&log{}).logger())
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	defer running.Wait()
	defer cancel()
	if err := m.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.AddUser(t.Context(), "test", NewUser{Username: "alice"}); err != nil {
		t.Fatal(err)
	}
	_, word, err := other.IssueKey(t.Context(), "test", NewKey{Username: "alice", Name: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	presented := credential.Presented{Kind: credential.Bearer, Word: word.Reveal()}
	within := func(want Reason) time.Duration {
		t.Helper()
		for start := time.Now(); ; time.Sleep(time.Millisecond) {
			_, got := m.Check(&presented, at(Circumstances{}))
			if got == want {
				return time.Since(start)
			}
			if time.Since(start) > 5*time.Second {
				t.Fatalf("still %s, want %s", got, want)
			}
		}
	}
	within(Accepted)
	if _, err := other.RevokeKey(t.Context(), "test", ref("ci"), ""); err != nil {
		t.Fatal(err)
	}
	took := within(Revoked)
	t.Logf("seen after %s", took)
	if took > 500*time.Millisecond {
		t.Errorf("a revocation by another process was seen after %s", took)
	}
}

func TestUsesAreWrittenInTheEnd(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	if got := w.check(word); got != Accepted {
		t.Fatal(got)
	}
	w.check("sly_nonsense")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.mirror.upkeep(ctx)
	k, err := w.Key(t.Context(), ref("ci"))
	if err != nil || !k.LastUsed.Equal(w.clock.now()) {
		t.Errorf("last used %s, %v", k.LastUsed, err)
	}
	if w.mirror.used.take() != nil {
		t.Error("what was written is still remembered")
	}
}

func TestUsesAreBounded(t *testing.T) {
	var u usage
	for i := range maxUsage + 10 {
		u.note(credential.KeyID([]byte(fmt.Sprintf("%012d", i))), time.Now())
	}
	if n := len(u.take()); n != maxUsage {
		t.Errorf("%d uses are remembered", n)
	}
}

func TestUsesThatCannotBeWrittenAreLogged(t *testing.T) {
	w := newWorld(t)
	w.check(w.issue("ci"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.mirror.used.write(ctx, w.store.MarkUsed, w.log.logger())
	if !strings.Contains(w.log.String(), "the last uses of keys or tokens could not be written") {
		t.Errorf("the log says: %s", w.log)
	}
}

func TestChecksDuringChanges(t *testing.T) {
	w := newWorld(t)
	steady := w.issue("steady")
	var stop atomic.Bool
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for !stop.Load() {
				if got := w.check(steady); got != Accepted {
					t.Errorf("a key that nobody touches: %s", got)
					return
				}
			}
		})
	}
	for i := range 60 {
		name := fmt.Sprintf("key%d", i)
		word := w.issue(name, func(n *NewKey) { n.UserAgent = name })
		w.must(w.RevokeKey(t.Context(), "test", ref(name), ""))
		if got := w.check(word); got != Revoked {
			t.Errorf("%s", got)
		}
		user := fmt.Sprintf("user%d", i)
		w.addUser(user)
		w.must(nil, w.DeleteUser(t.Context(), "test", user))
	}
	stop.Store(true)
	readers.Wait()
	if got, _ := w.mirror.Size(); got != 61 {
		t.Errorf("%d keys in memory", got)
	}
}

func TestFaultsAreLoggedOnceAMinute(t *testing.T) {
	clock, l := newClock(), &log{}
	c := complaint{log: l.logger(), now: clock.now}
	fault := errors.New("the disk is on fire")
	c.about(nil)
	for range 100 {
		c.about(fault)
	}
	clock.add(complainEvery)
	c.about(fault)
	c.about(nil)
	c.about(nil)
	if n := strings.Count(l.String(), fault.Error()); n != 2 {
		t.Errorf("logged %d times:\n%s", n, l)
	}
	if n := strings.Count(l.String(), "the store is back"); n != 1 {
		t.Errorf("its end is logged %d times", n)
	}
}
