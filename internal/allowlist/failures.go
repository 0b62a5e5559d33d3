package allowlist

import (
	"container/list"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limit says how often a source may fail.
type Limit struct {
	// Count is the failure with which the source has to wait.
	Count int
	// Period is the time in which failures are counted, from the first one on,
	// and the time for which the source then has to wait, from the last one on.
	Period time.Duration
}

// maxSources bounds the sources that are remembered. Beyond it the one that
// failed the longest time ago is forgotten.
const maxSources = 10_000

// source is who fails: an address, for an entry of its own, so that one client
// in a network does not lock its neighbours out.
type source struct {
	entry   netip.Prefix
	address netip.Addr
}

// sourceOf is the address that failures are counted for. In IPv6 it is the /64,
// since a host may choose among the addresses in it (RFC 4291 section 2.5.4).
func sourceOf(caller netip.Addr) netip.Addr {
	caller = caller.Unmap().WithZone("")
	if !caller.Is6() {
		return caller
	}
	return netip.PrefixFrom(caller, 64).Masked().Addr()
}

// failures remembers who has failed lately.
type failures struct {
	// known is how many sources are remembered, to be read without the lock.
	known atomic.Int64

	mu      sync.Mutex
	records map[source]*list.Element
	// order has the source that failed last at its end.
	order *list.List
}

// record is what is remembered of a source until a time.
type record struct {
	source source
	count  int
	until  time.Time
}

func newFailures() *failures {
	return &failures{records: map[source]*list.Element{}, order: list.New()}
}

// note counts a verdict of a source if it is a failure, and returns how long
// the source has to wait if it failed too often before. Both are done at once:
// who asks many times at the same moment has no more guesses.
func (f *failures) note(s source, v Verdict, limit Limit) (wait time.Duration) {
	failed := v == WrongSecret || v == NoSecret
	if !failed && f.known.Load() == 0 {
		return 0
	}
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgetPast(now)
	element, known := f.records[s]
	if known {
		r := element.Value.(*record)
		switch left := r.until.Sub(now); {
		case left <= 0:
			f.forget(element)
			known = false
		case r.count >= limit.Count:
			return left
		case failed:
			r.count++
			if r.count >= limit.Count {
				r.until = now.Add(limit.Period)
			}
			f.order.MoveToBack(element)
		}
	}
	if failed && !known {
		if f.order.Len() >= maxSources {
			f.forget(f.order.Front())
		}
		f.records[s] = f.order.PushBack(&record{s, 1, now.Add(limit.Period)})
		f.known.Add(1)
	}
	return 0
}

// forgetPast forgets the sources at the front whose time is over.
func (f *failures) forgetPast(now time.Time) {
	for e := f.order.Front(); e != nil && !e.Value.(*record).until.After(now); e = f.order.Front() {
		f.forget(e)
	}
}

func (f *failures) forget(e *list.Element) {
	f.order.Remove(e)
	delete(f.records, e.Value.(*record).source)
	f.known.Add(-1)
}
