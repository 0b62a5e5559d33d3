package provider

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/accesstoken"
)

// When keys are fetched, and for how long they are good.
const (
	// refreshEvery is the age at which keys are fetched again, by the next use.
	refreshEvery = 15 * time.Minute
	// unaskedFor is for how long keys serve that nobody has tried to fetch again, for want
	// of use. Whoever comes then waits for the fetch: the provider may have withdrawn one.
	unaskedFor = 2 * refreshEvery
	// staleFor is for how long keys serve while the provider cannot be asked.
	staleFor = 24 * time.Hour
	// retryAfter is how long a failed fetch is left alone.
	retryAfter = 30 * time.Second
	// seekEvery is the time in which unknown kids lead to one fetch.
	seekEvery = 5 * time.Minute
	// waitAtMost bounds how long somebody waits for a fetch.
	waitAtMost = 5 * time.Second

	// fetchTimeout is for a fetch as a whole, discovery included.
	fetchTimeout = 2 * callTimeout
)

// Keys are the keys of one issuer. It may be used by many goroutines at once.
//
// A fetch is shared by all who need one, and runs in the owner's time, not in that of a
// request. One that was due and has failed is tried again by the next use after
// retryAfter, whatever asks. One for an unknown kid is not: how it ends, the next one for
// such a kid is seekEvery later.
type Keys struct {
	owner context.Context
	end   context.CancelFunc
	ended sync.WaitGroup
	// fetch asks the provider.
	fetch func(ctx context.Context) (*keySet, error)
	// noted is told how each fetch went.
	noted func(set *keySet, err error, took time.Duration)
	now   func() time.Time
	// epoch is what due counts from, so that a change of the clock changes nothing.
	epoch time.Time

	// current is nil until keys were fetched.
	current atomic.Pointer[fetched]
	// due is when the next use begins a fetch, as a duration since epoch.
	due atomic.Int64
	// late is when who comes has to wait for a fetch, likewise.
	late atomic.Int64

	mu      sync.Mutex
	closed  bool
	running *flight
	// failed is why the last fetch failed, nil if it did not; tried is when it ended.
	failed error
	tried  time.Time
	// sought is when a fetch was last begun for an unknown kid.
	sought time.Time
}

// fetched is a set of keys with the time of its last fetch.
type fetched struct {
	*keySet
	at         time.Time
	generation uint64
}

// flight is a fetch under way.
type flight struct{ done chan struct{} }

// never is a due time that does not come.
const never = math.MaxInt64

func newKeys(now func() time.Time, fetch func(context.Context) (*keySet, error), noted func(*keySet, error, time.Duration)) *Keys {
	owner, end := context.WithCancel(context.Background())
	return &Keys{owner: owner, end: end, fetch: fetch, noted: noted, now: now, epoch: now()}
}

// Find returns the key for a token, as accesstoken.Keys says. The error is
// accesstoken.ErrUnknownKey or wraps ErrUnavailable.
func (k *Keys) Find(ctx context.Context, kid, algorithm string) (key any, err error) {
	now := k.now()
	set := k.current.Load()
	if k.usable(set, now) == nil {
		if key, ok := set.find(kid, algorithm); ok {
			return key, nil
		}
	}
	return k.seek(ctx, func(set *fetched) (any, bool) { return set.find(kid, algorithm) })
}

// Ready waits for keys that are good, at most waitAtMost. The error wraps
// ErrUnavailable and says why there are none.
func (k *Keys) Ready(ctx context.Context) error {
	_, err := k.seek(ctx, func(*fetched) (any, bool) { return nil, true })
	return err
}

// Usable is nil while the keys are good, else ErrUnavailable. Who remembers that a
// token was verified asks it each time. It is a use, so that keys are looked at again
// though nobody looks one up, and allocates nothing.
func (k *Keys) Usable(now time.Time) error { return k.usable(k.current.Load(), now) }

// Generation changes when the keys have changed, and only then. It is 0 until there
// are any.
func (k *Keys) Generation() uint64 {
	if set := k.current.Load(); set != nil {
		return set.generation
	}
	return 0
}

// List returns the keys, sorted by kid, and when they were last fetched; none and the
// zero time if they never were.
func (k *Keys) List() (keys []Key, at time.Time) {
	set := k.current.Load()
	if set == nil {
		return nil, time.Time{}
	}
	return append(keys, set.keys...), set.at
}

func (k *Keys) usable(set *fetched, now time.Time) error {
	if int64(now.Sub(k.epoch)) >= k.due.Load() {
		k.refresh(now)
	}
	if set.stale(now) || k.isLate(now) {
		return ErrUnavailable
	}
	return nil
}

func (k *Keys) isLate(now time.Time) bool { return int64(now.Sub(k.epoch)) >= k.late.Load() }

func (f *fetched) stale(now time.Time) bool { return f == nil || now.Sub(f.at) >= staleFor }

func (f *fetched) overdue(now time.Time) bool { return f == nil || now.Sub(f.at) >= refreshEvery }

// refresh begins a fetch in the background if one is due.
func (k *Keys) refresh(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if int64(now.Sub(k.epoch)) >= k.due.Load() {
		k.begin()
	}
}

// seek waits for fetches until a lookup finds something or there is no more to wait
// for.
func (k *Keys) seek(ctx context.Context, lookup func(*fetched) (any, bool)) (key any, err error) {
	ctx, cancel := context.WithTimeout(ctx, waitAtMost)
	defer cancel()
	for {
		key, wait, err := k.lookup(lookup)
		if wait == nil {
			return key, err
		}
		select {
		case <-wait.done:
		case <-ctx.Done():
			if set := k.current.Load(); !set.stale(k.now()) {
				if key, ok := lookup(set); ok {
					return key, nil
				}
			}
			return nil, fmt.Errorf("%w: its keys were not there in time", ErrUnavailable)
		}
	}
}

// lookup finds a key, or says what fetch to wait for, or why there is neither.
func (k *Keys) lookup(lookup func(*fetched) (any, bool)) (key any, wait *flight, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	set := k.current.Load()
	stale, late, found := set.stale(now), k.isLate(now), false
	if !stale {
		key, found = lookup(set)
	}
	if found && !late {
		return key, nil, nil
	}
	if wait := k.awaited(now, late || set.overdue(now)); wait != nil {
		return nil, wait, nil
	}
	switch {
	case found:
		return key, nil, nil
	case k.failed != nil:
		return nil, nil, fmt.Errorf("%w: %w", ErrUnavailable, k.failed)
	case stale:
		return nil, nil, fmt.Errorf("%w: it is not asked any more", ErrUnavailable)
	}
	return nil, nil, accesstoken.ErrUnknownKey
}

// awaited is the fetch that may bring what is missing, nil if there is none and none
// may begin. due says that there must be one, whatever is sought.
func (k *Keys) awaited(now time.Time, due bool) *flight {
	switch {
	case k.running != nil:
		return k.running
	case due && k.failed != nil && now.Sub(k.tried) < retryAfter:
		return nil
	case due:
	case !k.sought.IsZero() && now.Sub(k.sought) < seekEvery:
		return nil
	default:
		k.sought = now
	}
	return k.begin()
}

// begin begins a fetch, if none is under way. The lock is held.
func (k *Keys) begin() *flight {
	if k.closed {
		k.due.Store(never)
		return nil
	}
	if k.running == nil {
		k.running = &flight{make(chan struct{})}
		k.due.Store(never)
		k.ended.Go(k.fly)
	}
	return k.running
}

// fly is one fetch.
func (k *Keys) fly() {
	ctx, cancel := context.WithTimeout(k.owner, fetchTimeout)
	defer cancel()
	began := k.now()
	set, err := k.fetch(ctx)
	now := k.now()
	k.land(set, err, now)
	if k.owner.Err() == nil {
		k.noted(set, err, now.Sub(began))
	}
}

// land takes over what a fetch has brought.
func (k *Keys) land(set *keySet, err error, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	old, next := k.current.Load(), now.Add(retryAfter)
	if err != nil && !old.overdue(now) {
		// It was for an unknown kid.
		next = old.at.Add(refreshEvery)
	}
	if err == nil {
		next = now.Add(refreshEvery)
		taken := &fetched{keySet: set, at: now, generation: 1}
		if old != nil {
			taken.generation = old.generation
			if old.digest != set.digest {
				taken.generation++
			}
		}
		k.current.Store(taken)
	}
	k.failed, k.tried = err, now
	k.due.Store(int64(next.Sub(k.epoch)))
	k.late.Store(int64(now.Add(unaskedFor).Sub(k.epoch)))
	close(k.running.done)
	k.running = nil
}

// start begins the first fetch.
func (k *Keys) start() { k.refresh(k.now()) }

// close ends a fetch that is under way, and waits for it. No other one begins.
func (k *Keys) close() {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.end()
	k.ended.Wait()
}
