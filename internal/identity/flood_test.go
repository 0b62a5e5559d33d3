package identity

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/store"
)

func TestWhatIsLockedTakesNobodysPlace(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.setFailures(alice(""), DefaultFailures, 100, 5)
	if b := braked(t, w.try(alice(right))); !b.Locked {
		t.Error(b)
	}
	if len(w.lags) != 0 {
		t.Errorf("it has waited for %v", w.lags)
	}
}

func TestOneNetworkCannotTakeAllPlacesToWait(t *testing.T) {
	l := places{most: maxLagging, mostThere: maxLaggingThere}
	enter := func(source string, want int) {
		t.Helper()
		n := 0
		for l.enter(source) {
			n++
		}
		if n != want {
			t.Errorf("%d places for %s, want %d", n, source, want)
		}
	}
	enter("10.0.0.0/24", maxLaggingThere)
	l.leave("10.0.0.0/24")
	enter("10.0.0.0/24", 1)
	for i := 1; i < maxLagging/maxLaggingThere; i++ {
		enter(fmt.Sprintf("10.0.%d.0/24", i), maxLaggingThere)
	}
	enter("192.0.2.0/24", 0)
	for source, n := range l.there {
		for range n {
			l.leave(source)
		}
	}
	if l.all != 0 || len(l.there) != 0 {
		t.Errorf("left are %d, %v", l.all, l.there)
	}
}

func TestAttemptsThatWaitAreBounded(t *testing.T) {
	bubble(t, hashing(8, 64), func(t *testing.T, w *world, settle func()) {
		w.sleep = sleep
		w.setFailures(alice(""), 0, 100, 0)
		began := time.Now()
		errs, wait := w.all(20, func(i int) Attempt { return alice(fmt.Sprint(wrong, i)) })
		settle()
		if w.lagging.all != maxLaggingThere {
			t.Errorf("%d wait", w.lagging.all)
		}
		wait()
		refused := 0
		for _, err := range errs {
			if reasonOf(err) == Busy {
				refused++
			}
		}
		if refused != 20-maxLaggingThere || w.lagging.all != 0 {
			t.Errorf("%d are refused, %d still wait", refused, w.lagging.all)
		}
		if took := time.Since(began); took != longLag {
			t.Errorf("they have waited %s", took)
		}
	})
}

func TestASlowedNameIsNotRefusedForOthersThatWait(t *testing.T) {
	bubble(t, hashing(8, 1024), func(t *testing.T, w *world, settle func()) {
		w.sleep = sleep
		w.setFailures(alice(""), 0, 100, 0)
		const networks = 30
		_, wait := w.all(networks*maxLaggingThere, func(i int) Attempt {
			address := netip.AddrFrom4([4]byte{10, 0, byte(i % networks), 1})
			return Attempt{Username: "alice", Password: fmt.Sprint(wrong, i), Address: address}
		})
		settle()
		if got := w.lagging.all; got != networks*maxLaggingThere {
			t.Errorf("%d wait", got)
		}
		if err := w.try(alice(right)); err != nil {
			t.Errorf("the user, from another network: %v", err)
		}
		wait()
	})
}

func TestOneNetworkCannotTakeAllTurnsOfHashing(t *testing.T) {
	bubble(t, hashing(1, 64), func(t *testing.T, w *world, settle func()) {
		free := w.busy()
		from := func(address string) func(int) Attempt {
			return func(i int) Attempt {
				return Attempt{Username: "nobody", Password: fmt.Sprint(wrong, i), Address: netip.MustParseAddr(address)}
			}
		}
		errs, wait := w.all(maxProvingThere+10, from("192.0.2.1"))
		settle()
		others, waitOthers := w.all(1, from("198.51.100.1"))
		settle()
		free()
		wait()
		waitOthers()
		busy := 0
		for _, err := range errs {
			if reasonOf(err) == Busy {
				busy++
			}
		}
		if busy != 10 {
			t.Errorf("%d of one network are sent away, want 10", busy)
		}
		if !errors.Is(others[0], ErrWrongPassword) {
			t.Errorf("one of another network: %v", others[0])
		}
		if w.proving.all != 0 || len(w.proving.there) != 0 {
			t.Errorf("%d still have a place", w.proving.all)
		}
	})
}

func TestANetworkThatIsThrottledWhileItWaitsCostsNoHash(t *testing.T) {
	bubble(t, hashing(1, 64), func(t *testing.T, w *world, settle func()) {
		free := w.busy()
		n := w.hashes(func() {
			errs, wait := w.all(10, func(i int) Attempt { return alice(fmt.Sprint(wrong, i)) })
			settle()
			w.setFailures(alice(""), 0, 0, sourceFactor*DefaultFailures)
			free()
			wait()
			for _, err := range errs {
				if b := braked(t, err); b.Locked {
					t.Error(b)
				}
			}
		})
		if n != 0 {
			t.Errorf("%d hashes", n)
		}
	})
}

func TestTheShareOfANetworkGrowsWithTheMachine(t *testing.T) {
	for _, parallel := range []int{1, 8} {
		w := newWorld(t, hashing(parallel, 0))
		if got, want := w.proving.mostThere, parallel*16; got != want {
			t.Errorf("%d hashes at once: %d places for a network, want %d", parallel, got, want)
		}
	}
}

func TestAFloodOfNamesAndAddressesIsBounded(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	// Each makes three counts; a log-in apiece would take long.
	const places, kept = 3_000, 6_000
	err := w.store.Change(t.Context(), func(c *store.Change) error {
		for i := range places {
			w.clock.add(time.Millisecond)
			name, source := fmt.Sprint("name", i), fmt.Sprint("source", i)
			f := store.Failures{
				Pair:   store.Failure{FailurePlace: store.FailurePlace{Name: name, Source: source}},
				Name:   store.Failure{FailurePlace: store.FailurePlace{Name: name}},
				Source: store.Failure{FailurePlace: store.FailurePlace{Source: source}},
			}
			brakes.charge(&f, w.clock.now())
			if err := c.SetFailures(&f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.fail(DefaultFailures, alice(""))
	expect := func(least, most int) {
		t.Helper()
		list, err := w.store.Failing(t.Context(), 1, time.Unix(0, 0), 10*places)
		if n := len(list); err != nil || n < least || n > most {
			t.Errorf("%d counts, want %d to %d: %v", n, least, most, err)
		}
	}
	expect(3*places+3, 3*places+3)
	w.must(nil, w.mirror.sweep(t.Context(), kept))
	// The three counts of a failure stay or go together.
	expect(kept, kept+2)
	if b := braked(t, w.try(alice(right))); !b.Locked {
		t.Error("the flood has opened a door")
	}
	w.clock.add(MaxWindow + time.Second)
	w.must(nil, w.mirror.sweep(t.Context(), kept))
	expect(0, 0)
}

func TestAFloodDoesNotFillTheAuditTrail(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Brakes.Failures = 1 })
	flood := func(n int) {
		for i := range n {
			w.fail(1, Attempt{Username: fmt.Sprint("user", i), Address: netip.AddrFrom4([4]byte{10, 0, byte(i), 1})})
		}
	}
	flood(100)
	if got := len(w.events("login.lock")); got != lockEventsAtOnce {
		t.Errorf("%d events, want %d", got, lockEventsAtOnce)
	}
	w.clock.add(lockEventEvery)
	w.fail(1, Attempt{Username: "one", Address: abroad})
	w.fail(1, Attempt{Username: "two", Address: abroad})
	events := w.events("login.lock")
	if len(events) != lockEventsAtOnce+1 || !strings.HasSuffix(events[0].Detail, "; 80 more such events are not listed") {
		t.Errorf("%d events, the last is %+v", len(events), events[0])
	}
}

func TestTheAuditTrailOutlivesAClockThatWasSet(t *testing.T) {
	var e lockEvents
	for range 2 * lockEventsAtOnce {
		e.take(began.Add(24 * time.Hour))
	}
	if recorded, missed := e.take(began); !recorded || missed != lockEventsAtOnce {
		t.Errorf("after the clock was set back a day: %t, %d", recorded, missed)
	}
}
