package brake

import (
	"container/list"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// Limit says how often somebody may fail.
type Limit struct {
	// Count is the failure with which he has to wait, at least 1.
	Count int
	// Period is the time in which failures are counted, from the first one on,
	// and the time for which he then has to wait, from the last one on.
	Period time.Duration
}

// Verdict says whether an attempt may be made.
type Verdict uint8

// The verdicts.
const (
	// Free: the attempt may be made, and must be brought to an end by End.
	Free Verdict = iota
	// Busy: attempts that have not ended yet may be all that are left. It is
	// known when one of them ends.
	Busy
	// Stopped: there were too many failures.
	Stopped
)

// Outcome is how an attempt has ended.
type Outcome uint8

// The outcomes.
const (
	// Unknown: it was not decided, and counts neither way.
	Unknown Outcome = iota
	// Failed: it counts.
	Failed
	// Succeeded: failures before it are forgiven, but where they are shared.
	Succeeded
)

const (
	// maxRecords bounds those that are counted by themselves.
	maxRecords = 10_000
	// shareCount is how many counts all others share.
	shareCount = 1024
)

// Counter counts the failures of each key. It may be used by many goroutines at
// once.
type Counter[K comparable] struct {
	seed maphash.Seed
	// used says that something is counted, to be read without the lock.
	used atomic.Bool

	mu      sync.Mutex
	records map[K]*record[K]
	// order has the records with failures; the one whose failures were given a
	// time last is at its end.
	order *list.List
	// shares are counts that many keys share, nil while there is no need.
	shares []record[K]
	// sharesUntil is when the last failure in shares is over, sharesPending how
	// many attempts are under way in them.
	sharesUntil   time.Time
	sharesPending int
}

// record is what is counted for one key, or for those that share it.
type record[K comparable] struct {
	key K
	// pending are attempts that have begun and not ended.
	failures, pending int
	// until is when the failures are over.
	until  time.Time
	shared bool
	// place is that in order, nil where there are no failures or they are shared.
	place *list.Element
}

// New makes a counter without any failures.
func New[K comparable]() *Counter[K] {
	return &Counter[K]{seed: maphash.MakeSeed(), records: map[K]*record[K]{}, order: list.New()}
}

// Begin asks whether an attempt may be made now. For Stopped, wait is how long
// to wait. For Free the attempt has begun.
func (c *Counter[K]) Begin(key K, limit Limit) (v Verdict, wait time.Duration) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prune(now)
	r := c.record(key, now)
	switch {
	case r.failures >= limit.Count:
		return Stopped, r.until.Sub(now)
	case r.failures+r.pending >= limit.Count:
		return Busy, 0
	}
	r.pending++
	if r.shared {
		c.sharesPending++
	}
	return Free, 0
}

// End tells how an attempt has ended that was Free. It must be called once for
// each, with the same limit.
func (c *Counter[K]) End(key K, limit Limit, outcome Outcome) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	// The record is the one of Begin: one with a pending attempt is kept.
	r := c.record(key, now)
	r.pending--
	if r.shared {
		c.sharesPending--
	}
	switch {
	case outcome == Failed:
		c.fail(r, limit, now)
	case outcome == Succeeded && !r.shared:
		c.clear(r)
	}
	c.drop(r)
	c.prune(now)
}

// Note counts an attempt whose outcome is known already, and returns how long
// to wait if there were too many failures before. A success forgives nothing.
func (c *Counter[K]) Note(key K, limit Limit, failed bool) (wait time.Duration) {
	if !failed && !c.used.Load() {
		return 0
	}
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prune(now)
	r := c.record(key, now)
	if r.failures >= limit.Count {
		return r.until.Sub(now)
	}
	if failed {
		c.fail(r, limit, now)
	}
	c.drop(r)
	return 0
}

// Len is how many keys are counted by themselves, and whether others share
// counts because there was no room.
func (c *Counter[K]) Len() (records int, shared bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prune(time.Now())
	return len(c.records), c.shares != nil
}

// record finds what is counted for a key, or begins it.
func (c *Counter[K]) record(key K, now time.Time) *record[K] {
	if r, ok := c.records[key]; ok {
		c.expire(r, now)
		return r
	}
	// As long as there is something in the key's share it may be the key's own.
	if r := c.share(key, len(c.records) >= maxRecords); r != nil {
		c.expire(r, now)
		if r.failures > 0 || r.pending > 0 || len(c.records) >= maxRecords {
			return r
		}
	}
	r := &record[K]{key: key}
	c.records[key] = r
	c.used.Store(true)
	return r
}

// share is the count that a key shares. Without need there may be none.
func (c *Counter[K]) share(key K, needed bool) *record[K] {
	if c.shares == nil {
		if !needed {
			return nil
		}
		c.shares = make([]record[K], shareCount)
		for i := range c.shares {
			c.shares[i].shared = true
		}
	}
	return &c.shares[maphash.Comparable(c.seed, key)%shareCount]
}

func (c *Counter[K]) fail(r *record[K], limit Limit, now time.Time) {
	r.failures++
	if r.failures > 1 && r.failures < limit.Count {
		return
	}
	r.until = now.Add(limit.Period)
	switch {
	case r.shared:
		if r.until.After(c.sharesUntil) {
			c.sharesUntil = r.until
		}
	case r.place == nil:
		r.place = c.order.PushBack(r)
	default:
		c.order.MoveToBack(r.place)
	}
}

// clear forgives failures.
func (c *Counter[K]) clear(r *record[K]) {
	r.failures = 0
	if r.place != nil {
		c.order.Remove(r.place)
		r.place = nil
	}
}

// expire forgives failures whose time is over.
func (c *Counter[K]) expire(r *record[K], now time.Time) {
	if r.failures > 0 && !r.until.After(now) {
		c.clear(r)
	}
}

// drop gives up a record that counts nothing.
func (c *Counter[K]) drop(r *record[K]) {
	if !r.shared && r.failures == 0 && r.pending == 0 {
		delete(c.records, r.key)
		c.used.Store(len(c.records) > 0 || c.shares != nil)
	}
}

// prune gives up what is over.
func (c *Counter[K]) prune(now time.Time) {
	for e := c.order.Front(); e != nil; e = c.order.Front() {
		r := e.Value.(*record[K])
		if r.until.After(now) {
			break
		}
		c.clear(r)
		c.drop(r)
	}
	if c.shares != nil && c.sharesPending == 0 && !c.sharesUntil.After(now) {
		c.shares = nil
		c.used.Store(len(c.records) > 0)
	}
}
