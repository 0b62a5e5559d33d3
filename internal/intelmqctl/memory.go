package intelmqctl

import "time"

// maxKept bounds the answers in memory, in bytes. What does not fit is given to
// those who wait for it and forgotten.
const maxKept = 64 << 20

// pause is for how long, at least, those who ask get the failure of the last call in
// place of another call. It is as long as the call took if that is more, so that a
// command that fails has a processor for half of the time at most; but it is not
// longer than an answer lives.
const pause = 250 * time.Millisecond

// endurance is what an answer outlives.
type endurance int

// The endurances. The answers of one that is less are spoilt by what spoils more.
const (
	// perishable: a change spoils it.
	perishable endurance = iota
	// configured: a save spoils it, which may move folders.
	configured
	// lasting: only another configuration of the client spoils it.
	lasting
)

// endures says what the answer to a command outlives.
func endures(cmd Command) endurance {
	switch cmd.(type) {
	case Bots, Version:
		return lasting
	case Paths:
		return configured
	}
	return perishable
}

// answer is what a call has brought.
type answer struct {
	outcome
	// ended is when the call did. From renewable on the next one may begin, and
	// until is when the answer is worthless.
	ended, renewable, until time.Time
	// renewed: it was looked whether the next call is to begin.
	renewed bool
	// parts are answers to other questions, by key.
	parts map[string][]byte
	// size is that of all bodies, in bytes.
	size int
}

// remembered is what can be said without a call: the newest answer that is alive.
func (c *Client) remembered(s *share, now time.Time) (outcome, bool) {
	own := s.answer
	if own != nil && !now.Before(own.until) {
		own = nil
	}
	after := time.Time{}
	if own != nil {
		after = own.ended
	}
	if o, ok := c.part(s, now, after); ok {
		return o, true
	}
	if own == nil {
		return outcome{}, false
	}
	return own.outcome, true
}

// part is what QueuesAndStatus has told, if that is alive and came after a time.
func (c *Client) part(s *share, now, after time.Time) (outcome, bool) {
	whole := c.shares[wholeKey]
	if !s.isPart || whole == nil || whole.answer == nil {
		return outcome{}, false
	}
	if !now.Before(whole.answer.until) || !whole.answer.ended.After(after) {
		return outcome{}, false
	}
	body, ok := whole.answer.parts[s.key]
	return outcome{body: body}, ok
}

// keep remembers an outcome for those who ask soon.
func (c *Client) keep(s *share, o outcome, parts map[string][]byte, now time.Time) {
	f := o.failure()
	if f != nil && f.Cause == Gone {
		return
	}
	if s.listing {
		c.unlisted = f != nil
	}
	life := c.config.Life
	if s.endures > perishable {
		life = c.config.LongLife
	}
	if f != nil {
		life = min(max(pause, o.took), c.config.Life)
	}
	a := &answer{
		outcome: o, parts: parts, ended: now, until: now.Add(life),
		renewable: now.Add(max(life/2, life-o.took*5/4)), renewed: f != nil,
		size: len(o.body),
	}
	for _, part := range parts {
		a.size += len(part)
	}
	c.forget(s)
	if c.kept+a.size <= maxKept {
		c.kept += a.size
		s.answer = a
	}
}

// forget drops the answer of a share.
func (c *Client) forget(s *share) {
	if s.answer != nil {
		c.kept -= s.answer.size
		s.answer = nil
	}
}

// drop forgets a share of which nothing is to be known, so that those who are
// refused leave nothing behind.
func (c *Client) drop(s *share) {
	if s.answer == nil && s.call == nil && s.busy == nil {
		s.timer.Stop()
		delete(c.shares, s.key)
	}
}

// spoil makes all answers worthless which that spoils, and those of the calls that
// look already. Calls that still wait will bring what is true.
func (c *Client) spoil(what endurance) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := perishable; e <= what; e++ {
		c.epochs[e]++
	}
	for _, s := range c.shares {
		if s.endures > what {
			continue
		}
		c.forget(s)
		if k := s.call; k != nil && k.looks {
			s.call = nil
			if k.waiters == 0 {
				k.stop(nil)
			}
		}
	}
}
