package identity

import (
	"sync"
	"time"
)

const (
	// maxLagging bounds the attempts that wait because their names fail often;
	// each costs a goroutine. maxLaggingThere bounds those from one network: it
	// can take the places of whoever shares it, and those of all others only
	// together with 511 more.
	maxLagging      = 4096
	maxLaggingThere = 8
	// maxProvingThere bounds the attempts from one network that are looked at,
	// or wait for their turn, for each hash at once: a quarter of the places that
	// there are (internal/password), so that a few networks cannot keep the
	// others out for longer than until they are throttled.
	maxProvingThere = 16

	// lockEventsAtOnce lock-outs are recorded whenever they happen, further ones
	// once in lockEventEvery: under attack that is 2 MB a day in the store.
	lockEventsAtOnce = 20
	lockEventEvery   = 10 * time.Second
)

// places counts attempts, all and those from each network.
type places struct {
	// most of all and mostThere from one network can be inside at once.
	most, mostThere int

	mu    sync.Mutex
	all   int
	there map[string]int
}

// enter takes a place for an attempt from a network, if there is one. It must be
// given back by leave.
func (p *places) enter(source string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all >= p.most || p.there[source] >= p.mostThere {
		return false
	}
	if p.there == nil {
		p.there = map[string]int{}
	}
	p.all++
	p.there[source]++
	return true
}

func (p *places) leave(source string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all--
	if p.there[source]--; p.there[source] == 0 {
		delete(p.there, source)
	}
}

// lockEvents says which lock-outs are recorded.
type lockEvents struct {
	mu sync.Mutex
	// paid is when as many as were recorded could have come one by one.
	paid   time.Time
	missed int
}

// take reports whether a lock-out may be recorded, and how many were left out
// since the last one that was.
func (e *lockEvents) take(now time.Time) (recorded bool, missed int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ahead := e.paid.Sub(now)
	if ahead < 0 || ahead > lockEventsAtOnce*lockEventEvery {
		// Nothing is owed, or the clock was set back.
		e.paid, ahead = now, 0
	}
	if ahead > (lockEventsAtOnce-1)*lockEventEvery {
		e.missed++
		return false, 0
	}
	e.paid = e.paid.Add(lockEventEvery)
	missed, e.missed = e.missed, 0
	return true, missed
}
