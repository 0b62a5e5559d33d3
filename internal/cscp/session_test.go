package cscp

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

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
