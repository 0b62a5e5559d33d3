package cscp

import (
	"context"
	"errors"
)

// Check asks cced whether it accepts the session, which makes the session last
// longer. If not the error is ErrRefused. It does not ask again within three
// seconds after cced has refused it.
func (p *Pool) Check(ctx context.Context, s Session) error {
	c, err := p.take(ctx, s, provenConn)
	if err == nil {
		p.give(c)
	}
	return err
}

// Do carries one command out with the rights of a session, as Conn.Do does. A
// command is sent again, once and on a fresh connection, if the connection is
// lost before anything of it was sent; a read also if it is lost later, unless
// it has a regular expression, which may be what cced has died of. ENDKEY makes
// the pool forget the session.
func (p *Pool) Do(ctx context.Context, s Session, command Command) (reply *Reply, err error) {
	if err := pooledCommand(command); err != nil {
		return nil, err
	}
	repeatable := func() bool { return isRead(command) && !hasRegexp(command) }
	err = p.twice(ctx, s, repeatable, func(c *Conn) (err error) {
		reply, err = p.do(ctx, c, s, command)
		return err
	})
	return reply, err
}

func (p *Pool) do(ctx context.Context, c *Conn, s Session, command Command) (*Reply, error) {
	reply, err := c.Do(ctx, command)
	// Before the connection is free for others: it still has the session's rights.
	if _, ends := command.(EndKey); ends && !IsUnsent(err) {
		p.Forget(s)
	}
	return reply, err
}

// Pipeline carries out n reads with the rights of a session, as Conn.Pipeline
// does. If the connection is lost before the first reply was handed over it
// starts again, once and on a fresh connection.
func (p *Pool) Pipeline(ctx context.Context, s Session, n int, command func(i int) Command, handle func(i int, reply *Reply) error) error {
	started, risky := false, false
	repeatable := func() bool { return !started && !risky }
	return p.twice(ctx, s, repeatable, func(c *Conn) error {
		return c.Pipeline(ctx, n, func(i int) Command {
			one := command(i)
			risky = risky || hasRegexp(one)
			return one
		}, func(i int, reply *Reply) error {
			started = true
			return handle(i, reply)
		})
	})
}

// twice uses a connection, and a fresh one if the first was lost and what was
// done can be done again.
func (p *Pool) twice(ctx context.Context, s Session, repeatable func() bool, use func(*Conn) error) error {
	err := p.once(ctx, s, anyConn, use)
	if !isLost(err) || !IsUnsent(err) && !repeatable() || ctx.Err() != nil {
		return err
	}
	p.mu.Lock()
	p.stats.Retried++
	p.mu.Unlock()
	return p.once(ctx, s, freshConn, use)
}

func (p *Pool) once(ctx context.Context, s Session, want demand, use func(*Conn) error) error {
	c, err := p.take(ctx, s, want)
	if err != nil {
		return err
	}
	defer p.give(c)
	return use(c.Conn)
}

// IsUnsent reports whether an error says that nothing of a command was sent.
func IsUnsent(err error) bool {
	_, unsent := errors.AsType[*unsentError](err)
	return unsent
}

func hasRegexp(command Command) bool {
	find, ok := command.(Find)
	if !ok {
		return false
	}
	for _, k := range find.Criteria {
		if k.Regexp {
			return true
		}
	}
	return false
}

// pooledCommand refuses what cannot be said, before a connection is opened for
// it, and what would make a connection another session's.
func pooledCommand(command Command) error {
	switch command.(type) {
	case Auth, AuthKey:
		return badParameter("%s is not for the connections of a pool", command.Word())
	}
	return checkCommand(command)
}

// Lease is a connection of a session for one user alone: for a transaction, or
// for reads that belong together. It must be released.
type Lease struct {
	pool    *Pool
	session Session
	conn    *pooled
}

// Lease waits for a connection. Nothing that is done with it is sent again if
// the connection is lost.
func (p *Pool) Lease(ctx context.Context, s Session) (*Lease, error) {
	c, err := p.take(ctx, s, anyConn)
	if err != nil {
		return nil, err
	}
	return &Lease{p, s, c}, nil
}

// Do carries a command out, as Conn.Do does. ENDKEY makes the pool forget the
// session.
func (l *Lease) Do(ctx context.Context, command Command) (*Reply, error) {
	if l.conn == nil {
		return nil, ErrBroken
	}
	if err := pooledCommand(command); err != nil {
		return nil, err
	}
	return l.pool.do(ctx, l.conn.Conn, l.session, command)
}

// Pipeline carries out n reads, as Conn.Pipeline does.
func (l *Lease) Pipeline(ctx context.Context, n int, command func(i int) Command, handle func(i int, reply *Reply) error) error {
	if l.conn == nil {
		return ErrBroken
	}
	return l.conn.Pipeline(ctx, n, command, handle)
}

// Release gives the connection back. One with an open transaction is closed, by
// which cced gives the transaction up. A second Release does nothing.
func (l *Lease) Release() {
	if l.conn != nil {
		l.pool.give(l.conn)
		l.conn = nil
	}
}
