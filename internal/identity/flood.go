package identity

import (
	"sync"
	"time"
)

const (
	// maxLagging bounds the attempts that wait because their names fail often,
	// maxLaggingThere those from one network: it must not be able to take the
	// places of all others.
	maxLagging      = 64
	maxLaggingThere = 8

	// lockEventsAtOnce lock-outs are recorded whenever they happen, further ones
	// once in lockEventEvery: under attack that is 2 MB a day in the store.
	lockEventsAtOnce = 20
	lockEventEvery   = 10 * time.Second
)

// lagging counts attempts that wait because their names fail often.
type lagging struct {
	mu    sync.Mutex
	all   int
	there map[string]int
}

// enter takes a place for an attempt from a network, if there is one. It must be
// given back by leave.
func (l *lagging) enter(source string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= maxLagging || l.there[source] >= maxLaggingThere {
		return false
	}
	if l.there == nil {
		l.there = map[string]int{}
	}
	l.all++
	l.there[source]++
	return true
}

func (l *lagging) leave(source string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.there[source]--; l.there[source] == 0 {
		delete(l.there, source)
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
