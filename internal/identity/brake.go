package identity

import (
	"math"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/internal/store"
)

// Brakes slow down guessing at passwords.
type Brakes struct {
	// Failures of a name from one network within Window refuse that name from
	// there until Window has passed since the last of them. Zero means
	// DefaultFailures, and a minute.
	Failures int
	Window   time.Duration
}

// Defaults and bounds of Brakes.
const (
	DefaultFailures = 5
	defaultWindow   = time.Minute
	MaxFailures     = 100
	MaxWindow       = 24 * time.Hour
)

const (
	// sourceFactor times Failures, of any names, is what one network may have
	// within Window, attempts of locked names included. From then on all names
	// are refused from there.
	sourceFactor = 4
	// slowFrom is the number of failures of a name, from anywhere, after which
	// each further attempt waits, first firstLag, then twice as long each time
	// up to longLag. It does not refuse: somebody in another network must not be
	// able to lock a user out. Only those beyond the places to wait
	// (maxLagging, maxLaggingThere) are sent away.
	slowFrom = 10
	firstLag = 500 * time.Millisecond
	longLag  = 8 * time.Second
	// failuresKept is how long failures of a name from anywhere count after the
	// last of them.
	failuresKept = 15 * time.Minute
)

// withDefaults fills in what is zero.
func (b Brakes) withDefaults() Brakes {
	if b.Failures == 0 {
		b.Failures = DefaultFailures
	}
	if b.Window == 0 {
		b.Window = defaultWindow
	}
	return b
}

// Check reports whether the numbers can be meant.
func (b Brakes) Check() error {
	b = b.withDefaults()
	if b.Failures < 1 || b.Failures > MaxFailures || b.Window < time.Second || b.Window > MaxWindow {
		return invalid("%d failures in %s: use 1 to %d failures, and 1s to %s", b.Failures, b.Window, MaxFailures, MaxWindow)
	}
	return nil
}

// verdict says what the brakes make of an attempt.
type verdict struct {
	// locked: this name is refused from here; throttled: all names are. wait is
	// for how long.
	locked, throttled bool
	wait              time.Duration
	// lag is how long the attempt has to wait before it is looked at.
	lag time.Duration
}

func (b *Brakes) judge(f *store.Failures, now time.Time) (v verdict) {
	switch {
	case f.Source.Count >= sourceFactor*b.Failures && recent(f.Source.Began, now, b.Window):
		v.throttled, v.wait = true, f.Source.Began.Add(b.Window).Sub(now)
	case f.Pair.Count >= b.Failures && recent(f.Pair.Last, now, b.Window):
		v.locked, v.wait = true, f.Pair.Last.Add(b.Window).Sub(now)
	}
	v.wait = min(v.wait, b.Window)
	if f.Name.Count >= slowFrom && recent(f.Name.Last, now, failuresKept) {
		v.lag = min(longLag, firstLag<<min(f.Name.Count-slowFrom, 10))
	}
	return v
}

// recent reports whether less than d lies between t and now. If t is after now
// the clock was set back: it must neither open the door by a little, nor close
// it for as long as it takes until t comes again.
func recent(t, now time.Time, d time.Duration) bool { return now.Sub(t).Abs() < d }

// charge counts an attempt as failed before it is looked at, so that many at
// once cannot get past a limit.
func (b *Brakes) charge(f *store.Failures, now time.Time) {
	add(&f.Pair, b.Window, now)
	b.chargeSource(f, now)
	if !recent(f.Name.Last, now, failuresKept) {
		f.Name.Count = 0
	}
	add(&f.Name, math.MaxInt64, now)
}

// chargeSource counts an attempt of a locked name for its network alone: it costs
// a hash, of which no network may have more than its limit, but must not prolong
// the lock.
func (b *Brakes) chargeSource(f *store.Failures, now time.Time) { add(&f.Source, b.Window, now) }

// add counts one more, beginning anew when the window is over.
func add(f *store.Failure, window time.Duration, now time.Time) {
	if f.Count == 0 || !recent(f.Began, now, window) {
		f.Count, f.Began = 0, now
	}
	f.Count++
	f.Last = now
}

// refund takes back what was charged at that time for a successful attempt;
// before is how it stood then. A success clears what was counted of the name from
// here, and nothing elsewhere: it must not even make older failures younger, or
// a user who logs in now and then would be slowed down for ever.
func refund(f, before *store.Failures, charged time.Time) {
	f.Pair.Count = 0
	f.Name.Count = max(f.Name.Count-1, 0)
	f.Source.Count = max(f.Source.Count-1, 0)
	// Where nothing was counted before, what still is came at the same moment.
	if f.Name.Last.Equal(charged) && !before.Name.Last.IsZero() {
		f.Name.Last = before.Name.Last
	}
}

// sourceOf is the network that failures from an address are counted for: /24 or
// /64. An address that cannot be read is one of its own.
func sourceOf(address netip.Addr) string {
	if !address.IsValid() {
		return "unknown"
	}
	address = address.Unmap().WithZone("")
	bits := 64
	if address.Is4() {
		bits = 24
	}
	// An address that is one has both.
	network, _ := address.Prefix(bits)
	return network.String()
}
