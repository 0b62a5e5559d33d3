package intelmqctl

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// queue hands out a few slots: to one caller in the order he came, and between
// callers in turn, so that who asks a lot waits for himself. It may be used by many
// goroutines at once.
type queue struct {
	mu sync.Mutex
	// slots is how many there are, bound how many tickets may wait.
	slots, bound int
	// taken is how many slots are handed out.
	taken, waiting int
	// lines has the tickets that wait, by caller; turns names these callers, the
	// next one first.
	lines map[string][]*ticket
	turns []string
	// stuck are the slots that will not come back for now.
	stuck map[*ticket]StuckCall
	// typical is how long a slot is needed, for those who are told to wait.
	typical time.Duration
	closed  bool
}

// ticket is the right to a slot. When ready is closed it has one, or failure says
// why it gets none.
type ticket struct {
	caller  string
	ready   chan struct{}
	failure *Failure
	// since is when it got its slot; until then it is zero.
	since time.Time
}

// StuckCall is a call that was told to end and still runs.
type StuckCall struct {
	// Line is what a person could type to run the same, without a message.
	Line string
	// Since is when it began.
	Since time.Time
}

// Waits that are told to clients: a guess for a full queue is kept within sensible
// bounds, and that a process has ended is worth looking at now and then.
const (
	minWait   = time.Second
	maxWait   = time.Minute
	stuckWait = 30 * time.Second
)

func newQueue(slots, bound int) *queue {
	return &queue{
		slots: slots, bound: bound,
		lines: map[string][]*ticket{}, stuck: map[*ticket]StuckCall{},
		typical: time.Second,
	}
}

// resize changes how many slots there are. What is taken or waits stays.
func (q *queue) resize(slots, bound int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.slots, q.bound = slots, bound
	q.serve()
}

// enter returns a ticket, which must be brought to an end by leave, or the failure
// Busy, Stuck or Gone.
func (q *queue) enter(caller string) (*ticket, *Failure) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, endsFailure()
	}
	if f := q.stuckFailure(); f != nil {
		return nil, f
	}
	t := &ticket{caller: caller, ready: make(chan struct{})}
	if q.taken < q.slots {
		q.grant(t)
		return t, nil
	}
	line := q.lines[caller]
	if q.waiting >= q.bound || len(line) >= max(1, q.bound/4) {
		return nil, q.busyFailure()
	}
	if len(line) == 0 {
		q.turns = append(q.turns, caller)
	}
	q.lines[caller] = append(line, t)
	q.waiting++
	return t, nil
}

// leave gives the slot back, or the place of one who waits.
func (q *queue) leave(t *ticket) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.since.IsZero() {
		q.stepOut(t)
		return
	}
	q.typical = (3*q.typical + time.Since(t.since)) / 4
	q.taken--
	delete(q.stuck, t)
	q.serve()
}

// hold says that the slot of a ticket will not come back for now, and what for.
// Once that is so for all slots nobody waits any longer.
func (q *queue) hold(t *ticket, line string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stuck[t] = StuckCall{Line: line, Since: t.since}
	if f := q.stuckFailure(); f != nil {
		q.refuse(f)
	}
}

// close refuses those who wait and who come.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.refuse(endsFailure())
}

// count is how many tickets wait and have a slot, and which slots are stuck.
func (q *queue) count() (waiting, taken int, stuck []StuckCall) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.stuck {
		stuck = append(stuck, s)
	}
	return q.waiting, q.taken, stuck
}

// serve hands free slots to those who wait.
func (q *queue) serve() {
	for q.taken < q.slots && q.waiting > 0 {
		caller := q.turns[0]
		q.turns = q.turns[1:]
		t := q.lines[caller][0]
		q.setLine(caller, q.lines[caller][1:])
		if len(q.lines[caller]) > 0 {
			q.turns = append(q.turns, caller)
		}
		q.waiting--
		q.grant(t)
	}
}

func (q *queue) grant(t *ticket) {
	q.taken++
	t.since = time.Now()
	close(t.ready)
}

// stepOut takes a ticket out of its line, where it is not if it was refused.
func (q *queue) stepOut(t *ticket) {
	i := slices.Index(q.lines[t.caller], t)
	if i < 0 {
		return
	}
	q.setLine(t.caller, slices.Delete(q.lines[t.caller], i, i+1))
	if len(q.lines[t.caller]) == 0 {
		q.turns = slices.DeleteFunc(q.turns, func(caller string) bool { return caller == t.caller })
	}
	q.waiting--
}

// setLine forgets a caller for whom nothing waits.
func (q *queue) setLine(caller string, line []*ticket) {
	if len(line) == 0 {
		delete(q.lines, caller)
		return
	}
	q.lines[caller] = line
}

// refuse sends all away who wait.
func (q *queue) refuse(f *Failure) {
	for _, line := range q.lines {
		for _, t := range line {
			t.failure = f
			close(t.ready)
		}
	}
	clear(q.lines)
	q.turns, q.waiting = nil, 0
}

func (q *queue) busyFailure() *Failure {
	wait := q.typical * time.Duration(q.waiting/max(1, q.slots)+1)
	return &Failure{
		Cause:   Busy,
		Message: fmt.Sprintf("%d calls of intelmqctl wait already; try again later", q.waiting),
		Wait:    min(max(wait, minWait), maxWait),
	}
}

// stuckFailure is nil while there is a slot that may come back.
func (q *queue) stuckFailure() *Failure {
	if len(q.stuck) == 0 || len(q.stuck) < q.slots {
		return nil
	}
	var oldest StuckCall
	for _, s := range q.stuck {
		if oldest.Since.IsZero() || s.Since.Before(oldest.Since) {
			oldest = s
		}
	}
	return &Failure{
		Cause: Stuck,
		Message: fmt.Sprintf("a call was told to end and still runs, so that no other one can: '%s', since %s",
			oldest.Line, oldest.Since.Format(time.RFC3339)),
		Command: oldest.Line,
		Tip:     "Find the process on the server and end it; what waits for it then goes on by itself.",
		Wait:    stuckWait,
	}
}
