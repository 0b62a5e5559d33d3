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

func TestALogInIsTheSessionsFirstConnection(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		s, err := p.LogIn(t.Context(), "admin", "secret-1")
		if err != nil || s.User != "admin" || len(s.ID) != SessionIDLength {
			t.Fatalf("LogIn = %v, %v", s.User, err)
		}
		asks(t, p, s)
		asks(t, p, s)
		if dialled, _, _, _ := d.counts(); dialled != 1 {
			t.Errorf("%d connections were opened, not 1", dialled)
		}
		if _, err := p.LogIn(t.Context(), "admin", "secret-1"); err != nil {
			t.Fatal(err)
		}
		if dialled, _, _, _ := d.counts(); dialled != 2 {
			t.Errorf("a log-in was tried on a used connection")
		}
	})
}

func TestARefusedLogInLeavesNoConnection(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		for _, user := range []string{"admin", "nobody", ""} {
			if _, err := p.LogIn(t.Context(), user, "wrong"); !errors.Is(err, ErrRefused) {
				t.Errorf("a log-in as '%s' with a wrong password: %v", user, err)
			}
		}
		var bad *ParameterError
		if _, err := p.LogIn(t.Context(), "admin", "a\x00b"); !errors.As(err, &bad) {
			t.Errorf("a password with a NUL: %v", err)
		}
		if s := p.Stats(); s.Open != 0 || s.Refused != 3 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

func TestALongUserNameCanLogInAndNoMore(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		s, err := p.LogIn(t.Context(), strings.Repeat("u", MaxUser+1), "long-1")
		if err != nil || s.ID == "" {
			t.Fatal(err)
		}
		if _, err := p.Do(t.Context(), s, WhoAmI{}); !errors.Is(err, ErrRefused) {
			t.Errorf("a command in a session that cced never accepts: %v", err)
		}
		if s := p.Stats(); s.Open != 0 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

func TestConnectionsAreNotSharedBySessions(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		admin, mary, again := d.session("admin"), d.session("mary"), d.session("admin")
		for range 3 {
			asks(t, p, admin)
			asks(t, p, mary)
			asks(t, p, again)
		}
		if s := p.Stats(); s.Open != 3 || s.Idle != 3 || s.Sessions != 3 || s.Dialled != 3 {
			t.Errorf("Stats = %+v", s)
		}
		stolen := Session{"mary", admin.ID}
		if _, err := p.Do(t.Context(), stolen, WhoAmI{}); !errors.Is(err, ErrRefused) {
			t.Errorf("mary with the session of admin: %v", err)
		}
		asks(t, p, admin)
	})
}

func TestImpossibleSessionsAreRefusedWithoutAsking(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		for _, s := range []Session{
			{},
			{"admin", ""},
			{"", "abc"},
			{"admin", "../sessions/abc"},
			{"admin", "a\nWHOAMI"},
			{"admin", Secret(strings.Repeat("a", 64))},
			{strings.Repeat("u", 32), "abc"},
			{"a\x00b", "abc"},
		} {
			if _, err := p.Do(t.Context(), s, WhoAmI{}); !errors.Is(err, ErrRefused) {
				t.Errorf("Do as '%s': %v", s.User, err)
			}
			if err := p.Check(t.Context(), s); !errors.Is(err, ErrRefused) {
				t.Errorf("Check as '%s': %v", s.User, err)
			}
		}
		if dialled, _, _, _ := d.counts(); dialled != 0 {
			t.Errorf("%d connections were opened", dialled)
		}
	})
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

func TestAColdBurstSendsOneAuthKeyAtATime(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		d.proofTime = 10 * time.Millisecond
		d.answer = func(line string) string {
			if strings.HasPrefix(line, "GET") {
				time.Sleep(time.Second)
			}
			return ""
		}
		s := d.session("admin")
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() { asks(t, p, s) })
		}
		all.Wait()
		if _, _, most, proofs := d.counts(); most != 4 || proofs != 1 {
			t.Errorf("%d connections and %d AUTHKEYs at once, not 4 and 1", most, proofs)
		}
		if n := len(d.received("AUTHKEY")); n != 4 {
			t.Errorf("%d AUTHKEYs for 4 connections", n)
		}
		// They have all to be proven again, which is done once for all.
		time.Sleep(29 * time.Second)
		for range 4 {
			all.Go(func() { asks(t, p, s) })
		}
		all.Wait()
		if n := len(d.received("AUTHKEY")); n != 5 {
			t.Errorf("%d AUTHKEYs after the session had to be proven again, not 5", n)
		}
	})
}

func TestABurstOnABadSessionAsksOnce(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		d.proofTime = 10 * time.Millisecond
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if _, err := p.Do(t.Context(), Session{"admin", "nosuch"}, WhoAmI{}); !errors.Is(err, ErrRefused) {
					t.Errorf("a command in no session: %v", err)
				}
			})
		}
		all.Wait()
		if n := len(d.received("AUTHKEY")); n != 1 {
			t.Errorf("%d AUTHKEYs, not 1", n)
		}
		if n := len(d.received("WHOAMI")); n != 0 {
			t.Errorf("%d commands ran without a session", n)
		}
	})
}

func TestIdleConnectionsMakeRoomForOtherSessions(t *testing.T) {
	pooling(t, Limits{MaxConnections: 2}, func(t *testing.T, d *daemon, p *Pool) {
		for range 20 {
			asks(t, p, d.session("admin"))
			asks(t, p, d.session("mary"))
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

func TestASessionEndedElsewhereDoesNotLiveOn(t *testing.T) {
	pooling(t, Limits{IdleTimeout: time.Hour}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		inUse := lease(t, p, s)
		asks(t, p, s)
		d.endSession(s)
		time.Sleep(31 * time.Second)
		if _, err := p.Do(t.Context(), s, Get{OID: 1}); !errors.Is(err, ErrRefused) {
			t.Errorf("a command after the end of the session: %v", err)
		}
		if s := p.Stats(); s.Idle != 0 || s.Open != 1 {
			t.Errorf("Stats = %+v", s)
		}
		inUse.Release()
		if s := p.Stats(); s.Open != 0 {
			t.Errorf("Stats = %+v", s)
		}
		if n := len(d.received("GET")); n != 1 {
			t.Errorf("%d commands ran, not 1", n)
		}
	})
}

func TestAuthKeyIsSentAgainNowAndThen(t *testing.T) {
	pooling(t, Limits{IdleTimeout: time.Hour}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		for range 61 {
			asks(t, p, s)
			time.Sleep(time.Second)
		}
		if n := len(d.received("AUTHKEY")); n != 3 {
			t.Errorf("%d AUTHKEYs in 61 s, not 3", n)
		}
		if err := p.Check(t.Context(), s); err != nil || len(d.received("AUTHKEY")) != 4 {
			t.Errorf("Check does not ask: %v", err)
		}
		if dialled, _, _, _ := d.counts(); dialled != 1 {
			t.Errorf("%d connections were opened, not 1", dialled)
		}
	})
}

func TestEndKeyClosesTheSessionsConnections(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *Pool, Session){
		"Do": func(t *testing.T, p *Pool, s Session) {
			if _, err := p.Do(t.Context(), s, EndKey{}); err != nil {
				t.Error(err)
			}
		},
		"Lease": func(t *testing.T, p *Pool, s Session) {
			l := lease(t, p, s)
			if _, err := l.Do(t.Context(), EndKey{}); err != nil {
				t.Error(err)
			}
			l.Release()
		},
		"Forget": func(_ *testing.T, p *Pool, s Session) { p.Forget(s) },
	} {
		t.Run(name, func(t *testing.T) {
			pooling(t, Limits{MaxPerSession: 3}, func(t *testing.T, d *daemon, p *Pool) {
				s := d.session("admin")
				inUse, idle := lease(t, p, s), lease(t, p, s)
				asks(t, p, s)
				idle.Release()
				end(t, p, s)
				synctest.Wait()
				if _, open, _, _ := d.counts(); open != 1 {
					t.Errorf("%d connections, not the one in use", open)
				}
				inUse.Release()
				synctest.Wait()
				if _, open, _, _ := d.counts(); open != 0 {
					t.Errorf("%d connections outlive their session", open)
				}
			})
		})
	}
}

func TestWhoWaitsForAForgottenSessionIsRefused(t *testing.T) {
	pooling(t, Limits{MaxPerSession: 1}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		l := lease(t, p, s)
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := p.Do(t.Context(), s, WhoAmI{}); !errors.Is(err, ErrRefused) {
				t.Errorf("a waiting command: %v", err)
			}
		})
		synctest.Wait()
		p.Forget(s)
		all.Wait()
		l.Release()
		// That the pool has forgotten it does not mean that cced has.
		asks(t, p, s)
	})
}

func TestASessionForgottenWhileItIsProven(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		d.proofTime = time.Second
		s := d.session("admin")
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := p.Do(t.Context(), s, WhoAmI{}); !errors.Is(err, ErrRefused) {
				t.Errorf("the command: %v", err)
			}
		})
		synctest.Wait()
		p.Forget(s)
		all.Wait()
		if n := len(d.received("WHOAMI")); n != 0 {
			t.Error("it ran in a session that has ended")
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
		p.SetLimits(Limits{MaxConnections: 6, MaxPerSession: 2})
		if s := p.Stats(); s.Open != 6 {
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

func TestRootsRightsAreDroppedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon()
		p := NewPool(PoolConfig{Dial: d.dial, Options: Options{DropRights: true}})
		asks(t, p, d.session("admin"))
		if _, err := p.LogIn(t.Context(), "admin", "secret-1"); err != nil {
			t.Error(err)
		}
		p.Close()
		synctest.Wait()
		if lines := d.received(""); len(lines) != 5 || lines[0] != `AUTH "" ""` || lines[3] != `AUTH "" ""` {
			t.Errorf("cced got %q", lines)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon()
		d.answer = func(line string) string { return map[string]string{`AUTH "" ""`: "401 FAIL\n"}[line] }
		p := NewPool(PoolConfig{Dial: d.dial, Options: Options{DropRights: true}})
		if _, err := p.Do(t.Context(), d.session("admin"), Get{OID: 1}); !errors.Is(err, ErrProtocol) {
			t.Errorf("rights that cannot be dropped: %v", err)
		}
		p.Close()
		synctest.Wait()
		if lines := d.received(""); len(lines) != 1 {
			t.Errorf("cced got %q", lines)
		}
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
