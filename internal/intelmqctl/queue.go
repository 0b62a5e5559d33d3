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
	// lines has the tickets that wait, by caller; turns names these callers once,
	// the next one first.
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
	// wanted is how often each caller wants it who does, while it waits. It stands in
	// the line of each of them, and goes with the first turn. Once it has its slot,
	// was refused or was left, it is empty.
	wanted  map[string]int
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
	t := &ticket{wanted: map[string]int{}, ready: make(chan struct{})}
	if q.taken < q.slots {
		q.grant(t)
		return t, nil
	}
	if q.waiting >= q.bound || len(q.lines[caller]) >= max(1, q.bound/4) {
		return nil, q.busyFailure()
	}
	q.waiting++
	q.lineUp(t, caller)
	return t, nil
}

// join says that a ticket is wanted once more, until part is called. Nobody who
// joins is refused, since there is no ticket more than before.
func (q *queue) join(t *ticket, caller string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.waits() {
		q.lineUp(t, caller)
	}
}

// part is for one of those who want a ticket, by enter or join. The last one must
// call leave in place of it.
func (q *queue) part(t *ticket, caller string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !t.waits() {
		return
	}
	t.wanted[caller]--
	if t.wanted[caller] == 0 {
		q.stepOut(t, caller)
	}
}

// leave gives the slot back, or the place of one who waits.
func (q *queue) leave(t *ticket) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.since.IsZero() {
		q.takeOut(t)
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
		q.turns = append(q.turns[1:], caller)
		t := q.lines[caller][0]
		q.takeOut(t)
		q.grant(t)
	}
}

func (q *queue) grant(t *ticket) {
	q.taken++
	t.since = time.Now()
	close(t.ready)
}

// waits: it stands in a line.
func (t *ticket) waits() bool { return len(t.wanted) > 0 }

// lineUp has a ticket wait for one caller more, or once more for the same.
func (q *queue) lineUp(t *ticket, caller string) {
	t.wanted[caller]++
	if t.wanted[caller] > 1 {
		return
	}
	if len(q.lines[caller]) == 0 {
		q.turns = append(q.turns, caller)
	}
	q.lines[caller] = append(q.lines[caller], t)
}

// takeOut takes a ticket out of all lines, if it still waits.
func (q *queue) takeOut(t *ticket) {
	if !t.waits() {
		return
	}
	for caller := range t.wanted {
		q.stepOut(t, caller)
	}
	q.waiting--
}

// stepOut takes a ticket out of one line, and forgets a caller for whom nothing waits.
func (q *queue) stepOut(t *ticket, caller string) {
	delete(t.wanted, caller)
	line := q.lines[caller]
	i := slices.Index(line, t)
	if line = slices.Delete(line, i, i+1); len(line) > 0 {
		q.lines[caller] = line
		return
	}
	delete(q.lines, caller)
	q.turns = slices.DeleteFunc(q.turns, func(other string) bool { return other == caller })
}

// refuse sends all away who wait.
func (q *queue) refuse(f *Failure) {
	for _, line := range q.lines {
		for _, t := range line {
			// It may stand in more lines than one.
			if t.waits() {
				clear(t.wanted)
				t.failure = f
				close(t.ready)
			}
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
