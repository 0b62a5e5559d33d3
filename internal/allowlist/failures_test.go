package allowlist_test

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/allowlist"
)

var fiveAMinute = allowlist.Limit{Count: 5, Period: time.Minute}

// attempt asks from an address for an entry.
func (u *inUse) attempt(entry, address, secret string) (allowlist.Verdict, time.Duration) {
	return u.Admit(prefix(u.t, entry), netip.MustParseAddr(address), secret, fiveAMinute)
}

func (u *inUse) expectAttempt(entry, address, secret string, want allowlist.Verdict) {
	u.t.Helper()
	if got, _ := u.attempt(entry, address, secret); got != want {
		u.t.Errorf("%s from %s with '%s': %s, want %s", entry, address, secret, got, want)
	}
}

const twoNetworks = "10.0.0.0/8:first-secret\n2001:db8::/32:second-secret\n10.0.0.0/24:third-secret\n"

func TestAfterTooManyFailuresEvenTheRightSecretHasToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := open(t, twoNetworks)
		for range 5 {
			time.Sleep(time.Second)
			u.expectAttempt("10.0.0.0/8", "10.1.1.1", "wrong", allowlist.WrongSecret)
		}
		for left := time.Minute; left > 0; left -= time.Second {
			if v, wait := u.attempt("10.0.0.0/8", "10.1.1.1", "first-secret"); v != allowlist.TooManyFailures || wait != left {
				t.Fatalf("%s, wait %s, want %s", v, wait, left)
			}
			u.expectAttempt("10.0.0.0/8", "::ffff:10.1.1.1", "wrong", allowlist.TooManyFailures)
			u.expectAttempt("10.0.0.0/8", "10.1.1.1", "", allowlist.TooManyFailures)
			time.Sleep(time.Second)
		}
		u.expectAttempt("10.0.0.0/8", "10.1.1.1", "first-secret", allowlist.Admitted)
		u.expectAttempt("10.0.0.0/8", "10.1.1.1", "wrong", allowlist.WrongSecret)
		u.expectAttempt("10.0.0.0/8", "10.1.1.1", "first-secret", allowlist.Admitted)
	})
}

func TestOneClientDoesNotLockItsNeighboursOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := open(t, twoNetworks)
		for range 5 {
			u.expectAttempt("10.0.0.0/8", "10.1.1.1", "wrong", allowlist.WrongSecret)
			u.expectAttempt("2001:db8::/32", "2001:db8::1:1", "wrong", allowlist.WrongSecret)
		}
		u.expectAttempt("10.0.0.0/8", "10.1.1.1", "first-secret", allowlist.TooManyFailures)
		u.expectAttempt("10.0.0.0/8", "10.1.1.2", "first-secret", allowlist.Admitted)
		u.expectAttempt("10.0.0.0/24", "10.1.1.1", "third-secret", allowlist.Admitted)
		// In IPv6 one host has a whole /64 to choose from.
		u.expectAttempt("2001:db8::/32", "2001:db8::ffff:2", "second-secret", allowlist.TooManyFailures)
		u.expectAttempt("2001:db8::/32", "2001:db8:0:1::1", "second-secret", allowlist.Admitted)
	})
}

func TestFailuresFarApartAreForgiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := open(t, twoNetworks)
		for range 20 {
			u.expectAttempt("10.0.0.0/8", "10.1.1.1", "wrong", allowlist.WrongSecret)
			time.Sleep(15 * time.Second)
		}
		u.expectAttempt("10.0.0.0/8", "10.1.1.1", "first-secret", allowlist.Admitted)
	})
}

func TestAnEntryWithoutASecretCountsAsAFailureAndNothingPresentedDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := open(t, twoNetworks)
		for range 20 {
			u.expectAttempt("10.0.0.0/8", "10.1.1.1", "", allowlist.NothingPresented)
		}
		for range 5 {
			u.expectAttempt("192.0.2.0/24", "192.0.2.1", "x", allowlist.NoSecret)
		}
		u.expectAttempt("192.0.2.0/24", "192.0.2.1", "x", allowlist.TooManyFailures)
	})
}

// Somebody with many addresses must not make his older failures forgotten.
func TestAFloodOfOtherSourcesForgetsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := open(t, twoNetworks)
		for range 5 {
			u.expectAttempt("10.0.0.0/8", "10.255.0.1", "wrong", allowlist.WrongSecret)
		}
		for i := range 20_000 {
			u.attempt("10.0.0.0/8", fmt.Sprintf("10.1.%d.%d", i/250, i%250), "wrong")
		}
		u.expectAttempt("10.0.0.0/8", "10.255.0.1", "first-secret", allowlist.TooManyFailures)
		time.Sleep(time.Minute)
		u.expectAttempt("10.0.0.0/8", "10.255.0.1", "first-secret", allowlist.Admitted)
	})
}

// Guesses at the same moment are not more than guesses one after the other.
func TestManyGuessesAtOnceAreCounted(t *testing.T) {
	u := prepare(t, twoNetworks)
	check(t, u.Open(t.Context(), nil))
	var judged atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if v, _ := u.attempt("10.0.0.0/8", "10.1.1.1", "wrong"); v == allowlist.WrongSecret {
				judged.Add(1)
			}
		})
	}
	all.Wait()
	if n := judged.Load(); n != 5 {
		t.Errorf("%d guesses were judged, want 5", n)
	}
}

func TestVerdictsHaveWords(t *testing.T) {
	words := map[string]bool{}
	for v := allowlist.NotLoaded; v <= allowlist.TooManyFailures; v++ {
		words[v.String()] = true
	}
	if len(words) != 6 || words["unknown"] || (allowlist.TooManyFailures+1).String() != "unknown" {
		t.Errorf("the words are %v", words)
	}
}
