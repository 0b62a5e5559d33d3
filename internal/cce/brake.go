package cce

import (
	"context"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/brake"
)

const (
	// addressFactor times as often as one name from an address may all names
	// together fail from there. From this machine itself come the log-ins of all
	// users of a web page that runs here, so that localFactor counts.
	addressFactor = 4
	localFactor   = 20

	// maxQueued bounds the attempts that wait for others to end. Each costs a
	// goroutine.
	maxQueued = 256
	// queueFull is what those that do not fit have to wait.
	queueFull = time.Second

	// knownFor is how long a name that has logged in from an address is known
	// there, maxKnown how many are, on all addresses together.
	knownFor = 24 * time.Hour
	maxKnown = 10_000
)

// Brake slows guessing at passwords down, since cced does not: it answers a wrong
// password at once and then pauses on that connection only. Failures are counted
// for each name from an address, and for each address. It may be used by many
// goroutines at once.
//
// The failures of an address do not stop a name that has logged in from there
// within a day. Else whoever reaches the log-in page of a program on this machine
// could keep out all who use it, with a hundred names that he makes up. What this
// costs: the names that are known from an address can all be guessed at from
// there at once, each as often as one name may fail.
type Brake struct {
	seed      maphash.Seed
	names     *brake.Counter[nameFrom]
	addresses *brake.Counter[netip.Addr]

	mu sync.Mutex
	// known are the names that have logged in.
	known *recent[nameFrom]
	// freed is closed when an attempt ends.
	freed  chan struct{}
	queued int
	stats  BrakeStats
}

// nameFrom is a user name from an address. The name is kept as a hash, since it
// may be long; names that have the same one share a count.
type nameFrom struct {
	address netip.Addr
	name    uint64
}

// BrakeStats are counts since the start.
type BrakeStats struct {
	// Failed and Succeeded are attempts.
	Failed, Succeeded uint64
	// ByName, ByAddress and Crowded are attempts that were sent away: the name
	// has failed too often from there, all names have, or too many were waiting.
	ByName, ByAddress, Crowded uint64
}

// NewBrake makes a brake that knows of no failures.
func NewBrake() *Brake {
	return &Brake{
		seed:      maphash.MakeSeed(),
		names:     brake.New[nameFrom](),
		addresses: brake.New[netip.Addr](),
		known:     newRecent[nameFrom](knownFor, maxKnown),
		freed:     make(chan struct{}),
	}
}

// Attempt is a log-in that is being tried. One goroutine may use it.
type Attempt struct {
	brake            *Brake
	name             nameFrom
	limit, elsewhere brake.Limit
	// known: the failures of others from the address do not stop it.
	known, ended bool
}

// Begin asks whether a password of a user may be tried, before cced is asked. If
// wait is more than 0 it may not be, for so long. Else the attempt has to be
// ended by one of its methods.
//
// limit is for one name from one address. Attempts of which it is not known yet
// how they end count as failures: one beyond the limit waits until another has
// ended, at most until ctx ends, whose error then is returned.
func (b *Brake) Begin(ctx context.Context, limit brake.Limit, caller netip.Addr, user string) (attempt *Attempt, wait time.Duration, err error) {
	a := &Attempt{brake: b, limit: limit, elsewhere: limit}
	a.name = nameFrom{brake.Source(caller), maphash.String(b.seed, user)}
	a.elsewhere.Count *= addressFactor
	if caller.Unmap().IsLoopback() {
		// Any program here may choose among 2²⁴ of them.
		a.name.address = netip.IPv6Loopback()
		a.elsewhere.Count = limit.Count * localFactor
	}
	for {
		freed, wait := b.try(a)
		switch {
		case wait > 0:
			return nil, wait, nil
		case freed == nil:
			return a, 0, nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		b.leaveQueue()
		if err != nil {
			return nil, 0, err
		}
	}
}

// try begins an attempt, unless it has to wait for a time, or in the queue until
// freed is closed.
func (b *Brake) try(a *Attempt) (freed <-chan struct{}, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	verdict, wait := b.names.Begin(a.name, a.limit)
	refused := &b.stats.ByName
	a.known = b.known.has(a.name, time.Now())
	if verdict == brake.Free && !a.known {
		verdict, wait = b.addresses.Begin(a.name.address, a.elsewhere)
		refused = &b.stats.ByAddress
		if verdict != brake.Free {
			b.names.End(a.name, a.limit, brake.Unknown)
		}
	}
	switch {
	case verdict == brake.Stopped:
		*refused++
		return nil, wait
	case verdict == brake.Free:
		return nil, 0
	case b.queued >= maxQueued:
		b.stats.Crowded++
		return nil, queueFull
	}
	b.queued++
	return b.freed, 0
}

func (b *Brake) leaveQueue() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queued--
}

// Stats are the counts since the start.
func (b *Brake) Stats() BrakeStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}

// Failed ends an attempt whose password was wrong.
func (a *Attempt) Failed() { a.end(brake.Failed) }

// Succeeded ends an attempt whose password was right. It counts nowhere, and
// earlier failures of the name from there are forgiven.
func (a *Attempt) Succeeded() { a.end(brake.Succeeded) }

// Undecided ends an attempt of which cced has not said how it ended, and which
// counts neither way. After Failed or Succeeded it does nothing, so that it can
// be deferred.
func (a *Attempt) Undecided() { a.end(brake.Unknown) }

func (a *Attempt) end(outcome brake.Outcome) {
	if a.ended {
		return
	}
	a.ended = true
	b := a.brake
	b.mu.Lock()
	defer b.mu.Unlock()
	b.names.End(a.name, a.limit, outcome)
	switch outcome {
	case brake.Unknown:
	case brake.Failed:
		b.stats.Failed++
	case brake.Succeeded:
		b.stats.Succeeded++
		b.known.add(a.name, time.Now())
	}
	b.endAtAddress(a, outcome)
	close(b.freed)
	b.freed = make(chan struct{})
}

// endAtAddress counts an attempt for its address.
func (b *Brake) endAtAddress(a *Attempt, outcome brake.Outcome) {
	if a.known {
		// It has not begun there.
		b.addresses.Note(a.name.address, a.elsewhere, outcome == brake.Failed)
		return
	}
	if outcome == brake.Succeeded {
		// Whoever has one account must not free his guesses at others with it.
		outcome = brake.Unknown
	}
	b.addresses.End(a.name.address, a.elsewhere, outcome)
}
