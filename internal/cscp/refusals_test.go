package cscp

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// refuses asks for a session that cced does not accept.
func refuses(t *testing.T, p *Pool, s Session) {
	t.Helper()
	if _, err := p.Do(t.Context(), s, WhoAmI{}); !errors.Is(err, ErrRefused) {
		t.Errorf("a command of %s in no session: %v", s.User, err)
	}
}

func TestARefusedSessionIsNotAskedForAgainAtOnce(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		stolen := Session{"mary", s.ID}
		for range 10 {
			refuses(t, p, stolen)
			if err := p.Check(t.Context(), stolen); !errors.Is(err, ErrRefused) {
				t.Errorf("Check: %v", err)
			}
		}
		if n := len(d.received("AUTHKEY")); n != 1 || p.Stats().Refused != 20 {
			t.Errorf("%d AUTHKEYs, not 1; %+v", n, p.Stats())
		}
		asks(t, p, s)
		time.Sleep(2999 * time.Millisecond)
		refuses(t, p, stolen)
		if n := len(d.received("AUTHKEY")); n != 2 {
			t.Errorf("%d AUTHKEYs before three seconds are over, not 2", n)
		}
		time.Sleep(time.Millisecond)
		refuses(t, p, stolen)
		if n := len(d.received("AUTHKEY")); n != 3 {
			t.Errorf("%d AUTHKEYs after three seconds, not 3", n)
		}
	})
}

func TestASessionThatHasEndedElsewhereIsNotAskedForAgainAtOnce(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		asks(t, p, s)
		d.endSession(s)
		time.Sleep(29 * time.Second)
		asks(t, p, s)
		time.Sleep(time.Second)
		for range 10 {
			refuses(t, p, s)
		}
		if n := len(d.received("AUTHKEY")); n != 2 {
			t.Errorf("%d AUTHKEYs, not 2", n)
		}
	})
}

func TestOnlyWhatCcedHasRefusedIsRemembered(t *testing.T) {
	for name, answer := range map[string]string{
		"cced hangs up":         "201",
		"cced says 402":         "402 BAD COMMAND\n",
		"cced is shutting down": "998 SHUTTING DOWN",
		"this is not CSCP":      "hello\n",
	} {
		t.Run(name, func(t *testing.T) {
			pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
				s := d.session("admin")
				d.answer = func(line string) string {
					if !strings.HasPrefix(line, "AUTHKEY") {
						return ""
					}
					return answer
				}
				if err := p.Check(t.Context(), s); err == nil || errors.Is(err, ErrRefused) {
					t.Errorf("Check: %v", err)
				}
				synctest.Wait()
				d.answer = nil
				asks(t, p, s)
				p.Forget(s)
				asks(t, p, s)
				refuses(t, p, Session{"admin", "../sessions/abc"})
				if n := p.refused.order.Len(); n != 0 {
					t.Errorf("%d sessions are remembered", n)
				}
			})
		})
	}
}

func TestTheOldestRefusalIsForgottenFirst(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		for i := range maxRefusals + 1 {
			refuses(t, p, Session{"admin", Secret(fmt.Sprint("nosuch", i))})
		}
		if n, m := p.refused.order.Len(), len(p.refused.places); n != maxRefusals || m != maxRefusals {
			t.Errorf("%d and %d refusals are remembered, not %d", n, m, maxRefusals)
		}
		refuses(t, p, Session{"admin", "nosuch1"})
		if n := len(d.received("AUTHKEY")); n != maxRefusals+1 {
			t.Errorf("the second was forgotten: %d AUTHKEYs", n)
		}
		refuses(t, p, Session{"admin", "nosuch0"})
		if n := len(d.received("AUTHKEY")); n != maxRefusals+2 {
			t.Errorf("the first was not forgotten: %d AUTHKEYs", n)
		}
	})
}

func TestALogInMakesARefusedSessionGood(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		next := Session{"admin", Secret(fmt.Sprintf("%0*d", SessionIDLength, 1))}
		refuses(t, p, next)
		if s, err := p.LogIn(t.Context(), "admin", "secret-1"); err != nil || string(s.ID) != string(next.ID) {
			t.Fatalf("LogIn is not of the session that was refused: %v", err)
		}
		asks(t, p, next)
	})
}

func TestARefusalCountsForThoseWhoCameSinceTheSessionWasForgotten(t *testing.T) {
	pooling(t, Limits{}, func(t *testing.T, d *daemon, p *Pool) {
		s := d.session("admin")
		d.answer = func(line string) string {
			if !strings.HasPrefix(line, "AUTHKEY") {
				return ""
			}
			if len(d.received("AUTHKEY")) == 1 {
				time.Sleep(time.Second)
				return "401 FAIL\n"
			}
			time.Sleep(2 * time.Second)
			return "201 OK\n"
		}
		var all sync.WaitGroup
		all.Go(func() { refuses(t, p, s) })
		synctest.Wait()
		p.Forget(s)
		all.Go(func() { refuses(t, p, s) })
		synctest.Wait()
		all.Wait()
		if n := len(d.received("WHOAMI")); n != 0 {
			t.Error("a command ran in a session that cced has refused")
		}
	})
}
