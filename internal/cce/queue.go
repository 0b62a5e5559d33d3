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
	maxTransactionBytes = 16 << 20
	maxTransactions     = 1_000
	// maxBytes is for all of them together.
	maxBytes = 128 << 20
	// ownShare is which part of all transactions and bytes those of one owner may
	// be, so that nobody keeps the others out.
	ownShare = 4
	// overhead is what a change takes in memory besides its line, which is there
	// as text and as values.
	overhead = 256
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
	// total is all of them, of what each owner has.
	total load
	of    map[string]*load
	// lapsed are the keys of transactions that have lain too long, until their
	// callers are told.
	lapsed *recent[string]
}

// load is a number of transactions, and their size in bytes.
type load struct{ transactions, size int }

// queue is an open transaction.
type queue struct {
	commands []cscp.Command
	owner    string
	size     int
	// spoilt says that a change was not taken: what is there is not what the
	// caller wants to be stored as a whole.
	spoilt bool
	used   time.Time
	// running says that COMMIT is at work on it.
	running bool
}

// NewQueues makes an empty set of queues. now tells the time.
func NewQueues(now func() time.Time) *Queues {
	return &Queues{now: now, open: map[string]*queue{}, of: map[string]*load{}, lapsed: newRecent[string](lapsedLife, maxLapsed)}
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
	one := q.open[key]
	if one == nil {
		return
	}
	q.grow(one, load{-1, -one.size})
	delete(q.open, key)
}

// grow counts what has come to a transaction, or gone.
func (q *Queues) grow(one *queue, by load) {
	own := q.of[one.owner]
	if own == nil {
		own = new(load)
		q.of[one.owner] = own
	}
	for _, l := range []*load{&q.total, own} {
		l.transactions += by.transactions
		l.size += by.size
	}
	if own.transactions == 0 {
		delete(q.of, one.owner)
	}
}

// fits reports whether there is room for more of an owner. What has lain too long
// makes room.
func (q *Queues) fits(owner string, more load) bool {
	if q.hasRoom(owner, more) {
		return true
	}
	for key := range q.open {
		q.find(key)
	}
	return q.hasRoom(owner, more)
}

func (q *Queues) hasRoom(owner string, more load) bool {
	var own load
	if l := q.of[owner]; l != nil {
		own = *l
	}
	return q.total.transactions+more.transactions <= maxTransactions && q.total.size+more.size <= maxBytes &&
		own.transactions+more.transactions <= maxTransactions/ownShare && own.size+more.size <= maxBytes/ownShare
}

// begin opens a transaction of an owner.
func (q *Queues) begin(key, owner string) outcome {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.find(key) != nil {
		return alreadyOpen
	}
	if !q.fits(owner, load{1, 0}) {
		// Whoever does not look at the answer must not have his changes carried out
		// at once.
		q.lapsed.add(key, q.now())
		return tooMany
	}
	q.lapsed.remove(key)
	one := &queue{owner: owner, used: q.now()}
	q.open[key] = one
	q.grow(one, load{1, 0})
	return taken
}

// add puts a change into the open transaction. One that is not taken spoils it.
func (q *Queues) add(key string, c cscp.Command) outcome {
	kept, size, err := compact(c)
	if err != nil {
		return tooLarge
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	one := q.find(key)
	if one == nil || one.running {
		return notOpen
	}
	if len(one.commands) >= maxTransaction || one.size+size > maxTransactionBytes {
		one.spoilt = true
		return tooLarge
	}
	if !q.fits(one.owner, load{0, size}) {
		one.spoilt = true
		return tooMany
	}
	one.commands, one.size, one.used = append(one.commands, kept), one.size+size, q.now()
	q.grow(one, load{0, size})
	return taken
}

// compact is a command that holds nothing but its own text: names and values may
// be parts of a much longer body.
func compact(c cscp.Command) (kept cscp.Command, size int, err error) {
	line, err := cscp.Append(nil, c)
	if err != nil {
		return nil, 0, err
	}
	kept, err = cscp.ParseLine(string(line[:len(line)-1]))
	return kept, 2*len(line) + overhead, err
}

// take gives the changes out for COMMIT. Until done is called the transaction
// stays open, and takes no more. done(false) keeps it, for another COMMIT. One that
// is spoilt must not be carried out.
func (q *Queues) take(key string) (commands []cscp.Command, spoilt bool, done func(over bool), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	one := q.find(key)
	if one == nil || one.running {
		q.lapsed.remove(key)
		return nil, false, nil, false
	}
	one.running = true
	return one.commands, one.spoilt, func(over bool) {
		q.mu.Lock()
		defer q.mu.Unlock()
		one.running, one.used = false, q.now()
		if over && q.open[key] == one {
			q.remove(key)
		}
	}, true
}
