package cscp

import (
	"cmp"
	"container/list"
	"os"
	"sync"
	"time"
)

// Limits are the bounds of a Pool. Zero values stand for the defaults.
type Limits struct {
	// MaxConnections is how many connections there are at once, those of log-ins
	// included. Default: 64. cced itself takes 1024 from everybody together.
	MaxConnections int
	// MaxPerSession is how many connections one session has at once. Default: 4.
	MaxPerSession int
	// MaxPerUser is how many connections all sessions of one user have at once, so
	// that a user who opens many sessions leaves some to others. Log-ins under way
	// do not count: who only tries passwords must not keep a user out. Default:
	// half of MaxConnections, and at least 1.
	MaxPerUser int
	// MaxWait is how long somebody waits for a free connection, and then for one
	// to be opened. Default: 5 s.
	MaxWait time.Duration
	// IdleTimeout is after how long an unused connection is closed. Default: 30 s.
	IdleTimeout time.Duration
	// Recheck is for how long a session that cced has accepted is taken for good.
	// After that AUTHKEY is sent again before anything else: a connection keeps
	// its rights when its session has ended, and nothing else makes cced's session
	// last longer. Default: 30 s.
	Recheck time.Duration
	// MaxReply is how long a reply may be, in bytes, on connections that are opened
	// from now on. Default: DefaultMaxReply.
	MaxReply int
}

func (l Limits) withDefaults() Limits {
	connections := cmp.Or(l.MaxConnections, 64)
	return Limits{
		MaxConnections: connections,
		MaxPerSession:  cmp.Or(l.MaxPerSession, 4),
		MaxPerUser:     cmp.Or(l.MaxPerUser, max(connections/2, 1)),
		MaxWait:        cmp.Or(l.MaxWait, 5*time.Second),
		IdleTimeout:    cmp.Or(l.IdleTimeout, 30*time.Second),
		Recheck:        cmp.Or(l.Recheck, 30*time.Second),
		MaxReply:       cmp.Or(l.MaxReply, DefaultMaxReply),
	}
}

// PoolConfig is what a Pool is made of.
type PoolConfig struct {
	// Dial opens a stream to cced.
	Dial Dial
	// Options are those of each connection, but for MaxReply, which is one of the
	// Limits. DropRights is set by itself in a process that is root.
	Options Options
	Limits
}

// Pool keeps authenticated connections of many sessions. All methods may be used
// by many goroutines at once.
//
// A connection is used for the session it was opened with and for no other, in
// no transaction, with nothing unread, and only while cced accepts the session.
// Sessions are known by digests, and cost nothing while they have no connection.
type Pool struct {
	dial    Dial
	options Options

	mu      sync.Mutex
	limits  Limits
	closed  bool
	holders map[sessionKey]*holder
	// users has those who have connections.
	users map[string]share
	// idle holds all idle connections, the longest unused one first; queue holds
	// the waiters, the longest waiting one first.
	idle, queue list.List
	// open counts the connections that are open or being opened.
	open int
	// sweep closes idle connections. It is armed while there are any.
	sweep *time.Timer
	armed bool
	stats Stats
}

// NewPool makes a pool. It opens no connection before one is needed. Close it
// in the end.
func NewPool(config PoolConfig) *Pool {
	p := &Pool{
		dial: config.Dial, options: config.Options,
		limits:  config.withDefaults(),
		holders: map[sessionKey]*holder{},
		users:   map[string]share{},
	}
	if os.Geteuid() == 0 {
		p.options.DropRights = true
	}
	return p
}

// SetLimits changes the bounds. Idle connections that are too many are closed at
// once, others when they are given back.
func (p *Pool) SetLimits(limits Limits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limits = limits.withDefaults()
	for e := p.idle.Front(); e != nil; {
		next := e.Next()
		if c := e.Value.(*pooled); p.exceeds(c.of) {
			p.closeIdle(c)
		}
		e = next
	}
	p.closeExpired()
	p.serve(p.queue.Len())
}

// Stats is what a pool does and has done.
type Stats struct {
	// Open are the connections, Idle those of them that nobody uses, and Waiting
	// those who want one. Sessions have a connection or are waiting.
	Open, Idle, Waiting, Sessions int
	// Dialled counts the connections that were asked for, Refused the log-ins and
	// sessions that cced did not accept, Busy those who waited in vain, and
	// Retried what was sent again because a connection was lost.
	Dialled, Refused, Busy, Retried uint64
}

// Stats returns the numbers of now.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Open, s.Idle, s.Waiting, s.Sessions = p.open, p.idle.Len(), p.queue.Len(), len(p.holders)
	return s
}

// Close closes the connections: idle ones now, others when they are given back.
// Who waits gets ErrPoolClosed.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for p.idle.Len() > 0 {
		p.closeIdle(p.idle.Front().Value.(*pooled))
	}
	p.refuse(ErrPoolClosed, func(*waiter) bool { return true })
	if p.sweep != nil {
		p.sweep.Stop()
	}
}

// Forget closes the connections of a session that has ended: idle ones now,
// others when they are given back.
func (p *Pool) Forget(s Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.holders[s.key()]; h != nil {
		p.end(h)
	}
}

// end makes a session one that has ended. Who comes later has to show that cced
// still accepts it.
func (p *Pool) end(h *holder) {
	h.ended = true
	delete(p.holders, h.key)
	p.refuse(ErrRefused, func(w *waiter) bool { return w.of == h })
	freed := len(h.idle)
	for len(h.idle) > 0 {
		p.closeIdle(h.idle[0])
	}
	p.serve(freed)
}

// armSweep makes sure that the connections that are idle now will be closed.
func (p *Pool) armSweep() {
	if p.armed {
		return
	}
	p.armed = true
	if p.sweep == nil {
		p.sweep = time.AfterFunc(p.limits.IdleTimeout, p.sweepIdle)
		return
	}
	p.sweep.Reset(p.limits.IdleTimeout)
}

func (p *Pool) sweepIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeExpired()
}

// closeExpired closes what has been idle for too long, and comes back for the
// rest.
func (p *Pool) closeExpired() {
	for longest := p.idle.Front(); longest != nil; longest = p.idle.Front() {
		c := longest.Value.(*pooled)
		if left := p.limits.IdleTimeout - time.Since(c.since); left > 0 {
			p.armed = true
			p.sweep.Reset(left)
			return
		}
		p.closeIdle(c)
	}
	p.armed = false
}
