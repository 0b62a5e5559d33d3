package intelmqctl

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Client decides when processes run. Equal reads share one of them and its answer
// lives for a moment; changes wait for one another. It may be used by many
// goroutines at once, and lives over reloads of the configuration.
type Client struct {
	reads, changes *queue
	// life is over when Close begins, and with it what reads or has a bot work.
	life    context.Context
	endLife context.CancelCauseFunc
	// work is what still has to end, and bots what of it has a bot work.
	work, bots sync.WaitGroup

	mu     sync.Mutex
	config Config
	closed bool
	shares map[string]*share
	// epochs count, for each endurance, how often all answers became worthless.
	epochs [lasting + 1]uint64
	// kept is how many bytes the answers in memory have.
	kept int
	// unlisted: the queues could not be listed when that was tried last.
	unlisted bool
	// everything is the level for which a log was printed in full last.
	everything Level
}

// Answer is what a command has printed.
type Answer struct {
	// Body is shared by all who have asked; it must not be changed.
	Body []byte
	// Cached: it was there already, and nobody had to wait.
	Cached bool
}

// State is what a Client is busy with.
type State struct {
	// Waiting is how many calls wait for a process, Running how many have one.
	Waiting, Running int
	// Stuck are those of Running that were told to end and have not, the oldest
	// one first.
	Stuck []StuckCall
	// ChangesStuck: one of them is a change, and no other one can be made.
	ChangesStuck bool
}

// NewClient makes a client, which must be closed in the end.
func NewClient(config Config) *Client {
	config = config.withDefaults()
	c := &Client{
		reads:   newQueue(config.Reads, config.Queue),
		changes: newQueue(1, config.Queue),
		config:  config, shares: map[string]*share{}, everything: LevelCritical,
	}
	c.life, c.endLife = context.WithCancelCause(context.Background())
	return c
}

// SetConfig has the client work with other limits, or with another command, from
// now on. Calls that run or wait go on; all answers are forgotten.
func (c *Client) SetConfig(config Config) {
	config = config.withDefaults()
	c.mu.Lock()
	c.config = config
	c.mu.Unlock()
	c.reads.resize(config.Reads, config.Queue)
	c.changes.resize(1, config.Queue)
	c.spoil(lasting)
}

// State tells what the client is busy with, for health and metrics.
func (c *Client) State() State {
	waiting, running, stuck := c.reads.count()
	changesWaiting, changing, changesStuck := c.changes.count()
	s := State{
		Waiting: waiting + changesWaiting, Running: running + changing,
		Stuck: append(stuck, changesStuck...), ChangesStuck: len(changesStuck) > 0,
	}
	slices.SortFunc(s.Stuck, func(a, b StuckCall) int { return a.Since.Compare(b.Since) })
	return s
}

// botsLimit is how long Close waits for what has a bot work, whatever its ctx says:
// as long as a Program needs at most for a process that is told to end, and a little.
const botsLimit = defaultGrace + 2*lull

// Close ends what reads and refuses what waits; both fail with Gone. It waits for
// changes until ctx is done. A change that still runs then goes on by itself, within
// its limit, since half a restart is worse than a late one. One that has a bot work
// is told to end at once, and has seven seconds for that even if ctx is done: if the
// server ended before, nobody would tell it, and the bot would stay stopped. What was
// stuck stays so, with its lock.
func (c *Client) Close(ctx context.Context) {
	c.mu.Lock()
	c.closed = true
	for _, s := range c.shares {
		s.timer.Stop()
	}
	clear(c.shares)
	c.mu.Unlock()
	c.reads.close()
	c.changes.close()
	c.endLife(endsFailure())

	limit := time.NewTimer(botsLimit)
	defer limit.Stop()
	select {
	case <-whenOver(&c.work):
	case <-ctx.Done():
		select {
		case <-whenOver(&c.bots):
		case <-limit.C:
		}
	}
}

// whenOver is closed when all of a group has ended.
func whenOver(group *sync.WaitGroup) <-chan struct{} {
	over := make(chan struct{})
	go func() {
		group.Wait()
		close(over)
	}()
	return over
}

// configuration is that of now.
func (c *Client) configuration() Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.config
}

// outcome is how a call has ended.
type outcome struct {
	body []byte
	// err is a *Failure, or what a function of Exclusive has returned.
	err error
	// running is not nil if its process could not be ended; it runs line.
	running <-chan struct{}
	line    string
	// took is how long it has taken.
	took time.Duration
}

// failed is an outcome for a failure.
func failed(f *Failure) outcome { return outcome{err: f} }

// failure is what the outcome has failed with, or nil.
func (o outcome) failure() *Failure {
	var f *Failure
	if o.err == nil || errors.As(o.err, &f) {
		return f
	}
	return &Failure{Cause: Failed, Message: o.err.Error(), Err: o.err}
}

// execute runs one process. It is told to end when ctx is done or its time is over.
func execute(ctx context.Context, config Config, cmd Command) outcome {
	limited, cancel := context.WithTimeout(ctx, config.limit(cmd))
	defer cancel()
	arguments := Arguments(cmd)
	began := time.Now()
	output, err := config.Executor.Execute(limited, arguments)
	body, failure := judge(config.Executor, cmd, output, err)
	o := outcome{body: body, running: output.Running, line: config.Executor.Line(Arguments(withoutEvent(cmd)))}
	if failure != nil {
		// It did not take too long: nobody wants it.
		if failure.Cause == TimedOut && ctx.Err() != nil {
			failure = goneFailure(ctx)
		}
		o.body, o.err = nil, failure
	}
	config.Watch.finished(Name(cmd), failure, time.Since(began))
	return o
}

// goneFailure is for what ends since ctx is done.
func goneFailure(ctx context.Context) *Failure {
	cause := context.Cause(ctx)
	if f, ok := errors.AsType[*Failure](cause); ok {
		return f
	}
	return &Failure{Cause: Gone, Message: "nobody waits for the answer any more", Err: cause}
}

// endsFailure is for those who come or wait when the client is closed.
func endsFailure() *Failure {
	return &Failure{Cause: Gone, Message: "the server ends; try again", Wait: minWait}
}
