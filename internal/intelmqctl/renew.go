package intelmqctl

import (
	"slices"
	"time"
)

// interest is how long somebody counts as one who keeps asking. It is more than the
// three seconds, and the time of a call, after which the slowest page asks again.
const interest = 5 * time.Second

// wanted notes that somebody asks.
func (s *share) wanted(caller string, now time.Time) {
	s.often = now.Sub(s.asked) <= interest
	s.asked, s.caller = now, caller
}

// isWanted: somebody has asked twice within the time of interest, and does so still.
// Who asks once never causes a call of which he has nothing.
func (s *share) isWanted(now time.Time) bool {
	return s.often && now.Sub(s.asked) <= interest
}

// tend does what is due for a share: the next call, forgetting the answer,
// forgetting the share.
func (c *Client) tend(s *share) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.shares[s.key] != s {
		return
	}
	now := time.Now()
	if s.answer != nil && !now.Before(s.answer.until) {
		c.forget(s)
	}
	if s.answer != nil && !s.answer.renewed && !now.Before(s.answer.renewable) {
		s.answer.renewed = true
		c.renew(s, now)
	}
	c.schedule(s, now)
}

// schedule sets the timer for what is due next. While there is no answer but a call,
// its end is.
func (c *Client) schedule(s *share, now time.Time) {
	if c.closed || c.shares[s.key] != s {
		return
	}
	switch {
	case s.answer != nil && !s.answer.renewed:
		s.timer.Reset(s.answer.renewable.Sub(now))
	case s.answer != nil:
		s.timer.Reset(s.answer.until.Sub(now))
	case s.call != nil || s.busy != nil:
	case s.asked.Add(interest).After(now):
		s.timer.Reset(s.asked.Add(interest).Sub(now))
	default:
		c.drop(s)
	}
}

// renew begins the next call before an answer dies, if somebody keeps asking, so
// that nobody has to wait for it.
func (c *Client) renew(s *share, now time.Time) {
	if !s.isPart && s.key != wholeKey {
		if s.isWanted(now) {
			c.beginAhead(s, s.caller)
		}
		return
	}
	wanted := c.wantedStatus(now)
	for _, other := range c.sources(wanted) {
		if other.answer == nil || !other.answer.until.After(s.answer.until) {
			c.beginAhead(other, wanted[0].caller)
		}
	}
}

// wantedStatus are the shares that somebody keeps asking for and for whom one call
// is enough.
func (c *Client) wantedStatus(now time.Time) []*share {
	var wanted []*share
	for _, s := range c.shares {
		if (s.isPart || s.key == wholeKey) && s.isWanted(now) {
			wanted = append(wanted, s)
		}
	}
	return wanted
}

// sources are the shares whose calls bring what is wanted: the one for all, or each
// its own where nobody wants the queues. Without a broker they cannot be listed, and
// the status can be told nevertheless.
func (c *Client) sources(wanted []*share) []*share {
	listed := slices.ContainsFunc(wanted, func(s *share) bool { return s.listing })
	if len(wanted) < 2 || !listed || c.unlisted {
		return wanted
	}
	return []*share{c.share(wholeKey, func() *share { return newShare(QueuesAndStatus{}) })}
}

// beginAhead begins a call that nobody waits for yet, on account of a caller who
// keeps asking.
func (c *Client) beginAhead(s *share, caller string) {
	if s.call != nil || c.begin(s, caller) != nil {
		return
	}
	s.call.ahead = true
}
