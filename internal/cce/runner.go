package cce

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
)

// Runner carries requests out for callers who are known already.
type Runner struct {
	// Pool holds the connections to cced.
	Pool *cscp.Pool
	// Queues holds the open transactions.
	Queues *Queues
	// Independent makes COMMIT carry out each queued change by itself, so that the
	// good ones stay when others fail. Otherwise it is all or nothing.
	Independent bool
	// MaxAnswer is how long an answer may be, in bytes; 0 means
	// cscp.DefaultMaxReply.
	MaxAnswer int
}

// Caller is who asks: the session of cced that his commands run in, and what he
// may do of what that session may.
type Caller struct {
	Session cscp.Session
	// Queue is whose transaction it is where callers share a session; it outlives
	// the session. Empty: it is the session's.
	Queue string
	// Owner is who has the transaction, of whom there may be several sessions.
	// Empty: it is the user of the session.
	Owner  string
	Limits *Limits
	// Denied is told what of a command the limits do not allow. Nil is not told.
	Denied  func(reason error)
	Options cceapi.Options
}

// owner is whose share of all transactions the caller's is.
func (c *Caller) owner() string {
	if c.Owner != "" {
		return c.Owner
	}
	return "user " + c.Session.User
}

// queue is the key of the caller's transaction.
func (c *Caller) queue() string {
	if c.Queue != "" {
		return c.Queue
	}
	return QueueOf(c.Session)
}

// QueueOf is the key of the transaction of a session. It does not show the
// session.
func QueueOf(s cscp.Session) string {
	digest := sha256.Sum256([]byte(s.User + "\x00" + string(s.ID)))
	return string(digest[:])
}

// badCommand answers as cced does to a word that it does not know, or not now.
func badCommand(q *cceapi.Request) *cceapi.Answer {
	return (&cceapi.Refused{Word: q.Word, Code: cscp.CodeBadCommand}).Answer()
}

// Run carries a request out. An answer of cced, good or bad, is an Answer; an
// error says that there is none, see Explain.
func (r *Runner) Run(ctx context.Context, c *Caller, q *cceapi.Request) (*cceapi.Answer, error) {
	if c.Limits != nil {
		limited := *c
		limited.Options.Hide, limited.Options.Shows = c.Limits.Hides, c.Limits.AllowsClass
		c = &limited
	}
	do, known := actions[q.Action]
	if !known {
		return badCommand(q), nil
	}
	return do(r, ctx, c, q)
}

// actions is what each action does. Those that need no session are not here: a
// log-in and PING are the handler's.
var actions = map[cceapi.Action]func(*Runner, context.Context, *Caller, *cceapi.Request) (*cceapi.Answer, error){
	cceapi.Plain:     (*Runner).plain,
	cceapi.WhoAmI:    (*Runner).whoAmI,
	cceapi.AuthKey:   (*Runner).authKey,
	cceapi.EndKey:    (*Runner).endKey,
	cceapi.Bye:       (*Runner).bye,
	cceapi.Begin:     (*Runner).begin,
	cceapi.Commit:    (*Runner).commit,
	cceapi.FindX:     (*Runner).findX,
	cceapi.GetObject: (*Runner).getObject,
	cceapi.GetAll:    (*Runner).getAll,
	cceapi.Suspended: (*Runner).suspended,
}

// plain carries out one command, or puts it into the open transaction.
func (r *Runner) plain(ctx context.Context, c *Caller, q *cceapi.Request) (*cceapi.Answer, error) {
	if refused, err := r.refused(ctx, c, q, q.Command); refused != nil || err != nil {
		return refused, err
	}
	if q.Command.Changes() && r.Queues.Believed(c.queue()) {
		return r.enqueue(ctx, c, q)
	}
	if find, ok := q.Command.(cscp.Find); ok {
		return r.plainFind(ctx, c, q, find)
	}
	reply, err := r.Pool.Do(ctx, c.Session, q.Command)
	if err != nil {
		return nil, err
	}
	return cceapi.Replied(q, reply, c.Options)
}

func (r *Runner) plainFind(ctx context.Context, c *Caller, q *cceapi.Request, find cscp.Find) (*cceapi.Answer, error) {
	oids, reply, err := r.find(ctx, c.Session, find)
	if err != nil {
		return nil, err
	}
	if !reply.OK() {
		return cceapi.Replied(q, reply, c.Options)
	}
	return cceapi.Listed(texts(oids)), nil
}

func (r *Runner) whoAmI(ctx context.Context, c *Caller, q *cceapi.Request) (*cceapi.Answer, error) {
	reply, err := r.Pool.Do(ctx, c.Session, cscp.WhoAmI{})
	if err != nil {
		return nil, err
	}
	return cceapi.Replied(q, reply, c.Options)
}

// authKey answers whether the session is good.
func (r *Runner) authKey(ctx context.Context, c *Caller, q *cceapi.Request) (*cceapi.Answer, error) {
	if err := r.Pool.Check(ctx, c.Session); err != nil {
		return nil, err
	}
	return cceapi.Done(), nil
}

// endKey ends the session. Connections would keep its rights, so they are
// closed, also when cced's answer does not come.
func (r *Runner) endKey(ctx context.Context, c *Caller, q *cceapi.Request) (*cceapi.Answer, error) {
	defer r.Pool.Forget(c.Session)
	reply, err := r.Pool.Do(ctx, c.Session, cscp.EndKey{})
	if err != nil && !errors.Is(err, cscp.ErrRefused) {
		// It may live on, and its transaction with it.
		return nil, err
	}
	r.Queues.Drop(c.queue())
	if err != nil {
		return nil, err
	}
	return cceapi.Replied(q, reply, c.Options)
}

// bye throws the open transaction away. The session lives on.
func (r *Runner) bye(ctx context.Context, c *Caller, q *cceapi.Request) (*cceapi.Answer, error) {
	if err := r.Pool.Check(ctx, c.Session); err != nil {
		return nil, err
	}
	r.Queues.Drop(c.queue())
	return cceapi.Done(), nil
}

// suspended answers whether cced refuses changes. It would tell anybody, but
// no command runs without a log-in.
func (r *Runner) suspended(ctx context.Context, c *Caller, _ *cceapi.Request) (*cceapi.Answer, error) {
	if err := r.Pool.Check(ctx, c.Session); err != nil {
		return nil, err
	}
	suspended, reason, err := r.Pool.Suspended(ctx)
	if err != nil {
		return nil, err
	}
	return cceapi.Suspension(suspended, reason), nil
}
