package cscp

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slowChanges makes the daemon's handlers take a time for each change.
func slowChanges(d *daemon, took time.Duration) {
	d.answer = func(line string) string {
		if strings.HasPrefix(line, "SET") {
			time.Sleep(took)
		}
		return ""
	}
}

func TestAUserOfManySessionsLeavesConnectionsToOthers(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		slowChanges(d, time.Minute)
		var all sync.WaitGroup
		for range 16 {
			s := d.session("mary")
			for range 4 {
				all.Go(func() {
					if _, err := p.Do(t.Context(), s, Set{OID: 1}); err != nil && !errors.Is(err, ErrBusy) {
						t.Error(err)
					}
				})
			}
		}
		synctest.Wait()
		if s := p.Stats(); s.Open != 32 || s.Waiting != 32 {
			t.Errorf("Stats = %+v", s)
		}
		start, admin := time.Now(), d.session("admin")
		asks(t, p, admin)
		if _, err := p.LogIn(t.Context(), "admin", "secret-1"); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("others waited %v", took)
		}
		all.Wait()
		if s := p.Stats(); s.Busy != 32 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

func TestWhoWaitsForHisOwnConnectionsHoldsNobodyUp(t *testing.T) {
	pooling(t, Limits{MaxConnections: 3, MaxPerUser: 2}, func(t *testing.T, d *daemon, p *Pool) {
		mary, again, admin := d.session("mary"), d.session("mary"), d.session("admin")
		first, second, others := lease(t, p, mary), lease(t, p, again), lease(t, p, admin)
		var order []string
		var all sync.WaitGroup
		for _, s := range []Session{d.session("mary"), d.session("admin"), mary} {
			all.Go(func() {
				l := lease(t, p, s)
				order = append(order, s.User)
				l.Release()
			})
			synctest.Wait()
		}
		others.Release()
		synctest.Wait()
		if got := strings.Join(order, " "); got != "admin" {
			t.Errorf("after a connection of another user: %s", got)
		}
		second.Release()
		all.Wait()
		if got := strings.Join(order, " "); got != "admin mary mary" {
			t.Errorf("after one of his own: %s", got)
		}
		first.Release()
	})
}

func TestAClosedConnectionOfAUserLetsHisNextGoOn(t *testing.T) {
	pooling(t, Limits{MaxPerUser: 1}, func(t *testing.T, d *daemon, p *Pool) {
		for name, end := range map[string]func(*Lease, Session){
			"an open transaction": func(l *Lease, _ Session) {
				if _, err := l.Do(t.Context(), Begin{}); err != nil {
					t.Error(err)
				}
			},
			"a session that has ended":  func(_ *Lease, s Session) { p.Forget(s) },
			"a daemon that has hung up": func(*Lease, Session) { d.hangUp(); synctest.Wait() },
		} {
			s := d.session("mary")
			l := lease(t, p, s)
			var all sync.WaitGroup
			all.Go(func() { asks(t, p, d.session("mary")) })
			synctest.Wait()
			start := time.Now()
			end(l, s)
			l.Release()
			all.Wait()
			if took := time.Since(start); took != 0 {
				t.Errorf("%s: the next waited %v", name, took)
			}
		}
		refused := Session{"mary", "nosuch"}
		d.proofTime = time.Second
		var all sync.WaitGroup
		all.Go(func() {
			if err := p.Check(t.Context(), refused); !errors.Is(err, ErrRefused) {
				t.Errorf("a session that cced does not know: %v", err)
			}
		})
		synctest.Wait()
		start := time.Now()
		asks(t, p, d.session("mary"))
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("behind a refused session it took %v, not the time of two proofs", took)
		}
		all.Wait()
	})
}

func TestIdleConnectionsOfAUserMakeRoomForHisOtherSessions(t *testing.T) {
	pooling(t, Limits{MaxPerUser: 2}, func(t *testing.T, d *daemon, p *Pool) {
		admin := d.session("admin")
		asks(t, p, admin)
		synctest.Wait()
		for range 10 {
			asks(t, p, d.session("mary"))
			synctest.Wait()
		}
		if s := p.Stats(); s.Open != 3 || s.Sessions != 3 {
			t.Errorf("Stats = %+v", s)
		}
		s, err := p.LogIn(t.Context(), "mary", "mary-pw 2")
		if err != nil {
			t.Fatal(err)
		}
		if s := p.Stats(); s.Open != 3 || s.Dialled != 12 {
			t.Errorf("after a log-in: %+v", s)
		}
		asks(t, p, s)
		asks(t, p, admin)
		if s := p.Stats(); s.Dialled != 12 {
			t.Errorf("the connection of the log-in, or another user's, was closed: %+v", s)
		}
	})
}

func TestALogInOfAUserWithoutRoomIsNotKept(t *testing.T) {
	pooling(t, Limits{MaxPerUser: 1}, func(t *testing.T, d *daemon, p *Pool) {
		l := lease(t, p, d.session("mary"))
		s, err := p.LogIn(t.Context(), "mary", "mary-pw 2")
		if err != nil || p.Stats().Open != 1 {
			t.Errorf("%v, %+v", err, p.Stats())
		}
		l.Release()
		asks(t, p, s)
	})
}

func TestTheLimitOfAUserChangesAtRunTime(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		var leases []*Lease
		for range 6 {
			leases = append(leases, lease(t, p, d.session("mary")))
		}
		asks(t, p, d.session("admin"))
		for _, l := range leases[:3] {
			l.Release()
		}
		p.SetLimits(Limits{MaxPerUser: 4})
		if s := p.Stats(); s.Open != 5 || s.Idle != 2 {
			t.Errorf("4 of mary and one of admin should be left: %+v", s)
		}
		p.SetLimits(Limits{MaxPerUser: 2})
		var all sync.WaitGroup
		all.Go(func() { asks(t, p, d.session("mary")) })
		synctest.Wait()
		leases[3].Release()
		synctest.Wait()
		if s := p.Stats(); s.Open != 3 || s.Idle != 1 || s.Waiting != 1 {
			t.Errorf("2 of mary should be in use, and one should be waited for: %+v", s)
		}
		p.SetLimits(Limits{MaxPerUser: 3})
		all.Wait()
		for _, l := range leases[4:] {
			l.Release()
		}
		if s := p.Stats(); s.Open != 4 || s.Idle != 4 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

func TestTheDefaultLimitOfAUser(t *testing.T) {
	for connections, want := range map[int]int{0: 32, 1: 1, 2: 1, 7: 3, 1000: 500} {
		if got := (Limits{MaxConnections: connections}).withDefaults().MaxPerUser; got != want {
			t.Errorf("of %d connections a user may have %d, not %d", connections, got, want)
		}
	}
}
