package cce

import (
	"context"
	"errors"
	"net/http"

	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
)

// begin opens a transaction for a session that is good.
func (r *Runner) begin(ctx context.Context, c *Caller, _ *cceapi.Request) (*cceapi.Answer, error) {
	if err := r.Pool.Check(ctx, c.Session); err != nil {
		return nil, err
	}
	opened := r.Queues.begin(c.queue(), c.owner())
	if opened == alreadyOpen {
		// Whoever has opened it keeps it.
		return cceapi.TransactionOpen(), nil
	}
	if opened == tooMany {
		return tooManyOpen(), nil
	}
	return cceapi.Begun(), nil
}

func tooManyOpen() *cceapi.Answer {
	return cceapi.Failure(http.StatusServiceUnavailable, "too many transactions are open", "")
}

// enqueue puts a change into the open transaction.
func (r *Runner) enqueue(ctx context.Context, c *Caller, q *cceapi.Request) (*cceapi.Answer, error) {
	if err := r.Pool.Check(ctx, c.Session); err != nil {
		return nil, err
	}
	if r.Queues.TakeLapsed(c.queue()) {
		// Whoever queues does not want this one to be carried out by itself.
		return cceapi.NoTransaction(), nil
	}
	switch q.Command.(type) {
	case cscp.Set, cscp.Create, cscp.Destroy:
	default:
		// SUSPEND and RESUME, which cced knows outside of transactions only.
		return badCommand(q), nil
	}
	added := r.Queues.add(c.queue(), q.Command)
	if added == taken {
		return cceapi.Queued(), nil
	}
	if added == tooLarge {
		return cceapi.Failure(http.StatusRequestEntityTooLarge, "the transaction has too many changes; BYE gives it up", ""), nil
	}
	if added == tooMany {
		return tooManyOpen(), nil
	}
	// COMMIT has begun since: what comes after it is not part of it.
	return cceapi.NoTransaction(), nil
}

// commit carries the open transaction out. As long as nothing of it can have
// been stored it stays open when cced cannot be asked.
func (r *Runner) commit(ctx context.Context, c *Caller, _ *cceapi.Request) (*cceapi.Answer, error) {
	if err := r.Pool.Check(ctx, c.Session); err != nil {
		return nil, err
	}
	commands, spoilt, done, ok := r.Queues.take(c.queue())
	if !ok {
		return cceapi.NoTransaction(), nil
	}
	over := true
	defer func() { done(over) }()
	if spoilt {
		return cceapi.Failure(http.StatusConflict, "a change was not taken into the transaction; nothing is stored", ""), nil
	}
	lease, err := r.Pool.Lease(ctx, c.Session)
	if err != nil {
		over = false
		return nil, err
	}
	defer lease.Release()
	t := &transaction{lease, c.Limits, &cceapi.Results{Hide: c.Options.Hide}}
	carryOut := t.all
	if r.Independent {
		carryOut = t.each
	}
	if over, err = carryOut(ctx, commands); err != nil {
		return nil, err
	}
	// What cced has refused is over as well.
	over = true
	return t.results.Answer(r.Independent), nil
}

// transaction is one that is being carried out.
type transaction struct {
	lease *cscp.Lease
	// limits are the caller's of now: they may have changed since he queued.
	limits  *Limits
	results *cceapi.Results
}

// all stores all changes or none. If there is an error, stored says whether they
// may have been stored all the same.
func (t *transaction) all(ctx context.Context, commands []cscp.Command) (stored bool, err error) {
	reply, err := t.lease.Do(ctx, cscp.Begin{})
	if err != nil {
		return false, notStored(err)
	}
	if !reply.OK() {
		return false, cscp.ErrProtocol
	}
	for _, command := range commands {
		if err := t.one(ctx, command); err != nil {
			return false, notStored(err)
		}
	}
	if t.results.Failed() {
		// To store nothing is to leave without COMMIT: the lease's connection is
		// closed.
		return false, nil
	}
	if reply, err = t.lease.Do(ctx, cscp.Commit{}); err != nil {
		// One that was never sent can be repeated.
		return isUnknown(err), err
	}
	t.results.Commit(reply)
	return true, nil
}

// each carries out each change by itself. If there is an error those before it
// are stored.
func (t *transaction) each(ctx context.Context, commands []cscp.Command) (stored bool, err error) {
	for i, command := range commands {
		err := t.one(ctx, command)
		if err != nil && i == 0 && !isUnknown(err) {
			return false, err
		}
		if err != nil {
			return true, &cscp.UnknownOutcomeError{Word: cscp.Commit{}.Word(), Err: err}
		}
	}
	return true, nil
}

// one carries out one change, if the caller may. An object may be another one by
// now than when the change was queued: cced uses numbers again.
func (t *transaction) one(ctx context.Context, command cscp.Command) error {
	if t.limits != nil && t.limits.Allows(command) != nil {
		t.results.Deny(command)
		return nil
	}
	if oid := objectOf(command); oid != 0 && t.limits.narrow() {
		reply, err := t.lease.Do(ctx, cscp.Get{OID: oid})
		if err != nil {
			return err
		}
		if !reply.OK() || !t.limits.allowsObject(reply) {
			t.results.Miss(command, oid)
			return nil
		}
	}
	reply, err := t.lease.Do(ctx, command)
	if err == nil {
		t.results.Add(command, reply)
	}
	return err
}

// notStored is the error of a change within a transaction of cced, which stores
// nothing before COMMIT: so its outcome is known.
func notStored(err error) error {
	if unknown, ok := errors.AsType[*cscp.UnknownOutcomeError](err); ok {
		return unknown.Err
	}
	return err
}

func isUnknown(err error) bool {
	_, unknown := errors.AsType[*cscp.UnknownOutcomeError](err)
	return unknown
}
