package cscp

import (
	"context"
	"errors"
	"time"
)

// LogIn logs a user in by password, always on a new connection, which is then
// the session's first. An ErrRefused says that cced does not accept the password.
func (p *Pool) LogIn(ctx context.Context, user string, password Secret) (Session, error) {
	if err := checkCommand(Auth{user, password}); err != nil {
		return Session{}, err
	}
	if _, _, err := p.acquire(ctx, nil, freshConn); err != nil {
		return Session{}, err
	}
	c, err := p.openLimited(ctx)
	if err == nil {
		var id Secret
		if id, err = c.LogIn(ctx, user, password); err == nil {
			return p.join(c, Session{user, id}), nil
		}
		c.Close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if errors.Is(err, ErrRefused) {
		p.stats.Refused++
	}
	p.free(nil)
	p.serve(1)
	return Session{}, err
}

// Suspended asks whether cced refuses changes, and why. It says so only when it
// greets, so this takes a connection of its own.
func (p *Pool) Suspended(ctx context.Context) (suspended bool, reason string, err error) {
	if _, _, err := p.acquire(ctx, nil, freshConn); err != nil {
		return false, "", err
	}
	c, err := p.openLimited(ctx)
	if err == nil {
		suspended, reason = c.Suspended()
		c.Close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(nil)
	p.serve(1)
	return suspended, reason, err
}

// join makes the connection of a log-in one of the session's.
func (p *Pool) join(c *Conn, s Session) Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	// The session of a user with too long a name is never accepted again, not
	// even while a connection is left.
	if !s.isPossible() {
		c.Close()
		p.free(nil)
	} else {
		h := p.holder(s)
		p.makeUserRoom(s.User)
		p.count(h, 1, 0)
		h.proven = time.Now()
		p.keep(&pooled{Conn: c, of: h})
	}
	p.serve(1)
	return s
}

// limited is a context for what must not take longer than MaxWait.
func (p *Pool) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return context.WithTimeout(ctx, p.limits.MaxWait)
}

func (p *Pool) openLimited(ctx context.Context) (*Conn, error) {
	ctx, cancel := p.limited(ctx)
	defer cancel()
	return p.openConn(ctx)
}

// openConn opens a connection that nobody is logged in on. Its room is counted.
func (p *Pool) openConn(ctx context.Context) (*Conn, error) {
	p.mu.Lock()
	p.stats.Dialled++
	options := p.options
	options.MaxReply = p.limits.MaxReply
	p.mu.Unlock()
	return Open(ctx, p.dial, options)
}

// take returns a connection of a session that cced accepts. It must be given
// back.
func (p *Pool) take(ctx context.Context, s Session, want demand) (*pooled, error) {
	if !s.isPossible() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.stats.Refused++
		return nil, ErrRefused
	}
	h, g, err := p.acquire(ctx, &s, want)
	if err != nil || !g.prove {
		return g.conn, err
	}
	c, err := p.prove(ctx, s, g.conn)
	if isLost(err) {
		err = &unsentError{err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// Whoever waits for the end of the proof can go on, come of it what may.
	defer func() { p.serve(p.queue.Len()) }()
	h.proving = false
	if err = p.outcome(h, err); err != nil {
		if c != nil {
			c.Close()
		}
		p.free(h)
		return nil, err
	}
	h.proven = time.Now()
	return &pooled{Conn: c, of: h}, nil
}

// outcome is what an attempt to prove a session means by now.
func (p *Pool) outcome(h *holder, err error) error {
	switch {
	case errors.Is(err, ErrRefused):
		p.stats.Refused++
		p.end(h)
	case err == nil && h.ended:
		return ErrRefused
	case err == nil && p.closed:
		return ErrPoolClosed
	}
	return err
}

// prove sends AUTHKEY on a connection that was idle, if there is one and it is
// still alive, and else on a new one. There is only a connection without error.
func (p *Pool) prove(ctx context.Context, s Session, idle *pooled) (*Conn, error) {
	ctx, cancel := p.limited(ctx)
	defer cancel()
	if idle != nil {
		err := idle.Resume(ctx, s.User, s.ID)
		if err == nil {
			return idle.Conn, nil
		}
		idle.Close()
		if !isLost(err) {
			return nil, err
		}
	}
	c, err := p.openConn(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.Resume(ctx, s.User, s.ID); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// isLost reports whether cced has ended a connection before it replied.
func isLost(err error) bool { return errors.Is(err, ErrClosed) || errors.Is(err, ErrShutdown) }

// give gives a connection back.
func (p *Pool) give(c *pooled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keep(c)
	p.serve(1)
}
