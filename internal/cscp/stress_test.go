package cscp

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestManyClientsGetTheirOwnAnswers has 32 clients send 2,000 commands in a few
// sessions while connections break: each answer belongs to its command and user,
// the bounds hold, and nothing is left in the end.
func TestManyClientsGetTheirOwnAnswers(t *testing.T) {
	const clients, commands = 32, 2000
	before := runtime.NumGoroutine()
	d := newDaemon()
	p := NewPool(PoolConfig{Dial: d.listen(t), Limits: Limits{MaxConnections: 6, MaxPerSession: 3, MaxPerUser: 3, Recheck: 20 * time.Millisecond, MaxWait: time.Minute}})
	sessions := []Session{d.session("admin"), d.session("mary"), d.session("admin"), d.session("mary")}
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(client)))
			for range commands / clients {
				ask(t, d, p, sessions[r.IntN(len(sessions))], r)
			}
		})
	}
	all.Wait()
	s := p.Stats()
	if s.Open != s.Idle || s.Open > 6 || s.Waiting != 0 || s.Sessions > s.Open {
		t.Errorf("Stats = %+v", s)
	}
	counted := 0
	for user, has := range p.users {
		counted += has.open
		if has.open != has.idle || has.open > p.limits.MaxPerUser {
			t.Errorf("%s has %+v, and may have %d", user, has, p.limits.MaxPerUser)
		}
	}
	if counted != s.Open {
		t.Errorf("%d connections are users', of %d", counted, s.Open)
	}
	p.Close()
	if s := p.Stats(); s.Open != 0 || s.Sessions != 0 {
		t.Errorf("Stats = %+v", s)
	}
	// The daemon's own, one for each connection and the listener's, end by
	// themselves.
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before+1; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// ask does one of the things that clients do.
func ask(t *testing.T, d *daemon, p *Pool, s Session, r *rand.Rand) {
	t.Helper()
	oid := OID(1 + r.IntN(1_000_000))
	mine := func(i int, reply *Reply) error {
		values, err := reply.Values()
		if values["user"] != s.User || values["OID"] != (oid+OID(i)).String() {
			t.Errorf("GET %s of %s was answered with %v (%v)", oid, s.User, values, err)
		}
		return nil
	}
	var err error
	switch r.IntN(20) {
	case 0:
		d.hangUp()
	case 1:
		p.SetLimits(Limits{MaxConnections: 4 + r.IntN(3), MaxPerSession: 1 + r.IntN(3), MaxPerUser: 1 + r.IntN(4), Recheck: 20 * time.Millisecond, MaxWait: time.Minute})
	case 2:
		p.Forget(s)
	case 3:
		_, err = p.LogIn(t.Context(), "mary", "mary-pw 2")
	case 4:
		_, err = p.Do(t.Context(), s, Set{OID: oid, Values: []Pair{{"n", strconv.Itoa(int(oid))}}})
	case 5, 6:
		err = p.Pipeline(t.Context(), s, 600, func(i int) Command { return Get{OID: oid + OID(i)} }, mine)
	case 7:
		err = transaction(t, p, s, oid)
	default:
		var reply *Reply
		if reply, err = p.Do(t.Context(), s, Get{OID: oid}); err == nil {
			err = mine(0, reply)
		}
	}
	if err != nil && !isLost(err) && !errors.Is(err, ErrRefused) {
		t.Errorf("%s: %v", s.User, err)
	}
}

func transaction(t *testing.T, p *Pool, s Session, oid OID) error {
	t.Helper()
	l, err := p.Lease(t.Context(), s)
	if err != nil {
		return err
	}
	defer l.Release()
	for _, c := range []Command{Begin{}, Set{OID: oid}, Commit{}}[:2+oid%2] {
		if _, err := l.Do(t.Context(), c); err != nil {
			return err
		}
	}
	return nil
}
