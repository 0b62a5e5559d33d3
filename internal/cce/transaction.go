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
	opened := r.Queues.begin(c.queue())
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
		return cceapi.Failure(http.StatusRequestEntityTooLarge, "the transaction has too many changes; COMMIT, or BYE to give it up", ""), nil
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
	commands, done, ok := r.Queues.take(c.queue())
	if !ok {
		return cceapi.NoTransaction(), nil
	}
	over := true
	defer func() { done(over) }()
	lease, err := r.Pool.Lease(ctx, c.Session)
	if err != nil {
		over = false
		return nil, err
	}
	defer lease.Release()
	carryOut := carryOutAll
	if r.Independent {
		carryOut = carryOutEach
	}
	results := &cceapi.Results{Hide: c.Options.Hide}
	if over, err = carryOut(ctx, lease, commands, results); err != nil {
		return nil, err
	}
	// What cced has refused is over as well.
	over = true
	return results.Answer(r.Independent), nil
}

// carryOutAll stores all changes or none. If there is an error, stored says
// whether they may have been stored all the same.
func carryOutAll(ctx context.Context, lease *cscp.Lease, commands []cscp.Command, results *cceapi.Results) (stored bool, err error) {
	reply, err := lease.Do(ctx, cscp.Begin{})
	if err != nil {
		return false, notStored(err)
	}
	if !reply.OK() {
		return false, cscp.ErrProtocol
	}
	for _, command := range commands {
		if reply, err = lease.Do(ctx, command); err != nil {
			return false, notStored(err)
		}
		results.Add(command, reply)
	}
	if results.Failed() {
		// To store nothing is to leave without COMMIT: the lease's connection is
		// closed.
		return false, nil
	}
	if reply, err = lease.Do(ctx, cscp.Commit{}); err != nil {
		// One that was never sent can be repeated.
		return isUnknown(err), err
	}
	results.Commit(reply)
	return true, nil
}

// notStored is the error of a change within a transaction of cced, which stores
// nothing before COMMIT: so its outcome is known.
func notStored(err error) error {
	if unknown, ok := errors.AsType[*cscp.UnknownOutcomeError](err); ok {
		return unknown.Err
	}
	return err
}

// carryOutEach carries out each change by itself. If there is an error those
// before it are stored.
func carryOutEach(ctx context.Context, lease *cscp.Lease, commands []cscp.Command, results *cceapi.Results) (stored bool, err error) {
	for i, command := range commands {
		reply, err := lease.Do(ctx, command)
		if err != nil && i == 0 && !isUnknown(err) {
			return false, err
		}
		if err != nil {
			return true, &cscp.UnknownOutcomeError{Word: cscp.Commit{}.Word(), Err: err}
		}
		results.Add(command, reply)
	}
	return true, nil
}

func isUnknown(err error) bool {
	_, unknown := errors.AsType[*cscp.UnknownOutcomeError](err)
	return unknown
}
