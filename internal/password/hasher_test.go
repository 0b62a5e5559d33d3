package password

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// cheap hashes take microseconds.
var cheap = Params{Memory: 8, Time: 1, Threads: 1}

func reserve(t *testing.T, h *Hasher) *Turn {
	t.Helper()
	turn, err := h.Reserve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return turn
}

// queued starts n callers one after the other, so that they wait in this order.
// Each sends its number when it has its turn, gives it back, and ends.
func queued(t *testing.T, h *Hasher, n int) (served <-chan int) {
	t.Helper()
	numbers := make(chan int, n)
	for i := range n {
		go func() {
			turn, err := h.Reserve(t.Context())
			if err != nil {
				t.Errorf("caller %d: %v", i, err)
				return
			}
			numbers <- i
			turn.Release()
		}()
		synctest.Wait()
	}
	return numbers
}

func expectStats(t *testing.T, h *Hasher, want Stats) {
	t.Helper()
	if got := h.Stats(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestAsManyTurnsAsConfiguredAreGivenOut(t *testing.T) {
	h := NewHasher(Config{Parallel: 3, Params: cheap})
	turns := []*Turn{reserve(t, h), reserve(t, h), reserve(t, h)}
	expectStats(t, h, Stats{Running: 3})
	for _, turn := range turns {
		turn.Release()
	}
	expectStats(t, h, Stats{})
}

// TestASingleCoreRestsAfterATurn: otherwise all others would get what hashes leave.
func TestASingleCoreRestsAfterATurn(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	synctest.Test(t, func(t *testing.T) {
		for worked, rested := range map[time.Duration]time.Duration{
			0:                       0,
			40 * time.Millisecond:   40 * time.Millisecond,
			1500 * time.Millisecond: time.Second,
		} {
			h := NewHasher(Config{Params: cheap})
			turn := reserve(t, h)
			time.Sleep(worked)
			turn.Release()
			began := time.Now()
			second := reserve(t, h)
			if rest := time.Since(began); rest != rested {
				t.Errorf("after a turn of %s it rests for %s", worked, rest)
			}
			turn.Release()
			second.Release()
			synctest.Wait()
			expectStats(t, h, Stats{})
		}
	})
}

func TestAFullQueueIsToldBeforehand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(Config{Parallel: 1, Queue: 1, Params: cheap})
		if h.Refuses() {
			t.Error("it refuses while a turn is free")
		}
		turn := reserve(t, h)
		if h.Refuses() {
			t.Error("it refuses while there is a place in the queue")
		}
		served := queued(t, h, 1)
		if !h.Refuses() {
			t.Error("it does not refuse while the queue is full")
		}
		expectStats(t, h, Stats{Running: 1, Queued: 1, Refused: 1})
		turn.Release()
		<-served
		if h.Refuses() {
			t.Error("it refuses when the queue is empty again")
		}
	})
}

func TestDefaults(t *testing.T) {
	h := NewHasher(Config{})
	if want := max(1, runtime.GOMAXPROCS(0)/2); h.parallel != want || h.queue != 64*want {
		t.Errorf("%d at once and %d in the queue, want %d and %d", h.parallel, h.queue, want, 64*want)
	}
	if h.wait != 5*time.Second || h.params != (Params{19456, 2, 1}) {
		t.Errorf("wait %v, parameters %+v", h.wait, h.params)
	}
}

func TestHasherOfImpossibleParamsIsNotMade(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it is made")
		}
	}()
	NewHasher(Config{Params: Params{Memory: 1<<20 + 1}})
}

func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(Config{Parallel: 1, Queue: 10, Params: cheap})
		turn := reserve(t, h)
		served := queued(t, h, 10)
		expectStats(t, h, Stats{Running: 1, Queued: 10})
		turn.Release()
		for want := range 10 {
			if got := <-served; got != want {
				t.Errorf("caller %d is served, want %d", got, want)
			}
		}
		synctest.Wait()
		expectStats(t, h, Stats{})
	})
}

func TestNewcomerDoesNotOvertakeTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(Config{Parallel: 1, Queue: 1, Params: cheap})
		turn := reserve(t, h)
		served := queued(t, h, 1)
		turn.Release() // The turn goes to the one who waits, who has not run yet.
		late := reserve(t, h)
		if len(served) != 1 {
			t.Error("the newcomer was first")
		}
		late.Release()
	})
}

func TestFullQueueRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(Config{Parallel: 1, Queue: 2, Params: cheap})
		turn := reserve(t, h)
		queued(t, h, 2)
		start := time.Now()
		if _, err := h.Reserve(t.Context()); !errors.Is(err, ErrBusy) || time.Since(start) != 0 {
			t.Errorf("%v after %v, want ErrBusy at once", err, time.Since(start))
		}
		expectStats(t, h, Stats{Running: 1, Queued: 2, Refused: 1})
		turn.Release()
		synctest.Wait()
	})
}

func TestLongestWaitEndsInErrBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(Config{Parallel: 1, Wait: 3 * time.Second, Params: cheap})
		turn := reserve(t, h)
		start := time.Now()
		if _, err := h.Reserve(t.Context()); !errors.Is(err, ErrBusy) || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v, want ErrBusy after 3s", err, time.Since(start))
		}
		expectStats(t, h, Stats{Running: 1, Refused: 1})
		turn.Release()
		expectStats(t, h, Stats{Refused: 1})
	})
}

func TestCallerWhoIsGoneAlreadyGetsNoTurn(t *testing.T) {
	h := NewHasher(Config{Parallel: 1, Params: cheap})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Reserve(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that of the context", err)
	}
	expectStats(t, h, Stats{})
}

func TestCallerWhoGoesAwayLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(Config{Parallel: 1, Params: cheap})
		turn := reserve(t, h)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.Reserve(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want that of the context", err)
		}
		expectStats(t, h, Stats{Running: 1})
		served := queued(t, h, 1)
		turn.Release()
		<-served
		synctest.Wait()
		expectStats(t, h, Stats{})
	})
}

// justWhenWaiting is a context that does something when its caller begins to
// wait, after it has taken its place in the queue.
type justWhenWaiting struct {
	context.Context
	do func()
}

func (c justWhenWaiting) Done() <-chan struct{} {
	c.do()
	return c.Context.Done()
}

// Whoever goes away in the moment in which the turn comes either uses it or
// hands it on. Which of the two happens is chosen at random, hence the rounds.
func TestTurnThatComesTooLateIsHandedOn(t *testing.T) {
	h := NewHasher(Config{Parallel: 1, Params: cheap})
	gone, used := 0, 0
	for range 200 {
		turn := reserve(t, h)
		ctx, cancel := context.WithCancel(t.Context())
		late, err := h.Reserve(justWhenWaiting{ctx, func() { turn.Release(); cancel() }})
		if err == nil {
			used++
			expectStats(t, h, Stats{Running: 1})
			late.Release()
		} else {
			gone++
		}
		expectStats(t, h, Stats{})
	}
	if gone == 0 || used == 0 {
		t.Errorf("%d went away, %d used the turn: the test does not see both", gone, used)
	}
}

func TestTurnThatComesWithTheEndOfTheWaitIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(Config{Parallel: 1, Wait: time.Second, Params: cheap})
		for range 200 {
			turn := reserve(t, h)
			late, err := h.Reserve(justWhenWaiting{t.Context(), func() { turn.Release(); time.Sleep(time.Second) }})
			if err != nil {
				t.Fatal(err)
			}
			late.Release()
			expectStats(t, h, Stats{})
		}
	})
}

func TestReleaseTwiceGivesBackOnce(t *testing.T) {
	h := NewHasher(Config{Parallel: 2, Params: cheap})
	other := reserve(t, h)
	turn := reserve(t, h)
	turn.Release()
	turn.Release()
	expectStats(t, h, Stats{Running: 1})
	other.Release()
}

// TestCrowdNeverExceedsTheLimits is for the race detector.
func TestCrowdNeverExceedsTheLimits(t *testing.T) {
	h := NewHasher(Config{Parallel: 2, Queue: 20, Wait: 20 * time.Millisecond, Params: cheap})
	var crowd sync.WaitGroup
	for range 300 {
		crowd.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), rand.N(20*time.Millisecond))
			defer cancel()
			turn, err := h.Reserve(ctx)
			if err != nil {
				return
			}
			defer turn.Release()
			if s := h.Stats(); s.Running < 1 || s.Running > 2 || s.Queued > 20 {
				t.Errorf("beyond the limits: %+v", s)
			}
			if _, err := turn.Hash("correct horse battery"); err != nil {
				t.Error(err)
			}
		})
	}
	crowd.Wait()
	if s := h.Stats(); s.Running != 0 || s.Queued != 0 {
		t.Errorf("turns or places are lost: %+v", s)
	}
	if slices.ContainsFunc(h.waiting[:cap(h.waiting)], func(c chan struct{}) bool { return c != nil }) {
		t.Error("the queue keeps callers who have gone")
	}
	reserve(t, h).Release()
}
