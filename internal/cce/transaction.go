package cce

import (
	"context"

	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
)

// begin opens a transaction for a session that is good.
func (r *Runner) begin(ctx context.Context, c *Caller, _ *cceapi.Request) (*cceapi.Answer, error) {
	if err := r.Pool.Check(ctx, c.Session); err != nil {
		return nil, err
	}
	switch r.Queues.begin(c.queue()) {
	case alreadyOpen:
		// Whoever has opened it keeps it.
		return cceapi.TransactionOpen(), nil
	case tooMany:
		return cceapi.TooManyTransactions(), nil
	}
	return cceapi.Begun(), nil
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
	switch r.Queues.add(c.queue(), q.Command) {
	case taken:
		return cceapi.Queued(), nil
	case tooLarge:
		return cceapi.TransactionTooLarge(), nil
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
	if r.Independent {
		return r.carryOutEach(ctx, lease, commands)
	}
	results, stored, err := carryOutAll(ctx, lease, commands)
	if err != nil {
		over = stored
		return nil, err
	}
	return results.Answer(), nil
}

// carryOutAll stores all changes or none. If there is an error, stored says
// whether they may have been stored all the same.
func carryOutAll(ctx context.Context, lease *cscp.Lease, commands []cscp.Command) (results *cceapi.Transaction, stored bool, err error) {
	results = cceapi.NewTransaction(true)
	reply, err := lease.Do(ctx, cscp.Begin{})
	if err != nil {
		return nil, false, notStored(err)
	}
	if !reply.OK() {
		return nil, false, cscp.ErrProtocol
	}
	good := true
	for _, command := range commands {
		if reply, err = lease.Do(ctx, command); err != nil {
			return nil, false, notStored(err)
		}
		results.Add(command, reply)
		good = good && reply.OK()
	}
	if !good {
		// To store nothing is to leave without COMMIT.
		lease.Close()
		return results, false, nil
	}
	if reply, err = lease.Do(ctx, cscp.Commit{}); err != nil {
		return nil, true, err
	}
	if !reply.OK() {
		results.Add(cscp.Commit{}, reply)
	}
	return results, true, nil
}

// notStored is the error of a change within a transaction of cced, which stores
// nothing before COMMIT: so its outcome is known.
func notStored(err error) error {
	if unknown, ok := err.(*cscp.UnknownOutcomeError); ok {
		return unknown.Err
	}
	return err
}

// carryOutEach carries out each change by itself. If the connection is lost the
// rest is not tried.
func (r *Runner) carryOutEach(ctx context.Context, lease *cscp.Lease, commands []cscp.Command) (*cceapi.Answer, error) {
	results := cceapi.NewTransaction(false)
	for i, command := range commands {
		reply, err := lease.Do(ctx, command)
		if err != nil && i == 0 {
			return nil, err
		}
		if err != nil {
			results.Lost(commands[i:], err)
			break
		}
		results.Add(command, reply)
	}
	return results.Answer(), nil
}
