package identity

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

const day = 24 * time.Hour

// setClock sets the time of day, and the server looks.
func (w *world) setClock(by time.Duration) {
	w.t.Helper()
	w.clock.set(by)
	w.must(nil, w.mirror.tend(w.t.Context()))
}

// tidyUp lets time pass, and is what upkeep does every minute.
func (w *world) tidyUp(d time.Duration) {
	w.t.Helper()
	w.clock.add(d)
	w.must(nil, w.mirror.tend(w.t.Context()))
	w.mirror.writeUses(w.t.Context())
	w.must(nil, w.mirror.mendUses(w.t.Context()))
	w.must(nil, w.mirror.sweep(w.t.Context(), keptFailures))
	w.must(nil, w.mirror.tend(w.t.Context()))
}

func TestTheClockGuardTellsAClockThatWasSetFromTimeThatPasses(t *testing.T) {
	began := newClock().t
	for name, test := range map[string]struct {
		passed, shown time.Duration
		want          time.Duration
	}{
		"time passes":                 {time.Hour, time.Hour, 0},
		"a clock that is a bit fast":  {time.Hour, time.Hour + clockSlack, 0},
		"set ahead by a day":          {time.Second, time.Second + day, day},
		"set back by a day":           {time.Second, time.Second - day, -day},
		"set ahead during a long nap": {5 * time.Minute, 5*time.Minute + time.Hour, time.Hour},
	} {
		var g clockGuard
		if jump := g.look(began, 0); jump != 0 {
			t.Errorf("%s: the first look finds a jump of %s", name, jump)
		}
		if jump := g.look(began.Add(test.shown), test.passed); jump != test.want {
			t.Errorf("%s: %s, want %s", name, jump, test.want)
		}
		if jump := g.look(began.Add(test.shown), test.passed); jump != 0 {
			t.Errorf("%s: it is found twice", name)
		}
		if g.trusted(test.passed) != (test.want == 0) {
			t.Errorf("%s: trusted is %t", name, g.trusted(test.passed))
		}
		if !g.trusted(test.passed + distrustFor) {
			t.Errorf("%s: it is never trusted again", name)
		}
	}
}

func TestWhatWasAcknowledgedOutlivesAClockThatIsWrongForAWhile(t *testing.T) {
	for name, wrong := range map[string]time.Duration{"ahead": day, "back": -day} {
		w := newWorld(t)
		w.must(nil, w.mirror.tend(t.Context()))
		w.setPassword("alice", right)
		key := w.issue("ci")
		_, words := w.logIn(alice(right), hour(credential.AppToken), NewToken{credential.SessionToken, principal.Lifetime{Absolute: time.Hour}})
		w.setClock(wrong)
		if got := w.check(key); got != Accepted {
			t.Errorf("%s: a key that ends never: %s", name, got)
		}
		// Longer than upkeep waits, and shorter than it takes to find out.
		for range 5 {
			w.tidyUp(10 * time.Second)
			w.check(key)
		}
		w.setClock(-wrong)
		w.tidyUp(0)
		if got := w.check(key); got != Accepted {
			t.Errorf("%s: the key, when the clock is right again: %s", name, got)
		}
		w.expectToken(words[0], Accepted)
		if got := w.checkToken(credential.SessionToken, words[1]); got != Accepted {
			t.Errorf("%s: the session: %s", name, got)
		}
		w.expectPassword(alice(right), Accepted, 1)
		text := w.log.String()
		if strings.Count(text, "the clock was set ahead;") != 1 || strings.Count(text, "the clock was set back;") != 1 || !strings.Contains(text, "by=24h0m0s") {
			t.Errorf("%s: the log says %s", name, text)
		}
	}
}

func TestWhatHasEndedIsRemovedAnHourAfterTheClockWasSet(t *testing.T) {
	w := newWorld(t)
	w.must(nil, w.mirror.tend(t.Context()))
	w.setPassword("alice", right)
	w.logIn(alice(right), hour(credential.AppToken))
	w.setClock(day)
	for _, step := range []struct {
		later    time.Duration
		sessions int64
	}{{0, 1}, {distrustFor - time.Second, 1}, {time.Second, 0}} {
		w.tidyUp(step.later)
		info, err := w.Info(t.Context())
		if err != nil || info.Sessions != step.sessions {
			t.Errorf("after another %s there are %d sessions, want %d, %v", step.later, info.Sessions, step.sessions, err)
		}
	}
}

// A use at a time that has not come yet would hide for a day that a token lies
// unused.
func TestATokenThatWasUsedUnderAWrongClockStillBecomesIdle(t *testing.T) {
	unused := NewToken{credential.AppToken, principal.Lifetime{Idle: 2 * day}}
	for name, restart := range map[string]bool{"the server goes on": false, "the server is restarted": true} {
		w := newWorld(t)
		w.must(nil, w.mirror.tend(t.Context()))
		w.setPassword("alice", right)
		_, words := w.logIn(alice(right), unused)
		w.setClock(day)
		w.expectToken(words[0], Accepted)
		w.tidyUp(time.Minute)
		if restart {
			w.clock.set(-day)
			w.restart()
		} else {
			w.setClock(-day)
		}
		w.tidyUp(distrustFor)
		list := w.sessions("alice")
		if len(list) != 1 || list[0].Tokens[0].LastUsed.After(w.clock.now()) {
			t.Fatalf("%s: in the store it was used at %s, and it is %s", name, list[0].Tokens[0].LastUsed, w.clock.now())
		}
		w.later(2*day - distrustFor + time.Second)
		w.expectToken(words[0], Idle)
	}
}

func TestAUseAfterTheClockWasSetBackIsWritten(t *testing.T) {
	w := newWorld(t)
	w.must(nil, w.mirror.tend(t.Context()))
	key := w.issue("ci")
	w.setClock(day)
	w.check(key)
	w.tidyUp(time.Minute)
	w.setClock(-day)
	w.check(key)
	w.tidyUp(time.Second)
	k, err := w.Key(t.Context(), store.KeyRef{UserFold: "alice", Name: "ci"})
	if err != nil || k.LastUsed.After(w.clock.now()) || k.LastUsed.Before(w.clock.now().Add(-time.Minute)) {
		t.Errorf("last used at %s, and it is %s, %v", k.LastUsed, w.clock.now(), err)
	}
}

func TestALockIsOverWhenTheClockWasSetBack(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.setClock(day)
	w.fail(DefaultFailures, alice(""))
	if b := braked(t, w.try(alice(right))); !b.Locked {
		t.Fatal("it is not locked")
	}
	w.setClock(-day)
	if err := w.try(alice(right)); err != nil {
		t.Errorf("a lock of a time that has not come yet: %v", err)
	}
}
