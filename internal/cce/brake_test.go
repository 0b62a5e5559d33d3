package cce_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/brake"
	"github.com/sallyport/sallyport/internal/cce"
)

var threeAMinute = brake.Limit{Count: 3, Period: time.Minute}

// braking is a brake under test.
type braking struct {
	*cce.Brake
	t *testing.T
}

// inTime runs a test with a clock of its own.
func inTime(t *testing.T, test func(b braking)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(braking{cce.NewBrake(), t}) })
}

func (b braking) begin(address, user string) (*cce.Attempt, time.Duration) {
	b.t.Helper()
	attempt, wait, err := b.Begin(b.t.Context(), threeAMinute, netip.MustParseAddr(address), user)
	check(b.t, err)
	return attempt, wait
}

// fail guesses wrong, which has to be possible.
func (b braking) fail(address, user string) {
	b.t.Helper()
	attempt, wait := b.begin(address, user)
	if attempt == nil {
		b.t.Fatalf("%s from %s has to wait %s", user, address, wait)
	}
	attempt.Failed()
}

// expectFree holds that a try is possible.
func (b braking) expectFree(address, user string) {
	b.t.Helper()
	attempt, wait := b.begin(address, user)
	if attempt == nil {
		b.t.Fatalf("%s from %s has to wait %s", user, address, wait)
	}
	attempt.Undecided()
}

func (b braking) expectWait(address, user string, want time.Duration) {
	b.t.Helper()
	if _, wait := b.begin(address, user); wait != want {
		b.t.Fatalf("%s from %s has to wait %s, want %s", user, address, wait, want)
	}
}

func TestANameThatFailsTooOftenFromAnAddressHasToWait(t *testing.T) {
	inTime(t, func(b braking) {
		for range 3 {
			b.fail("192.0.2.7", "admin")
			time.Sleep(time.Second)
		}
		b.expectWait("192.0.2.7", "admin", 59*time.Second)
		b.expectWait("::ffff:192.0.2.7", "admin", 59*time.Second)
		b.expectFree("192.0.2.7", "mary")
		b.expectFree("192.0.2.8", "admin")
		time.Sleep(59 * time.Second)
		b.expectFree("192.0.2.7", "admin")
	})
}

func TestInIPv6AHostIsItsNetwork(t *testing.T) {
	inTime(t, func(b braking) {
		for host := range 3 {
			b.fail(fmt.Sprintf("2001:db8::%d", host+1), "admin")
		}
		b.expectWait("2001:db8::ffff", "admin", time.Minute)
		b.expectFree("2001:db8:0:1::1", "admin")
	})
}

func TestAnAddressThatFailsWithManyNamesHasToWait(t *testing.T) {
	inTime(t, func(b braking) {
		for n := range 12 {
			b.fail("192.0.2.7", fmt.Sprint("user", n))
		}
		b.expectWait("192.0.2.7", "admin", time.Minute)
		b.expectFree("192.0.2.8", "admin")
		if s := b.Stats(); s != (cce.BrakeStats{Failed: 12, ByAddress: 1}) {
			t.Errorf("%+v", s)
		}
	})
}

// A web page on this machine logs all its users in from there.
func TestThisMachineIsOneAddressWithMoreUsers(t *testing.T) {
	inTime(t, func(b braking) {
		for n := range 60 {
			b.fail([]string{fmt.Sprintf("127.0.0.%d", n+1), "::1", "::ffff:127.1.1.1"}[n%3], fmt.Sprint("user", n))
		}
		b.expectWait("127.0.0.1", "admin", time.Minute)
		b.expectWait("::1", "admin", time.Minute)
	})
}

func TestASuccessForgivesTheNameButNotTheAddress(t *testing.T) {
	inTime(t, func(b braking) {
		// 11 failures of the 12 that the address may have.
		for n := range 9 {
			b.fail("192.0.2.7", fmt.Sprint("user", n))
		}
		b.fail("192.0.2.7", "admin")
		b.fail("192.0.2.7", "admin")
		for range 20 {
			attempt, _ := b.begin("192.0.2.7", "admin")
			attempt.Succeeded()
		}
		b.fail("192.0.2.7", "admin")
		b.expectWait("192.0.2.7", "mary", time.Minute)
		if s := b.Stats(); s != (cce.BrakeStats{Failed: 12, Succeeded: 20, ByAddress: 1}) {
			t.Errorf("%+v", s)
		}
	})
}

// logIn logs in, which has to be possible.
func (b braking) logIn(address, user string) {
	b.t.Helper()
	attempt, wait := b.begin(address, user)
	if attempt == nil {
		b.t.Fatalf("%s from %s has to wait %s", user, address, wait)
	}
	attempt.Succeeded()
}

// spray fails with as many names as may fail from another machine, or from this
// one, which then has to wait.
func (b braking) spray(address string, names int) {
	b.t.Helper()
	for n := range names {
		b.fail(address, fmt.Sprint("user", n))
	}
	b.expectWait(address, "one more", time.Minute)
}

// Else whoever reaches the log-in page of a program on this machine could keep
// out all who use it.
func TestFailuresOfOthersDoNotStopANameThatHasLoggedInFromThere(t *testing.T) {
	for address, names := range map[string]int{"127.0.0.1": 60, "192.0.2.7": 12} {
		inTime(t, func(b braking) {
			b.logIn(address, "admin")
			b.spray(address, names)
			b.expectFree(address, "admin")
			b.logIn(address, "admin")
			// Its own failures stop it.
			for range 3 {
				b.fail(address, "admin")
			}
			b.expectWait(address, "admin", time.Minute)
		})
	}
}

func TestThisMachineIsOneSourceOfLogIns(t *testing.T) {
	inTime(t, func(b braking) {
		b.logIn("127.0.0.1", "admin")
		b.spray("::1", 60)
		b.expectFree("127.0.0.99", "admin")
		b.expectFree("::ffff:127.0.0.5", "admin")
	})
}

func TestANameThatHasLoggedInElsewhereIsStopped(t *testing.T) {
	inTime(t, func(b braking) {
		b.logIn("192.0.2.8", "admin")
		b.logIn("192.0.2.7", "mary")
		b.spray("192.0.2.7", 12)
		b.expectWait("192.0.2.7", "admin", time.Minute)
	})
}

func TestANameIsKnownForADay(t *testing.T) {
	inTime(t, func(b braking) {
		b.logIn("192.0.2.7", "admin")
		b.logIn("192.0.2.7", "mary")
		time.Sleep(12 * time.Hour)
		b.logIn("192.0.2.7", "mary")
		time.Sleep(12*time.Hour - time.Second)
		b.spray("192.0.2.7", 12)
		b.expectFree("192.0.2.7", "admin")
		time.Sleep(time.Second)
		b.expectWait("192.0.2.7", "admin", 59*time.Second)
		b.expectFree("192.0.2.7", "mary")
	})
}

func TestAFailedAttemptMakesNoNameKnown(t *testing.T) {
	inTime(t, func(b braking) {
		b.fail("192.0.2.7", "admin")
		b.expectFree("192.0.2.7", "admin")
		for n := range 11 {
			b.fail("192.0.2.7", fmt.Sprint("user", n))
		}
		b.expectWait("192.0.2.7", "admin", time.Minute)
	})
}

func TestFailuresOfAKnownNameCountForTheAddress(t *testing.T) {
	inTime(t, func(b braking) {
		for n := range 4 {
			name := fmt.Sprint("user", n)
			b.logIn("192.0.2.7", name)
			for range 3 {
				b.fail("192.0.2.7", name)
			}
		}
		b.expectWait("192.0.2.7", "mary", time.Minute)
		if s := b.Stats(); s != (cce.BrakeStats{Failed: 12, Succeeded: 4, ByAddress: 1}) {
			t.Errorf("%+v", s)
		}
	})
}

func TestOfTenThousandKnownNamesTheOldestIsForgotten(t *testing.T) {
	inTime(t, func(b braking) {
		for n := range 10_001 {
			b.logIn("127.0.0.1", fmt.Sprint("known", n))
		}
		b.spray("127.0.0.1", 60)
		b.expectWait("127.0.0.1", "known0", time.Minute)
		b.expectFree("127.0.0.1", "known1")
		b.expectFree("127.0.0.1", "known10000")
	})
}

func TestWhatIsNotDecidedCountsNeitherWay(t *testing.T) {
	inTime(t, func(b braking) {
		b.fail("192.0.2.7", "admin")
		b.fail("192.0.2.7", "admin")
		for range 50 {
			b.expectFree("192.0.2.7", "admin")
		}
		b.fail("192.0.2.7", "admin")
		b.expectWait("192.0.2.7", "admin", time.Minute)
	})
}

func TestOnlyTheFirstEndOfAnAttemptCounts(t *testing.T) {
	inTime(t, func(b braking) {
		for range 3 {
			attempt, _ := b.begin("192.0.2.7", "admin")
			attempt.Failed()
			attempt.Succeeded()
			attempt.Undecided()
		}
		b.expectWait("192.0.2.7", "admin", time.Minute)
	})
}

// Right passwords are only delayed, however many come at once.
func TestMoreLogInsAtOnceThanFailuresAreAllowedTakeTurns(t *testing.T) {
	inTime(t, func(b braking) {
		var all sync.WaitGroup
		var mu sync.Mutex
		most, now := 0, 0
		for range 100 {
			all.Go(func() {
				attempt, wait := b.begin("192.0.2.7", "admin")
				if attempt == nil {
					b.t.Errorf("one has to wait %s", wait)
					return
				}
				mu.Lock()
				now++
				most = max(most, now)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				now--
				mu.Unlock()
				attempt.Succeeded()
			})
		}
		all.Wait()
		if most != 3 {
			b.t.Errorf("%d were tried at once, want 3", most)
		}
	})
}

func TestGuessesAtOnceAreNotMoreThanOneByOne(t *testing.T) {
	inTime(t, func(b braking) {
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if attempt, _ := b.begin("192.0.2.7", "admin"); attempt != nil {
					time.Sleep(time.Second)
					attempt.Failed()
				}
			})
		}
		all.Wait()
		if s := b.Stats(); s != (cce.BrakeStats{Failed: 3, ByName: 97}) {
			b.t.Errorf("%+v", s)
		}
	})
}

func TestOneThatWaitsGivesUpWhenItsRequestEnds(t *testing.T) {
	inTime(t, func(b braking) {
		for range 3 {
			b.begin("192.0.2.7", "admin")
		}
		ctx, cancel := context.WithTimeout(b.t.Context(), time.Second)
		defer cancel()
		attempt, wait, err := b.Begin(ctx, threeAMinute, netip.MustParseAddr("192.0.2.7"), "admin")
		if attempt != nil || wait != 0 || !errors.Is(err, context.DeadlineExceeded) {
			b.t.Errorf("%v, %s, %v", attempt, wait, err)
		}
	})
}

func TestTheQueueIsBounded(t *testing.T) {
	inTime(t, func(b braking) {
		var under []*cce.Attempt
		for range 3 {
			attempt, _ := b.begin("192.0.2.7", "admin")
			under = append(under, attempt)
		}
		var all sync.WaitGroup
		for range 256 {
			all.Go(func() {
				if attempt, _ := b.begin("192.0.2.7", "admin"); attempt != nil {
					attempt.Succeeded()
				}
			})
		}
		synctest.Wait()
		b.expectWait("192.0.2.7", "admin", time.Second)
		for _, attempt := range under {
			attempt.Succeeded()
		}
		all.Wait()
		b.expectFree("192.0.2.7", "admin")
		if s := b.Stats(); s != (cce.BrakeStats{Succeeded: 259, Crowded: 1}) {
			b.t.Errorf("%+v", s)
		}
	})
}

func TestAFloodOfNamesAndAddressesFreesNobody(t *testing.T) {
	inTime(t, func(b braking) {
		for range 3 {
			b.fail("192.0.2.7", "admin")
		}
		for n := range 30_000 {
			address := netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})
			if attempt, _ := b.begin(address.String(), fmt.Sprint("user", n)); attempt != nil {
				attempt.Failed()
			}
		}
		b.expectWait("192.0.2.7", "admin", time.Minute)
	})
}
