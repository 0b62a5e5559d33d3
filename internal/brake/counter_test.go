package brake_test

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/brake"
)

var threeAMinute = brake.Limit{Count: 3, Period: time.Minute}

// counting is a counter under test.
type counting struct {
	*brake.Counter[int]
	t *testing.T
}

// inTime runs a test with a clock of its own.
func inTime(t *testing.T, test func(c counting)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(counting{brake.New[int](), t}) })
}

func (c counting) expect(key int, want brake.Verdict) (wait time.Duration) {
	c.t.Helper()
	got, wait := c.Begin(key, threeAMinute)
	if got != want {
		c.t.Fatalf("%d: verdict %d, want %d", key, got, want)
	}
	return wait
}

// attempt makes one that is free.
func (c counting) attempt(key int, outcome brake.Outcome) {
	c.t.Helper()
	c.expect(key, brake.Free)
	c.End(key, threeAMinute, outcome)
}

// expectLeft asks how many more failures stop a key, and takes them back.
func (c counting) expectLeft(key, want int) {
	c.t.Helper()
	left := 0
	for ; left <= want; left++ {
		if v, _ := c.Begin(key, threeAMinute); v != brake.Free {
			break
		}
	}
	for range left {
		c.End(key, threeAMinute, brake.Unknown)
	}
	if left != want {
		c.t.Fatalf("%d: %d attempts are free, want %d", key, left, want)
	}
}

func (c counting) expectEmpty() {
	c.t.Helper()
	if records, shared := c.Len(); records != 0 || shared {
		c.t.Errorf("%d records are kept, shared ones: %v", records, shared)
	}
}

func TestTooManyFailuresStopOneKeyForAPeriodFromTheLastOn(t *testing.T) {
	inTime(t, func(c counting) {
		for range 3 {
			time.Sleep(10 * time.Second)
			c.attempt(1, brake.Failed)
		}
		time.Sleep(20 * time.Second)
		if wait := c.expect(1, brake.Stopped); wait != 40*time.Second {
			c.t.Errorf("it has to wait %s", wait)
		}
		c.expectLeft(2, 3)
		time.Sleep(40 * time.Second)
		c.expectLeft(1, 3)
		c.expectEmpty()
	})
}

func TestFailuresAreForgivenAPeriodAfterTheFirst(t *testing.T) {
	inTime(t, func(c counting) {
		c.attempt(1, brake.Failed)
		time.Sleep(59 * time.Second)
		c.attempt(1, brake.Failed)
		c.expectLeft(1, 1)
		time.Sleep(time.Second)
		c.expectLeft(1, 3)
	})
}

func TestASuccessForgivesAndWhatIsNotDecidedDoesNot(t *testing.T) {
	inTime(t, func(c counting) {
		c.attempt(1, brake.Failed)
		c.attempt(1, brake.Failed)
		for range 10 {
			c.attempt(1, brake.Unknown)
		}
		c.expectLeft(1, 1)
		c.attempt(1, brake.Succeeded)
		c.expectLeft(1, 3)
		c.expectEmpty()
	})
}

func TestAttemptsUnderWayTakeTheFailuresThatAreLeft(t *testing.T) {
	inTime(t, func(c counting) {
		c.attempt(1, brake.Failed)
		c.expect(1, brake.Free)
		c.expect(1, brake.Free)
		c.expect(1, brake.Busy)
		c.End(1, threeAMinute, brake.Unknown)
		c.expect(1, brake.Free)
		c.End(1, threeAMinute, brake.Failed)
		c.expect(1, brake.Busy)
		c.End(1, threeAMinute, brake.Failed)
		c.expect(1, brake.Stopped)
	})
}

// One who has an account of his own must not free his guesses with it.
func TestASuccessDoesNotForgiveWhatIsUnderWay(t *testing.T) {
	inTime(t, func(c counting) {
		c.expect(1, brake.Free)
		c.expect(1, brake.Free)
		c.attempt(1, brake.Succeeded)
		c.End(1, threeAMinute, brake.Failed)
		c.End(1, threeAMinute, brake.Failed)
		c.expectLeft(1, 1)
	})
}

func TestAnAttemptThatLastsLongerThanThePeriodCountsFromItsEnd(t *testing.T) {
	inTime(t, func(c counting) {
		c.expect(1, brake.Free)
		c.attempt(1, brake.Failed)
		time.Sleep(2 * time.Minute)
		c.End(1, threeAMinute, brake.Failed)
		time.Sleep(59 * time.Second)
		c.expectLeft(1, 2)
	})
}

func TestGuessesSideBySideAreNotMore(t *testing.T) {
	c := brake.New[int]()
	var made atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if v, _ := c.Begin(1, threeAMinute); v == brake.Free {
				made.Add(1)
				c.End(1, threeAMinute, brake.Failed)
			}
		})
	}
	all.Wait()
	if n := made.Load(); n > 3 {
		t.Errorf("%d guesses were made", n)
	}
}

func TestWhatIsDecidedAlreadyIsCountedAtOnce(t *testing.T) {
	inTime(t, func(c counting) {
		for range 3 {
			if wait := c.Note(1, threeAMinute, false) + c.Note(1, threeAMinute, true); wait != 0 {
				c.t.Fatalf("it has to wait %s", wait)
			}
		}
		for _, failed := range []bool{true, false} {
			if wait := c.Note(1, threeAMinute, failed); wait != time.Minute {
				c.t.Errorf("failed is %v: it has to wait %s", failed, wait)
			}
		}
		time.Sleep(time.Minute)
		if wait := c.Note(1, threeAMinute, false); wait != 0 {
			c.t.Errorf("it has to wait %s", wait)
		}
		c.expectEmpty()
	})
}

const manyMore = 50_000

func TestUnderAFloodNothingIsForgotten(t *testing.T) {
	inTime(t, func(c counting) {
		for range 3 {
			c.attempt(-1, brake.Failed)
		}
		c.attempt(-2, brake.Failed)
		for key := range manyMore {
			c.Note(key, threeAMinute, true)
		}
		c.expect(-1, brake.Stopped)
		c.expectLeft(-2, 2)
		if records, shared := c.Len(); records > 10_000 || !shared {
			c.t.Errorf("%d records, shared ones: %v", records, shared)
		}
		time.Sleep(time.Minute)
		c.expectEmpty()
	})
}

// Each key has failed three times, wherever that was counted: none may pass.
func TestUnderAFloodNobodyGetsFurther(t *testing.T) {
	inTime(t, func(c counting) {
		for range 3 {
			for key := range manyMore {
				c.Note(key, threeAMinute, true)
			}
		}
		for key := range manyMore {
			c.expect(key, brake.Stopped)
		}
	})
}

// What was counted in a share must not become nothing when there is room again.
func TestRoomThatComesBackFreesNobody(t *testing.T) {
	inTime(t, func(c counting) {
		for key := range 10_000 {
			c.Note(key, threeAMinute, true)
		}
		time.Sleep(30 * time.Second)
		for range 3 {
			c.Note(-1, threeAMinute, true)
		}
		time.Sleep(40 * time.Second)
		if records, _ := c.Len(); records != 0 {
			c.t.Fatalf("%d records are kept", records)
		}
		c.expect(-1, brake.Stopped)
		time.Sleep(20 * time.Second)
		c.expectLeft(-1, 3)
	})
}

func TestASuccessForgivesNothingThatIsShared(t *testing.T) {
	inTime(t, func(c counting) {
		for key := range 10_000 {
			c.Note(key, threeAMinute, true)
		}
		c.attempt(-1, brake.Failed)
		c.attempt(-1, brake.Failed)
		c.attempt(-1, brake.Succeeded)
		c.expectLeft(-1, 1)
		c.attempt(-1, brake.Failed)
		c.expect(-1, brake.Stopped)
	})
}

func TestSources(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":           "192.0.2.7",
		"::ffff:192.0.2.7":    "192.0.2.7",
		"2001:db8::1:2:3:4:5": "2001:db8:0:1::",
		"fe80::1%eth0":        "fe80::",
	} {
		if got := brake.Source(netip.MustParseAddr(address)).String(); got != want {
			t.Errorf("'%s': '%s', want '%s'", address, got, want)
		}
	}
	if brake.Source(netip.Addr{}).IsValid() {
		t.Error("no address has a source")
	}
}
