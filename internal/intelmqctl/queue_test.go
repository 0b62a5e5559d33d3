package intelmqctl

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// enter wants a place in a queue.
func enter(t *testing.T, q *queue, caller string) *ticket {
	t.Helper()
	ticket, f := q.enter(caller)
	if f != nil {
		t.Fatalf("%s was refused: %v", caller, f)
	}
	return ticket
}

// isReady: it has a slot, or was refused.
func (t *ticket) isReady() bool {
	select {
	case <-t.ready:
		return true
	default:
		return false
	}
}

func TestCallersTakeTurns(t *testing.T) {
	q := newQueue(1, 64)
	holder := enter(t, q, "holder")
	names := map[*ticket]string{}
	for i := range 4 {
		names[enter(t, q, "greedy")] = fmt.Sprint("greedy ", i)
	}
	for i := range 2 {
		names[enter(t, q, "modest")] = fmt.Sprint("modest ", i)
	}
	names[enter(t, q, "late")] = "late 0"

	order := served(q, holder, names)
	want := []string{"greedy 0", "modest 0", "late 0", "greedy 1", "modest 1", "greedy 2", "greedy 3"}
	if !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
	wantEmpty(t, q)
}

// served has the holder of the only slot and all who follow give it back, and returns
// the names of these in the order in which they have it.
func served(q *queue, holder *ticket, names map[*ticket]string) (order []string) {
	for holder != nil {
		q.leave(holder)
		holder = nil
		for ticket, name := range names {
			if ticket.isReady() {
				order = append(order, name)
				holder = ticket
				delete(names, ticket)
			}
		}
	}
	return order
}

// wantEmpty checks that nothing is left in a queue.
func wantEmpty(t *testing.T, q *queue) {
	t.Helper()
	if waiting, taken, _ := q.count(); waiting != 0 || taken != 0 || len(q.lines) != 0 || len(q.turns) != 0 {
		t.Errorf("%d wait, %d are taken, lines %v, turns %v", waiting, taken, q.lines, q.turns)
	}
}

func TestWhoJoinsHasHisOwnTurn(t *testing.T) {
	const first, second, third = "first", "second", "third"
	tests := []struct {
		name string
		// then happens after the modest caller has joined the third of the greedy
		// one's tickets.
		then func(q *queue, third *ticket)
		want []string
	}{
		{"the first turn counts", func(*queue, *ticket) {}, []string{first, third, second}},
		{"so it does if he joins twice and goes once", func(q *queue, third *ticket) {
			q.join(third, "modest")
			q.part(third, "modest")
		}, []string{first, third, second}},
		{"his turn goes with him", func(q *queue, third *ticket) {
			q.part(third, "modest")
		}, []string{first, second, third}},
		{"and stays when who came first goes", func(q *queue, third *ticket) {
			q.part(third, "greedy")
		}, []string{first, third, second}},
		{"all turns go with the ticket", func(q *queue, third *ticket) {
			q.leave(third)
			q.part(third, "modest")
		}, []string{first, second}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := newQueue(1, 12)
			holder := enter(t, q, "holder")
			one, two, three := enter(t, q, "greedy"), enter(t, q, "greedy"), enter(t, q, "greedy")
			q.join(three, "modest")
			test.then(q, three)
			order := served(q, holder, map[*ticket]string{one: first, two: second, three: third})
			if !slices.Equal(order, test.want) {
				t.Errorf("got %v, want %v", order, test.want)
			}
			wantEmpty(t, q)
		})
	}
}

func TestWhoJoinsTakesNoPlaceOfTheQueue(t *testing.T) {
	q := newQueue(1, 4)
	holder := enter(t, q, "holder")
	waits := enter(t, q, "greedy")
	for _, ticket := range []*ticket{holder, waits} {
		q.join(ticket, "modest")
	}
	if waiting, taken, _ := q.count(); waiting != 1 || taken != 1 || len(q.lines["modest"]) != 1 {
		t.Errorf("%d wait and %d are taken, lines %v", waiting, taken, q.lines)
	}
	_, f := q.enter("modest")
	wantCause(t, f, Busy)
	q.close()
	<-waits.ready
	wantCause(t, waits.failure, Gone)
	q.part(waits, "modest")
	q.leave(waits)
	q.leave(holder)
	wantEmpty(t, q)
}

func TestAQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, 8)
		enter(t, q, "holder")
		for _, caller := range []string{"a", "b", "c", "d"} {
			enter(t, q, caller)
			if caller == "a" {
				enter(t, q, caller)
				_, f := q.enter(caller)
				wantCause(t, f, Busy)
				continue
			}
			enter(t, q, caller)
		}
		_, f := q.enter("somebody else")
		if f := wantCause(t, f, Busy); f.Wait != 9*time.Second {
			t.Errorf("nine calls of a second are before it, and it is told to wait %s", f.Wait)
		}
	})
}

func TestTheWaitIsLearntAndBounded(t *testing.T) {
	tests := []struct {
		name       string
		takes, min time.Duration
		max        time.Duration
	}{
		{"calls that take no time", 0, time.Second, time.Second},
		{"calls that take a while", 3 * time.Second, 5 * time.Second, 6 * time.Second},
		{"calls that take for ever", time.Hour, time.Minute, time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(1, 1)
				for range 20 {
					ticket := enter(t, q, "a")
					time.Sleep(test.takes)
					q.leave(ticket)
				}
				enter(t, q, "a")
				enter(t, q, "b")
				_, f := q.enter("c")
				if wait := wantCause(t, f, Busy).Wait; wait < test.min || wait > test.max {
					t.Errorf("it is told to wait %s", wait)
				}
			})
		})
	}
}

func TestWhoLeavesTheQueueGivesUpItsPlace(t *testing.T) {
	q := newQueue(1, 4)
	holder := enter(t, q, "holder")
	first, second := enter(t, q, "a"), enter(t, q, "b")
	q.leave(first)
	enter(t, q, "a")
	q.leave(holder)
	if !second.isReady() || first.isReady() {
		t.Error("the slot did not go to the first who waits")
	}
	q.leave(first)
	if waiting, taken, _ := q.count(); waiting != 1 || taken != 1 {
		t.Errorf("%d wait and %d are taken, want 1 and 1", waiting, taken)
	}
}

func TestAQueueGrowsAndShrinks(t *testing.T) {
	q := newQueue(1, 16)
	first, second, third := enter(t, q, "a"), enter(t, q, "b"), enter(t, q, "c")
	q.resize(3, 16)
	if !second.isReady() || !third.isReady() {
		t.Error("new slots are not handed out")
	}
	q.resize(1, 16)
	fourth := enter(t, q, "d")
	q.leave(first)
	q.leave(second)
	if fourth.isReady() {
		t.Error("a slot that is no more was handed out")
	}
	q.leave(third)
	if !fourth.isReady() {
		t.Error("the last slot is not handed out")
	}
}

func TestStuckSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(2, 16)
		one := enter(t, q, "a")
		since := time.Now().Format(time.RFC3339)
		time.Sleep(time.Second)
		two := enter(t, q, "a")
		waits := enter(t, q, "b")

		q.hold(two, "the second command")
		if waits.isReady() {
			t.Error("there is another slot, but who waits was sent away")
		}
		q.hold(one, "the first command")
		<-waits.ready
		_, f := q.enter("c")
		for _, f := range []Failure{wantCause(t, waits.failure, Stuck), wantCause(t, f, Stuck)} {
			if !strings.Contains(f.Message, "'the first command', since "+since) || f.Wait != stuckWait || f.Command != "the first command" {
				t.Errorf("the failure does not say what to wait for: %+v", f)
			}
		}
		if waiting, taken, stuck := q.count(); waiting != 0 || taken != 2 || len(stuck) != 2 {
			t.Errorf("%d wait, %d are taken, %v are stuck", waiting, taken, stuck)
		}
		q.leave(one)
		if !enter(t, q, "c").isReady() {
			t.Error("the slot that came back is not handed out")
		}
	})
}

func TestAClosedQueueRefuses(t *testing.T) {
	q := newQueue(1, 16)
	holder, waits := enter(t, q, "a"), enter(t, q, "b")
	q.close()
	<-waits.ready
	wantCause(t, waits.failure, Gone)
	_, f := q.enter("c")
	wantCause(t, f, Gone)
	q.leave(waits)
	q.leave(holder)
	if waiting, taken, _ := q.count(); waiting != 0 || taken != 0 {
		t.Errorf("%d wait and %d are taken", waiting, taken)
	}
}
