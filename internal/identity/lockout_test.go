package identity

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

func TestALockIsForOneNameFromOneNetwork(t *testing.T) {
	w := newWorld(t)
	w.addUser("bob")
	w.setPassword("alice", right)
	w.setPassword("bob", right)
	word := w.issue("ci")
	_, session := w.logIn(alice(right), NewToken{credential.AppToken, principal.Lifetime{Absolute: time.Hour}})
	w.fail(DefaultFailures, alice(""))

	b := braked(t, w.try(alice(right)))
	if want := (BrakeError{Locked: true, Failures: 5, Window: time.Minute, Wait: time.Minute}); *b != want {
		t.Errorf("%+v, want %+v", *b, want)
	}
	neighbour := alice(right)
	neighbour.Address = netip.MustParseAddr("::ffff:192.0.2.200")
	if b := braked(t, w.try(neighbour)); !b.Locked {
		t.Errorf("from the same network: %v", b)
	}
	if err := w.try(Attempt{"bob", right, home}); err != nil {
		t.Errorf("another name: %v", err)
	}
	if err := w.try(Attempt{"alice", right, abroad}); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	if b := braked(t, w.try(alice(right))); !b.Locked {
		t.Error("a success elsewhere opens the door here")
	}
	if got := w.check(word); got != Accepted {
		t.Errorf("a key: %s", got)
	}
	w.expectToken(session[0], Accepted)
	w.logInByKey(word, hour(credential.AppToken))

	w.later(time.Minute)
	if err := w.try(alice(right)); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	if got := w.counts(alice("")); got[0] != 0 {
		t.Errorf("after a success: %v", got)
	}
}

func TestAttemptsWhileLockedDoNotLengthenIt(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.fail(DefaultFailures, alice(""))
	for left := 60; left > 0; left -= 15 {
		if b := braked(t, w.try(alice(wrong))); b.Wait != time.Duration(left)*time.Second {
			t.Errorf("%s to wait, want %d s", b.Wait, left)
		}
		w.clock.add(15 * time.Second)
	}
	if err := w.try(alice(right)); err != nil {
		t.Error(err)
	}
}

func TestTheBrakesHoldOverARestartAndInOtherProcesses(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.fail(DefaultFailures-1, alice(""))
	w.restart()
	w.fail(1, alice(""))
	other := openRegistry(t, w.config)
	w.restart()
	for _, r := range []*Registry{w.Registry, other} {
		_, err := r.prove(t.Context(), alice(right))
		if b := braked(t, err); !b.Locked || b.Wait != time.Minute {
			t.Errorf("%+v", b)
		}
	}
}

func TestASlowedNameWaitsButIsNotRefused(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	for i := range 12 {
		w.fail(1, Attempt{Username: "alice", Address: netip.AddrFrom4([4]byte{10, 0, byte(i), 1})})
	}
	w.logIn(Attempt{"alice", right, abroad}, hour(credential.AppToken))
	half := 500 * time.Millisecond
	if diff := cmp.Diff([]time.Duration{half, 2 * half, 4 * half}, w.lags); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Whoever gets in does not make it worse for himself, nor longer.
	w.later(failuresKept - time.Second)
	w.logIn(Attempt{"alice", right, abroad}, hour(credential.AppToken))
	w.later(time.Second)
	w.logIn(Attempt{"alice", right, abroad}, hour(credential.AppToken))
	if diff := cmp.Diff([]time.Duration{half, 2 * half, 4 * half, 4 * half}, w.lags); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnlockOpensTheDoorAtOnce(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.fail(DefaultFailures, alice(""))
	w.fail(DefaultFailures, Attempt{Username: "alice", Address: abroad})
	w.fail(1, Attempt{Username: "bob", Address: home})
	if any, err := w.Unlock(t.Context(), "os:root", "ALICE"); !any || err != nil {
		t.Errorf("%t, %v", any, err)
	}
	if err := w.try(alice(right)); err != nil {
		t.Error(err)
	}
	if len(w.lags) != 0 {
		t.Errorf("it is still slowed: %v", w.lags)
	}
	if got := w.counts(Attempt{Username: "bob", Address: home}); got[0] != 1 {
		t.Errorf("of another name: %v", got)
	}
	if any, err := w.Unlock(t.Context(), "os:root", "alice"); any || err != nil {
		t.Errorf("a second time: %t, %v", any, err)
	}
	if _, err := w.Unlock(t.Context(), "os:root", "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := w.Unlock(t.Context(), "os:root", "a b"); err == nil {
		t.Error("what is no name is unlocked")
	}
	if got := len(w.events("user.unlock")); got != 2 {
		t.Errorf("%d events", got)
	}
}

func TestLockOutsAreListed(t *testing.T) {
	w := newWorld(t)
	if list, err := w.LockOuts(t.Context()); err != nil || list == nil || len(list) != 0 {
		t.Errorf("none: %v, %v", list, err)
	}
	w.setPassword("alice", right)
	w.fail(DefaultFailures-1, Attempt{Username: "carol", Address: home})
	w.clock.add(time.Second)
	w.fail(DefaultFailures, alice(""))
	w.clock.add(time.Second)
	w.fail(DefaultFailures, Attempt{Username: "nobody", Address: abroad})
	w.clock.add(time.Second)
	for i := range sourceFactor * DefaultFailures {
		w.fail(1, Attempt{Username: fmt.Sprint("user", i), Address: netip.MustParseAddr("2001:db8::1")})
	}
	w.clock.add(time.Second)
	for i := range slowFrom {
		w.fail(1, Attempt{Username: "bob", Address: netip.AddrFrom4([4]byte{10, 0, byte(i), 1})})
	}
	w.clock.add(time.Second)
	want := []LockOut{
		{Failures: 10, Kind: "slowed", Until: second(4).Add(failuresKept)},
		{Source: "2001:db8::/64", Failures: 20, Kind: "throttled", Until: second(63)},
		{Source: "198.51.100.0/24", Failures: 5, Kind: "locked", Until: second(62)},
		{User: "alice", Source: "192.0.2.0/24", Failures: 5, Kind: "locked", Until: second(61)},
	}
	list, err := w.LockOuts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.clock.add(time.Minute)
	if list, err = w.LockOuts(t.Context()); err != nil || len(list) != 1 || list[0].Kind != "slowed" {
		t.Errorf("a minute later: %+v, %v", list, err)
	}
}

func TestALockIsInTheAuditTrailOnce(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	for range DefaultFailures + 5 {
		_ = w.try(alice(wrong))
	}
	events := w.events("login.lock")
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	u, err := w.User(t.Context(), "alice")
	e := events[0]
	if err != nil || e.UserID != u.ID || e.Actor != "brakes" || e.Detail != "5 failures from 192.0.2.0/24" || !e.Time.Equal(w.clock.now()) {
		t.Errorf("%+v", e)
	}
}

// Or a network with one locked name could keep the queue of hashes full.
func TestAttemptsWhileLockedCountForTheNetwork(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.fail(DefaultFailures, alice(""))
	const left = (sourceFactor - 1) * DefaultFailures
	n := w.hashes(func() {
		for range left {
			w.clock.add(time.Second)
			if b := braked(t, w.try(alice(right))); !b.Locked {
				t.Error(b)
			}
		}
	})
	if n != left {
		t.Errorf("%d hashes, want %d", n, left)
	}
	if got, want := w.counts(alice("")), [3]int{DefaultFailures, DefaultFailures, sourceFactor * DefaultFailures}; got != want {
		t.Errorf("counted are %v, want %v", got, want)
	}
	n = w.hashes(func() {
		for range 10 {
			if b := braked(t, w.try(alice(right))); b.Locked || b.Wait != time.Minute-left*time.Second {
				t.Errorf("%+v", b)
			}
		}
	})
	if n != 0 {
		t.Errorf("%d hashes for a network that is throttled", n)
	}
	w.clock.add(time.Minute - left*time.Second)
	if err := w.try(alice(right)); err != nil {
		t.Errorf("the lock has become longer: %v", err)
	}
}
