package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/store"
)

// bubble runs a test whose goroutines are waited for: settle returns when all
// are blocked.
func bubble(t *testing.T, with func(*Config), test func(t *testing.T, w *world, settle func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with)
		w.setPassword("alice", right)
		test(t, w, synctest.Wait)
	})
}

// hashing sets how many hashes are computed and waited for at once.
func hashing(parallel, queue int) func(*Config) {
	return func(c *Config) { c.Hashing.Parallel, c.Hashing.Queue = parallel, queue }
}

// busy takes a turn to compute a hash until it is given back.
func (w *world) busy() (free func()) {
	w.t.Helper()
	turn, err := w.hasher.Reserve(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return turn.Release
}

// all makes attempts at once, and gives their errors when all have ended.
func (w *world) all(n int, which func(i int) Attempt) (errs []error, wait func()) {
	errs = make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { errs[i] = w.try(which(i)) })
	}
	return errs, running.Wait
}

func TestEqualAttemptsAtTheSameTimeAreOne(t *testing.T) {
	bubble(t, hashing(1, 64), func(t *testing.T, w *world, settle func()) {
		free := w.busy()
		n := w.hashes(func() {
			errs, wait := w.all(20, func(int) Attempt { return alice(right) })
			settle()
			free()
			wait()
			if err := errors.Join(errs...); err != nil {
				t.Error(err)
			}
		})
		if n != 1 {
			t.Errorf("%d hashes for 20 equal attempts", n)
		}
		if got := len(w.sessions("alice")); got != 20 {
			t.Errorf("%d sessions, want 20", got)
		}
		if got := w.counts(alice("")); got != [3]int{} {
			t.Errorf("failures are counted: %v", got)
		}
	})
}

func TestEqualWrongAttemptsCountOnce(t *testing.T) {
	bubble(t, hashing(1, 64), func(t *testing.T, w *world, settle func()) {
		free := w.busy()
		errs, wait := w.all(20, func(int) Attempt { return alice(wrong) })
		settle()
		free()
		wait()
		for _, err := range errs {
			if !errors.Is(err, ErrWrongPassword) {
				t.Error(err)
			}
		}
		if got := w.counts(alice("")); got != [3]int{1, 1, 1} {
			t.Errorf("counted are %v", got)
		}
	})
}

func TestManyGuessesAtOnceDoNotGetPastTheLimit(t *testing.T) {
	w := newWorld(t, hashing(8, 64))
	w.setPassword("alice", right)
	n := w.hashes(func() {
		errs, wait := w.all(20, func(i int) Attempt { return alice(fmt.Sprint(wrong, i)) })
		wait()
		compared := 0
		for _, err := range errs {
			if errors.Is(err, ErrWrongPassword) {
				compared++
			} else if b := braked(t, err); !b.Locked {
				t.Error(err)
			}
		}
		if compared != DefaultFailures {
			t.Errorf("%d guesses were compared, the limit is %d", compared, DefaultFailures)
		}
	})
	if n != 20 {
		t.Errorf("%d hashes for 20 attempts", n)
	}
}

// counts are the failures of the name from the source, of the name, and of the
// source.
func (w *world) counts(a Attempt) [3]int {
	w.t.Helper()
	record, err := w.store.LoginRecord(w.t.Context(), a.fold(), w.place(&a))
	if err != nil {
		w.t.Fatal(err)
	}
	f := record.Failures
	return [3]int{f.Pair.Count, f.Name.Count, f.Source.Count}
}

func TestTooManyHashesAtOnceAreRefusedAndNotCounted(t *testing.T) {
	bubble(t, hashing(1, 1), func(t *testing.T, w *world, settle func()) {
		free := w.busy()
		errs, wait := w.all(1, func(int) Attempt { return alice(right) })
		settle()
		for range 10 {
			if err := w.try(alice(wrong)); !errors.Is(err, password.ErrBusy) {
				t.Errorf("the queue is full: %v", err)
			}
		}
		free()
		wait()
		if errs[0] != nil {
			t.Errorf("the one in the queue: %v", errs[0])
		}
		if got := w.counts(alice("")); got != [3]int{} {
			t.Errorf("failures are counted: %v", got)
		}
		if s := w.Hashing(); s.Running != 0 || s.Queued != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestACallerWhoGoesAwayLeavesNothingBehind(t *testing.T) {
	bubble(t, hashing(1, 64), func(t *testing.T, w *world, settle func()) {
		free := w.busy()
		ctx, leave := context.WithCancel(t.Context())
		var left, stayed error
		var running sync.WaitGroup
		running.Go(func() { _, left = w.prove(ctx, alice(right)) })
		settle()
		running.Go(func() { _, stayed = w.prove(t.Context(), alice(right)) })
		settle()
		leave()
		settle()
		if !errors.Is(left, context.Canceled) {
			t.Errorf("whoever goes away is told: %v", left)
		}
		free()
		running.Wait()
		if stayed != nil {
			t.Errorf("another one who waited for the same: %v", stayed)
		}
		if s := w.Hashing(); s.Running != 0 || s.Queued != 0 {
			t.Errorf("%+v", s)
		}
		if got := w.counts(alice("")); got != [3]int{} {
			t.Errorf("failures are counted: %v", got)
		}
	})
}

func TestProofsEndWithTheRegistry(t *testing.T) {
	bubble(t, hashing(1, 64), func(t *testing.T, w *world, settle func()) {
		defer w.busy()()
		errs, wait := w.all(1, func(int) Attempt { return alice(right) })
		settle()
		w.end()
		wait()
		if err := errs[0]; !errors.Is(err, context.Canceled) || isRefusal(err) {
			t.Errorf("%v", err)
		}
	})
}

func TestAProofTakesItsTimeAndNoMore(t *testing.T) {
	bubble(t, hashing(1, 64), func(t *testing.T, w *world, settle func()) {
		defer w.busy()()
		began := time.Now()
		if err := w.try(alice(right)); !errors.Is(err, password.ErrBusy) {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took != password.DefaultWait {
			t.Errorf("it has waited %s", took)
		}
		settle()
	})
}

func TestAPanicIsAFaultAndEndsNothing(t *testing.T) {
	for name, slowed := range map[string]bool{"while it waits": true, "within a change": false} {
		w := newWorld(t)
		w.setPassword("alice", right)
		now, wait := w.now, w.sleep
		if slowed {
			w.setFailures(alice(""), 0, slowFrom, 0)
			w.sleep = func(context.Context, time.Duration) bool { panic("out of order") }
		} else {
			calls := 0
			w.now = func() time.Time {
				// The second look at the clock is within the change.
				if calls++; calls == 2 {
					panic("out of order")
				}
				return now()
			}
		}
		_, err := w.prove(t.Context(), alice(right))
		w.now, w.sleep = now, wait
		if err == nil || isRefusal(err) || !strings.Contains(err.Error(), "a password could not be checked: panic: out of order") || strings.Contains(err.Error(), right) {
			t.Errorf("%s: %v", name, err)
		}
		if err := w.try(alice(right)); err != nil {
			t.Errorf("%s: the next one: %v", name, err)
		}
		if s := w.Hashing(); s.Running != 0 || w.lagging.all != 0 {
			t.Errorf("%s: %+v, %d wait", name, s, w.lagging.all)
		}
	}
}

// setFailures writes the three counts of an attempt, as if they were of now.
func (w *world) setFailures(a Attempt, pair, name, source int) {
	w.t.Helper()
	err := w.store.Change(w.t.Context(), func(c *store.Change) error {
		record, err := c.LoginRecord(a.fold(), w.place(&a))
		f := &record.Failures
		f.Pair.Count, f.Name.Count, f.Source.Count = pair, name, source
		for _, count := range []*store.Failure{&f.Pair, &f.Name, &f.Source} {
			count.Began, count.Last = w.clock.now(), w.clock.now()
		}
		return errors.Join(err, c.SetFailures(f))
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
