package cce

import (
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/cscp"
)

// Bounds of open transactions. The contract names none; these hold a client's
// mistake small and are far above what the GUI queues.
const (
	maxTransaction      = 10_000
	maxTransactionBytes = 8 << 20
	maxTransactions     = 1_000
	// maxBytes is for all of them together.
	maxBytes = 64 << 20
	// queueLife is how long a transaction may lie without a new command.
	queueLife = time.Hour
	// lapsedLife is how long it is known that one has lain too long, maxLapsed of
	// how many.
	lapsedLife = 24 * time.Hour
	maxLapsed  = 10_000
)

// Queues holds the changes of open transactions until COMMIT, each under the key
// of its caller.
type Queues struct {
	now  func() time.Time
	mu   sync.Mutex
	open map[string]*queue
	// size is that of all of them.
	size int
	// lapsed are the keys of transactions that have lain too long, until their
	// callers are told.
	lapsed *recent[string]
}

// queue is an open transaction.
type queue struct {
	commands []cscp.Command
	// size is that of the lines, in bytes.
	size int
	used time.Time
	// running says that COMMIT is at work on it.
	running bool
}

// NewQueues makes an empty set of queues. now tells the time.
func NewQueues(now func() time.Time) *Queues {
	return &Queues{now: now, open: map[string]*queue{}, lapsed: newRecent[string](lapsedLife, maxLapsed)}
}

// outcome says what came of a request about a queue.
type outcome uint8

const (
	taken outcome = iota
	// notOpen: there is no open transaction.
	notOpen
	// alreadyOpen: there is one already, perhaps another client's.
	alreadyOpen
	// tooLarge: the transaction has reached its bound.
	tooLarge
	// tooMany: there are too many transactions.
	tooMany
)

// Believed reports whether the caller takes himself to be in a transaction: it is
// open, or has lain too long and he does not know yet. His changes then must not
// be carried out at once.
func (q *Queues) Believed(key string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.find(key) != nil || q.lapsed.has(key, q.now())
}

// TakeLapsed reports whether a transaction has lain too long, once: the caller is
// told.
func (q *Queues) TakeLapsed(key string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.find(key) == nil && q.lapsed.remove(key)
}

// Len is how many transactions are open.
func (q *Queues) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.open)
}

// Drop throws an open transaction away.
func (q *Queues) Drop(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.remove(key)
	q.lapsed.remove(key)
}

// find returns the queue of a session unless it has lain too long.
func (q *Queues) find(key string) *queue {
	one := q.open[key]
	if one != nil && !one.running && q.now().Sub(one.used) > queueLife {
		q.remove(key)
		q.lapsed.add(key, q.now())
		return nil
	}
	return one
}

// remove forgets a transaction.
func (q *Queues) remove(key string) {
	if one := q.open[key]; one != nil {
		q.size -= one.size
		delete(q.open, key)
	}
}

// begin opens a transaction.
func (q *Queues) begin(key string) outcome {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.find(key) != nil {
		return alreadyOpen
	}
	if len(q.open) >= maxTransactions {
		q.clean()
	}
	if len(q.open) >= maxTransactions {
		return tooMany
	}
	q.lapsed.remove(key)
	q.open[key] = &queue{used: q.now()}
	return taken
}

// clean removes what has lain too long.
func (q *Queues) clean() {
	for key := range q.open {
		q.find(key)
	}
}

// add puts a change into the open transaction.
func (q *Queues) add(key string, c cscp.Command) outcome {
	line, err := cscp.Append(nil, c)
	if err != nil {
		return tooLarge
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	one := q.find(key)
	if one == nil || one.running {
		return notOpen
	}
	if len(one.commands) >= maxTransaction || one.size+len(line) > maxTransactionBytes {
		return tooLarge
	}
	if q.size+len(line) > maxBytes {
		q.clean()
	}
	if q.size+len(line) > maxBytes {
		return tooMany
	}
	one.commands, one.size, one.used = append(one.commands, c), one.size+len(line), q.now()
	q.size += len(line)
	return taken
}

// take gives the changes out for COMMIT. Until done is called the transaction
// stays open, and takes no more. done(false) keeps it, for another COMMIT.
func (q *Queues) take(key string) (commands []cscp.Command, done func(over bool), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	one := q.find(key)
	if one == nil || one.running {
		q.lapsed.remove(key)
		return nil, nil, false
	}
	one.running = true
	return one.commands, func(over bool) {
		q.mu.Lock()
		defer q.mu.Unlock()
		one.running, one.used = false, q.now()
		if over && q.open[key] == one {
			q.remove(key)
		}
	}, true
}
