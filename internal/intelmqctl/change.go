package intelmqctl

import (
	"context"
	"fmt"
	"time"
)

// Change runs a command that changes something. At most one does so at any time, in
// this process and in others that lock the same folder. Once it waits for its turn
// it is run, even if ctx is done; the caller then gets the failure Gone at once. When
// it has ended nobody is answered with what was true before. The error is a *Failure.
func (c *Client) Change(ctx context.Context, caller string, cmd Command) (Answer, error) {
	body, err := c.inTurn(ctx, caller, Name(cmd), perishable, func(ctx context.Context) outcome {
		if runsBot(cmd) {
			return c.runBot(ctx, cmd)
		}
		return execute(ctx, c.configuration(), cmd)
	})
	return Answer{Body: body}, err
}

// runBot has a bot work, until Close begins. Told to end, it starts the bot again.
func (c *Client) runBot(ctx context.Context, cmd Command) outcome {
	c.mu.Lock()
	config := c.config
	if c.closed {
		c.mu.Unlock()
		f := endsFailure()
		config.Watch.refused(Name(cmd), f.Cause)
		return failed(f)
	}
	c.bots.Add(1)
	c.mu.Unlock()
	defer c.bots.Done()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(c.life, func() { stop(context.Cause(c.life)) })()
	return execute(ctx, config, cmd)
}

// Exclusive does some work while no change is made, such as saving a file that
// intelmqctl reads, and under the same lock. Like a change it is done even if ctx is
// done once it waits for its turn, and so must end by itself. It spoils all answers
// but those that only an installation changes. The error is that of work, or a
// *Failure if it was not done or not waited for.
func (c *Client) Exclusive(ctx context.Context, caller, name string, work func() error) error {
	_, err := c.inTurn(ctx, caller, name, configured, func(context.Context) outcome {
		began := time.Now()
		o := outcome{err: guarded(name, work)}
		c.configuration().Watch.finished(name, o.failure(), time.Since(began))
		return o
	})
	return err
}

// guarded does some work. It is not done by the caller's own goroutine, so that a
// panic would end the server and not a request.
func guarded(name string, work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			// What it says may have come from a client, so only its type is told.
			err = fmt.Errorf("%s: panic of type %T", name, v)
		}
	}()
	return work()
}

// inTurn does some work when it is its turn, and spoils answers.
func (c *Client) inTurn(ctx context.Context, caller, name string, spoils endurance, work func(context.Context) outcome) ([]byte, error) {
	c.mu.Lock()
	watch := c.config.Watch
	t, f := (*ticket)(nil), endsFailure()
	if !c.closed {
		t, f = c.changes.enter(caller)
	}
	if f != nil {
		c.mu.Unlock()
		watch.refused(name, f.Cause)
		return nil, f
	}
	done := make(chan outcome, 1)
	c.work.Go(func() { done <- c.alone(context.WithoutCancel(ctx), t, name, spoils, work) })
	c.mu.Unlock()
	select {
	case o := <-done:
		return o.body, o.err
	case <-ctx.Done():
		return nil, goneFailure(ctx)
	}
}

// alone waits for the turn and for the lock, and gives both back, at once or when
// a process that could not be ended has ended.
func (c *Client) alone(ctx context.Context, t *ticket, name string, spoils endurance, work func(context.Context) outcome) outcome {
	<-t.ready
	f := t.failure
	config := c.configuration()
	if f == nil {
		var unlock func()
		unlock, f = lock(c.life, config.lockDir())
		if f == nil {
			return c.change(ctx, t, unlock, spoils, work)
		}
		c.changes.leave(t)
	}
	config.Watch.refused(name, f.Cause)
	return failed(f)
}

// change does the work, and spoils answers before anybody hears of it.
func (c *Client) change(ctx context.Context, t *ticket, unlock func(), spoils endurance, work func(context.Context) outcome) outcome {
	o := work(ctx)
	c.spoil(spoils)
	if o.running == nil {
		unlock()
		c.changes.leave(t)
		return o
	}
	c.changes.hold(t, o.line)
	// It ends with the process, and there is only one.
	go func() {
		<-o.running
		c.spoil(spoils)
		unlock()
		c.changes.leave(t)
	}()
	return o
}
