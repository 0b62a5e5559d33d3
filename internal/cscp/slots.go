package cscp

import (
	"container/list"
	"context"
	"errors"
	"time"
)

// pooled is an authenticated connection of a session.
type pooled struct {
	*Conn
	of *holder
	// since is from when it has been idle, and place where it is in Pool.idle.
	since time.Time
	place *list.Element
}

// demand is what a connection must be good for.
type demand int

const (
	// anyConn is one whose session was accepted a short time ago.
	anyConn demand = iota
	// freshConn is one that was not used before.
	freshConn
	// provenConn is one whose session is accepted now.
	provenConn
)

// waiter is somebody who wants a connection: of a session, or, with none, room
// for a log-in.
type waiter struct {
	of   *holder
	want demand
	// granted takes what the waiter gets.
	granted chan grant
}

// grant is a connection, or without one the room to open one.
type grant struct {
	conn *pooled
	// prove says that AUTHKEY must be sent first. The holder is proving then.
	prove bool
	err   error
}

// grant gives a waiter what it wants, or reports false if it has to wait. It is
// called with the lock held, as all functions of this file and of room.go but acquire and wait.
func (p *Pool) grant(w *waiter) (grant, bool) {
	h := w.of
	switch {
	case p.closed:
		return grant{err: ErrPoolClosed}, true
	case h == nil:
		return grant{}, p.makeRoom(nil)
	case h.ended:
		return grant{err: ErrRefused}, true
	}
	// Closing the session's last connection in here must not forget the session.
	h.waiting++
	defer func() { h.waiting-- }()
	prove := w.want == provenConn || time.Since(h.proven) >= p.limits.Recheck
	if w.want != freshConn && (!prove || !h.proving) {
		if c := p.takeIdle(h); c != nil {
			h.proving = h.proving || prove
			return grant{conn: c, prove: prove}, true
		}
	}
	if h.proving {
		return grant{}, false
	}
	if !p.makeRoom(h) {
		return grant{}, false
	}
	p.count(h, 1, 0)
	h.proving = true
	return grant{prove: true}, true
}

// takeIdle takes the session's connection that was used last, because the others
// can then be closed some time.
func (p *Pool) takeIdle(h *holder) *pooled {
	for len(h.idle) > 0 {
		c := h.idle[len(h.idle)-1]
		if !c.Usable() {
			p.closeIdle(c)
			continue
		}
		p.unlist(c)
		return c
	}
	return nil
}

func (p *Pool) unlist(c *pooled) {
	c.of.drop(c)
	p.count(c.of, 0, -1)
	p.idle.Remove(c.place)
	c.place = nil
}

func (p *Pool) closeIdle(c *pooled) {
	p.unlist(c)
	p.discard(c)
}

// discard closes a connection that is not idle.
func (p *Pool) discard(c *pooled) {
	c.Close()
	p.free(c.of)
}

// free gives the room of a connection back.
func (p *Pool) free(h *holder) {
	p.open--
	if h != nil {
		p.count(h, -1, 0)
		p.leave(h)
	}
}

// leave forgets a session that nothing is known of.
func (p *Pool) leave(h *holder) {
	if h.open == 0 && h.waiting == 0 && p.holders[h.key] == h {
		delete(p.holders, h.key)
	}
}

// keep makes a connection idle, unless it, its session or the pool has come to
// an end, or there are too many by now.
func (p *Pool) keep(c *pooled) {
	h := c.of
	if c.broken || c.inTransaction || h.ended || p.closed || p.exceeds(h) {
		p.discard(c)
		return
	}
	c.since = time.Now()
	c.place = p.idle.PushBack(c)
	h.idle = append(h.idle, c)
	p.count(h, 0, 1)
	p.armSweep()
}

// serve gives those who wait what they can get, at most n of them, the longest
// waiting first. It passes over those whose session or user has as many
// connections as it may. A connection that is given back is for one of them, who
// uses it or takes its room; so n is 1 then.
func (p *Pool) serve(n int) {
	for e := p.queue.Front(); e != nil && n > 0; {
		// There is nothing left to give.
		if p.open >= p.limits.MaxConnections && p.idle.Len() == 0 {
			return
		}
		next := e.Next()
		if g, ok := p.grant(e.Value.(*waiter)); ok {
			p.answer(e, g)
			n--
		}
		e = next
	}
}

// answer ends a waiting.
func (p *Pool) answer(e *list.Element, g grant) {
	w := p.queue.Remove(e).(*waiter)
	if w.of != nil {
		w.of.waiting--
		p.leave(w.of)
	}
	w.granted <- g
}

// refuse ends the waiting of all for whom which holds.
func (p *Pool) refuse(err error, which func(*waiter) bool) {
	for e := p.queue.Front(); e != nil; {
		next := e.Next()
		if which(e.Value.(*waiter)) {
			p.answer(e, grant{err: err})
		}
		e = next
	}
}

// acquire waits for a connection of a session, or for room if s is nil.
func (p *Pool) acquire(ctx context.Context, s *Session, want demand) (*holder, grant, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, grant{}, err
	}
	w := waiter{want: want}
	p.mu.Lock()
	if s != nil {
		key := s.key()
		if p.refused.has(key) {
			p.stats.Refused++
			p.mu.Unlock()
			return nil, grant{}, ErrRefused
		}
		w.of = p.holder(key, s.User)
	}
	g, ok := p.grant(&w)
	var waiting *waiter
	var place *list.Element
	switch {
	case !ok:
		waiting = &waiter{of: w.of, want: want, granted: make(chan grant, 1)}
		place = p.queue.PushBack(waiting)
		if w.of != nil {
			w.of.waiting++
		}
	case g.err != nil && w.of != nil:
		p.leave(w.of)
	}
	limit := p.limits.MaxWait
	p.mu.Unlock()
	if !ok {
		g = p.wait(ctx, waiting, place, limit)
	}
	return w.of, g, g.err
}

// holder finds or makes what is known of a session.
func (p *Pool) holder(key sessionKey, user string) *holder {
	h := p.holders[key]
	if h == nil {
		h = &holder{key: key, user: user}
		p.holders[key] = h
	}
	return h
}

func (p *Pool) wait(ctx context.Context, w *waiter, place *list.Element, limit time.Duration) grant {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var err error
	select {
	case g := <-w.granted:
		return g
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-timer.C:
		err = ErrBusy
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(w.granted) == 0 {
		if errors.Is(err, ErrBusy) {
			p.stats.Busy++
		}
		p.answer(place, grant{err: err})
	}
	// What was granted at the last moment is taken; whoever gets it finds out
	// that the context is over, and gives it back.
	return <-w.granted
}
