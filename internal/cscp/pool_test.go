package cscp

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pooling runs a test with a daemon, a pool and a clock of its own.
func pooling(t *testing.T, limits Limits, test func(t *testing.T, d *daemon, p *Pool)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon()
		p := NewPool(PoolConfig{Dial: d.dial, Limits: limits})
		test(t, d, p)
		p.Close()
		synctest.Wait()
		if s := p.Stats(); s.Open != 0 || s.Sessions != 0 || s.Waiting != 0 {
			t.Errorf("a closed pool still has something: %+v", s)
		}
		if len(p.users) != 0 {
			t.Errorf("a closed pool still counts for %v", p.users)
		}
		if _, open, _, _ := d.counts(); open != 0 {
			t.Errorf("%d connections are left open", open)
		}
	})
}

// asks asks who the session's connection belongs to.
func asks(t *testing.T, p *Pool, s Session) {
	t.Helper()
	reply, err := p.Do(t.Context(), s, Get{OID: 1})
	if err != nil {
		t.Errorf("GET as %s: %v", s.User, err)
		return
	}
	if values, err := reply.Values(); err != nil || values["user"] != s.User {
		t.Errorf("a command of %s ran as '%s' (%v)", s.User, values["user"], err)
	}
}

func lease(t *testing.T, p *Pool, s Session) *Lease {
	t.Helper()
	l, err := p.Lease(t.Context(), s)
	if err != nil {
		t.Fatalf("no lease: %v", err)
	}
	return l
}

func TestWhatAPoolDoesNotSay(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		for _, c := range []Command{Auth{"mary", "mary-pw 2"}, AuthKey{"mary", "abc"}, Get{}, Create{Class: "No\n104 OBJECT 77"}} {
			var bad *ParameterError
			if _, err := p.Do(t.Context(), s, c); !errors.As(err, &bad) {
				t.Errorf("%s: %v", c.Word(), err)
			}
		}
		if dialled, _, _, _ := d.counts(); dialled != 0 {
			t.Errorf("%d connections were opened for it", dialled)
		}
		l := lease(t, p, s)
		if _, err := l.Do(t.Context(), Auth{"mary", "mary-pw 2"}); err == nil {
			t.Error("a lease was made another user's")
		}
		l.Release()
		err := p.Pipeline(t.Context(), s, 1, func(int) Command { return AuthKey{"mary", "abc"} }, func(int, *Reply) error { return nil })
		if !errors.Is(err, errNotARead) {
			t.Errorf("AUTHKEY in a pipeline: %v", err)
		}
	})
}

func TestIdleConnectionsMakeRoomForOtherSessions(t *testing.T) {
	pooling(t, Limits{MaxConnections: 2}, func(t *testing.T, d *daemon, p *Pool) {
		for range 20 {
			asks(t, p, d.session("admin"))
			synctest.Wait()
			asks(t, p, d.session("mary"))
			synctest.Wait()
		}
		if _, err := p.LogIn(t.Context(), "admin", "secret-1"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if _, open, most, _ := d.counts(); open != 2 || most > 3 {
			t.Errorf("%d connections, %d at most", open, most)
		}
		if s := p.Stats(); s.Open != 2 || s.Sessions != 2 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

func TestWaitersAreServedInOrder(t *testing.T) {
	pooling(t, Limits{MaxPerSession: 1}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		first := lease(t, p, s)
		var order []int
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				l := lease(t, p, s)
				order = append(order, i)
				l.Release()
			})
			synctest.Wait()
		}
		asks(t, p, d.session("mary"))
		if s := p.Stats(); s.Waiting != 5 {
			t.Errorf("Stats = %+v", s)
		}
		first.Release()
		all.Wait()
		if !slices.Equal(order, []int{0, 1, 2, 3, 4}) {
			t.Errorf("served in the order %v", order)
		}
	})
}

func TestALogInWaitsForRoomInTurn(t *testing.T) {
	pooling(t, Limits{MaxConnections: 1}, func(t *testing.T, d *daemon, p *Pool) {
		first := lease(t, p, d.session("admin"))
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := p.LogIn(t.Context(), "mary", "mary-pw 2"); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		all.Go(func() { asks(t, p, d.session("admin")) })
		synctest.Wait()
		first.Release()
		all.Wait()
		if lines := d.received("AUTH"); len(lines) < 2 || !strings.HasPrefix(lines[len(lines)-1], "AUTHKEY") {
			t.Errorf("the log-in came first and was served last: %q", lines)
		}
	})
}

func TestNobodyWaitsLongerThanAllowed(t *testing.T) {
	pooling(t, Limits{MaxPerSession: 1}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		l := lease(t, p, s)
		start := time.Now()
		if _, err := p.Do(t.Context(), s, WhoAmI{}); !errors.Is(err, ErrBusy) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Do(ctx, s, WhoAmI{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a shorter deadline: %v", err)
		}
		l.Release()
		if s := p.Stats(); s.Busy != 1 || s.Waiting != 0 {
			t.Errorf("Stats = %+v", s)
		}
		asks(t, p, s)
		if _, err := p.Do(ctx, s, WhoAmI{}); !errors.Is(err, context.DeadlineExceeded) || p.Stats().Idle != 1 {
			t.Errorf("a deadline that is over costs the connection: %v", err)
		}
	})
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	pooling(t, Limits{Recheck: time.Hour}, func(t *testing.T, d *daemon, p *Pool) {
		admin, mary := d.session("admin"), d.session("mary")
		asks(t, p, admin)
		time.Sleep(20 * time.Second)
		asks(t, p, mary)
		time.Sleep(9 * time.Second)
		if s := p.Stats(); s.Idle != 2 {
			t.Errorf("too early: %+v", s)
		}
		time.Sleep(2 * time.Second)
		if s := p.Stats(); s.Idle != 1 || s.Sessions != 1 {
			t.Errorf("too late: %+v", s)
		}
		asks(t, p, mary)
		time.Sleep(29 * time.Second)
		if s := p.Stats(); s.Idle != 1 {
			t.Errorf("it was used: %+v", s)
		}
		time.Sleep(2 * time.Second)
		if s := p.Stats(); s.Open != 0 || s.Sessions != 0 {
			t.Errorf("a session without connections is remembered: %+v", s)
		}
		asks(t, p, mary)
		time.Sleep(time.Minute)
		if s := p.Stats(); s.Open != 0 {
			t.Errorf("closing idle connections has come to an end: %+v", s)
		}
	})
}

func TestAnOpenTransactionIsNotPooled(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		l := lease(t, p, s)
		for _, c := range []Command{Begin{}, Set{OID: 1}} {
			if _, err := l.Do(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		// A second BEGIN is refused and opens none; it does not end the first.
		d.answer = func(line string) string { return map[string]string{"BEGIN": "402 BAD COMMAND\n"}[line] }
		if _, err := l.Do(t.Context(), Begin{}); err != nil {
			t.Fatal(err)
		}
		l.Release()
		l.Release()
		if s := p.Stats(); s.Open != 0 {
			t.Errorf("Stats = %+v", s)
		}
		if _, err := l.Do(t.Context(), Commit{}); !errors.Is(err, ErrBroken) {
			t.Errorf("a released lease: %v", err)
		}
		d.answer = nil
		l = lease(t, p, s)
		for _, c := range []Command{Begin{}, Commit{}} {
			if _, err := l.Do(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		l.Release()
		if s := p.Stats(); s.Idle != 1 {
			t.Errorf("a connection after COMMIT is as good as before: %+v", s)
		}
	})
}

func TestLimitsChangeAtRunTime(t *testing.T) {
	pooling(t, Limits{MaxPerSession: 8}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		var leases []*Lease
		for range 8 {
			leases = append(leases, lease(t, p, s))
		}
		for _, l := range leases[:4] {
			l.Release()
		}
		p.SetLimits(Limits{MaxConnections: 6, MaxPerUser: 6, MaxPerSession: 6})
		if s := p.Stats(); s.Open != 6 {
			t.Errorf("Stats = %+v", s)
		}
		p.SetLimits(Limits{MaxPerSession: 2})
		if s := p.Stats(); s.Open != 4 {
			t.Errorf("Stats = %+v", s)
		}
		for _, l := range leases[4:] {
			l.Release()
		}
		if s := p.Stats(); s.Open != 2 {
			t.Errorf("Stats = %+v", s)
		}
		l := lease(t, p, s)
		m := lease(t, p, s)
		var all sync.WaitGroup
		all.Go(func() { asks(t, p, s) })
		synctest.Wait()
		p.SetLimits(Limits{MaxPerSession: 3, IdleTimeout: time.Second})
		all.Wait()
		l.Release()
		m.Release()
		time.Sleep(2 * time.Second)
		if s := p.Stats(); s.Open != 0 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

func TestAClosedPoolTakesNobody(t *testing.T) {
	pooling(t, Limits{MaxPerSession: 1}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		l := lease(t, p, s)
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := p.Do(t.Context(), s, WhoAmI{}); !errors.Is(err, ErrPoolClosed) {
				t.Errorf("a waiting command: %v", err)
			}
		})
		synctest.Wait()
		p.Close()
		all.Wait()
		if _, err := l.Do(t.Context(), Get{OID: 1}); err != nil {
			t.Errorf("what is in use goes on: %v", err)
		}
		l.Release()
		for _, err := range []error{p.Check(t.Context(), s), second(p.LogIn(t.Context(), "admin", "secret-1"))} {
			if !errors.Is(err, ErrPoolClosed) {
				t.Errorf("a closed pool: %v", err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestAPoolClosedWhileASessionIsProven(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		d.proofTime = time.Second
		s := d.session("admin")
		var all sync.WaitGroup
		all.Go(func() {
			if err := p.Check(t.Context(), s); !errors.Is(err, ErrPoolClosed) {
				t.Errorf("Check: %v", err)
			}
		})
		synctest.Wait()
		p.Close()
		all.Wait()
	})
}

func TestAStalledDaemonHoldsNobodyForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var peers []net.Conn
		p := NewPool(PoolConfig{Dial: func(context.Context) (net.Conn, error) {
			ours, theirs := net.Pipe()
			peers = append(peers, theirs)
			return ours, nil
		}})
		start := time.Now()
		_, err := p.Do(t.Context(), Session{"admin", "abc"}, WhoAmI{})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if s := p.Stats(); s.Open != 0 || len(peers) != 1 {
			t.Errorf("Stats = %+v", s)
		}
		p.Close()
	})
}
