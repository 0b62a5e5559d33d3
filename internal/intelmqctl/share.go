package intelmqctl

import (
	"context"
	"strings"
	"time"
)

// share is what those have in common who ask the same.
type share struct {
	key  string
	name string
	// ask brings the answer, by one process or by some of them in turn.
	ask     func(ctx context.Context, config Config) outcome
	endures endurance
	// listing: queues are listed. isPart: QueuesAndStatus may hold the answer.
	listing, isPart bool

	// answer is the last one, until it dies.
	answer *answer
	// call is the one to wait for, busy the one whose process may run, which may be
	// worthless already. Both are nil when they have ended.
	call, busy *call
	// asked is when and caller by whom it was asked last; often: the time before
	// was not long ago.
	asked  time.Time
	caller string
	often  bool
	timer  *time.Timer
}

// call is one that others can wait for.
type call struct {
	outcome
	// begun is when the first caller came, and done is closed when the outcome is
	// there.
	begun  time.Time
	done   chan struct{}
	ticket *ticket
	// waiters is how many callers wait. ahead: it was begun for nobody, and is
	// wanted without them.
	waiters int
	ahead   bool
	stop    context.CancelCauseFunc
	// looks: it has begun to find out what is true, in epoch.
	looks bool
	epoch uint64
}

// key tells what is equal. Arguments have no null bytes.
func key(cmd Command) string { return strings.Join(Arguments(cmd), "\x00") }

// Read answers a command that must not change anything. The answer may be as old as
// the configured Life, but not older than the last change. The error is a *Failure.
func (c *Client) Read(ctx context.Context, caller string, cmd Command) (Answer, error) {
	if Changes(cmd) {
		panic("intelmqctl: '" + Name(cmd) + "' changes something and is no read")
	}
	return c.read(ctx, caller, key(cmd), func() *share { return newShare(cmd) })
}

func newShare(cmd Command) *share {
	return &share{
		key: key(cmd), name: Name(cmd), endures: endures(cmd), listing: lists(cmd), isPart: isPart(cmd),
		ask: func(ctx context.Context, config Config) outcome { return execute(ctx, config, cmd) },
	}
}

// read answers from memory, or waits for a call, which it begins if need be.
func (c *Client) read(ctx context.Context, caller, key string, make func() *share) (Answer, error) {
	c.mu.Lock()
	watch := c.config.Watch
	if c.closed {
		c.mu.Unlock()
		return Answer{}, endsFailure()
	}
	s := c.share(key, make)
	now := time.Now()
	s.wanted(caller, now)
	if o, ok := c.remembered(s, now); ok {
		c.mu.Unlock()
		watch.hit(s.name)
		return Answer{Body: o.body, Cached: true}, o.err
	}
	joined := s.call != nil
	if !joined {
		if f := c.begin(s, caller); f != nil {
			c.drop(s)
			c.mu.Unlock()
			watch.refused(s.name, f.Cause)
			return Answer{}, f
		}
	}
	k := s.call
	k.waiters++
	if joined {
		c.reads.join(k.ticket, caller)
	}
	c.mu.Unlock()
	if joined {
		watch.coalesced(s.name)
	}
	select {
	case <-k.done:
		return Answer{Body: k.body}, k.err
	case <-ctx.Done():
		c.goAway(s, k, caller)
		return Answer{}, goneFailure(ctx)
	}
}

// share finds what is shared by those who ask the same, or begins it.
func (c *Client) share(key string, make func() *share) *share {
	s, ok := c.shares[key]
	if !ok {
		s = make()
		// It is set when there is something to do.
		s.timer = time.AfterFunc(time.Hour, func() { c.tend(s) })
		c.shares[key] = s
	}
	return s
}

// begin starts a call, or says why it cannot be.
func (c *Client) begin(s *share, caller string) *Failure {
	t, f := c.reads.enter(caller)
	if f != nil {
		return f
	}
	ctx, stop := context.WithCancelCause(c.life)
	k := &call{begun: time.Now(), done: make(chan struct{}), ticket: t, stop: stop}
	s.call = k
	c.work.Go(func() {
		defer stop(nil)
		if f := c.wait(ctx, s, k); f != nil {
			c.reads.leave(t)
			c.conclude(s, k, failed(f))
			return
		}
		o, own := c.obtain(ctx, s, k)
		c.remember(s, k, o, own)
		// Now those who wait for the slot find the answer.
		c.giveBack(t, o)
		c.conclude(s, k, o)
	})
	return nil
}

// wait waits for the slot of a call, and for the call before. There is one call of
// a kind at most, even where the other one has become worthless. A call that nobody
// wants any longer waits for neither.
func (c *Client) wait(ctx context.Context, s *share, k *call) *Failure {
	select {
	case <-k.ticket.ready:
	case <-ctx.Done():
		return goneFailure(ctx)
	}
	if k.ticket.failure != nil {
		return k.ticket.failure
	}
	for before := c.follow(ctx, s, k); before != nil; before = c.follow(ctx, s, k) {
		select {
		case <-before.done:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return goneFailure(ctx)
	}
	return nil
}

// follow makes a call the busy one, unless it is to end. If there is another one,
// which is to be waited for, it returns that.
func (c *Client) follow(ctx context.Context, s *share, k *call) (before *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return nil
	case s.busy == nil:
		s.busy = k
		return nil
	}
	return s.busy
}

// obtain asks, unless another call has brought the answer while this one waited:
// then it is not its own.
func (c *Client) obtain(ctx context.Context, s *share, k *call) (o outcome, own bool) {
	c.mu.Lock()
	o, ok := c.part(s, time.Now(), k.begun)
	config := c.config
	k.looks, k.epoch = true, c.epochs[s.endures]
	c.mu.Unlock()
	if ok {
		return o, false
	}
	began := time.Now()
	o = s.ask(ctx, config)
	o.took = time.Since(began)
	return o, true
}

// remember keeps the outcome of a call for those who come, if it is its own and has
// not become worthless.
func (c *Client) remember(s *share, k *call, o outcome, own bool) {
	var parts map[string][]byte
	if s.key == wholeKey && o.err == nil {
		parts = split(o.body)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if k.waiters > 0 {
		// Who has waited until now has asked until now.
		s.asked = now
	}
	if own && k.epoch == c.epochs[s.endures] && !c.closed {
		c.keep(s, o, parts, now)
	}
}

// giveBack gives a slot back, now or when the process has ended that could not be.
func (c *Client) giveBack(t *ticket, o outcome) {
	if o.running == nil {
		c.reads.leave(t)
		return
	}
	c.reads.hold(t, o.line)
	// It ends with the process. There are no more of them than slots.
	go func() {
		<-o.running
		c.reads.leave(t)
	}()
}

// conclude gives the outcome to those who wait.
func (c *Client) conclude(s *share, k *call, o outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.call == k {
		s.call = nil
	}
	if s.busy == k {
		s.busy = nil
	}
	c.schedule(s, time.Now())
	k.outcome = o
	close(k.done)
}

// goAway is for a caller who does not wait any longer. The last one ends the call.
func (c *Client) goAway(s *share, k *call, caller string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k.waiters--
	if k.waiters > 0 || k.ahead && s.call == k {
		c.reads.part(k.ticket, caller)
		return
	}
	k.stop(nil)
	if s.call == k {
		s.call = nil
	}
}
