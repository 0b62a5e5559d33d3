package identity

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

func (w *world) retire(force bool) Retired {
	w.t.Helper()
	done, err := w.RetirePeppers(w.t.Context(), "test", force)
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

func TestAPepperThatIsNeededIsNotRetired(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	key := w.issue("ci")
	_, tokens := w.logIn(alice(right), hour(credential.AppToken))
	first := w.needed()[0]
	w.rotatePepper()
	_, err := w.RetirePeppers(t.Context(), "test", false)
	if e, ok := errors.AsType[*OldPepperError](err); !ok || e.Keys != 1 || e.Tokens != 1 {
		t.Errorf("%v", err)
	}
	w.expectPeppers(2, 2)
	// What was used is moved before it is asked for.
	w.expectToken(tokens[0], Accepted)
	if got := w.check(key); got != Accepted {
		t.Fatal(got)
	}
	if done := w.retire(false); !slices.Equal(done.Peppers, []string{first}) || done.Keys+done.Sessions != 0 {
		t.Errorf("%+v", done)
	}
	w.expectPeppers(1, 1)
	w.restart()
	w.expectToken(tokens[0], Accepted)
	if got := w.check(key); got != Accepted {
		t.Errorf("the key: %s", got)
	}
	if done := w.retire(false); len(done.Peppers) != 0 {
		t.Errorf("there is one more: %+v", done)
	}
	if got := w.events("pepper.retire"); len(got) != 1 {
		t.Errorf("events %+v", got)
	}
}

func TestWhatHasEndedNeedsNoPepper(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	w.issue("revoked")
	w.must(w.RevokeKey(t.Context(), "test", ref("revoked"), ""))
	k, err := w.Keys(t.Context(), store.KeyFilter{Revoked: true, Limit: 1})
	w.must(nil, err)
	expired := w.issue("expired", func(n *NewKey) { n.Expires = w.clock.now().Add(time.Minute) })
	before := w.issue("rotated")
	w.logIn(alice(right), hour(credential.AppToken))
	w.rotatePepper()
	_, secret, err := w.RotateKey(t.Context(), "test", ref("rotated"), time.Minute)
	w.must(nil, err)
	w.later(365 * day)
	// What has expired may not have by the right clock.
	w.expectOld(1, 0)
	if _, err := w.RetirePeppers(t.Context(), "test", false); err == nil || !strings.Contains(err.Error(), "keys that have expired count") {
		t.Errorf("%v", err)
	}
	w.must(w.RevokeKey(t.Context(), "test", ref("expired"), ""))
	w.expectOld(0, 0)
	w.retire(false)
	w.restart()
	for name, test := range map[string]struct {
		word string
		want Reason
	}{
		"rotated":                   {secret.Reveal(), Accepted},
		"the secret before":         {before, WrongSecret},
		"expired, of an old pepper": {expired, WrongSecret},
	} {
		if got := w.check(test.word); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	// It stays in the list.
	if again, err := w.Key(t.Context(), store.KeyRef{ID: k[0].ID}); err != nil || again.Revoked.IsZero() {
		t.Errorf("the revoked key: %+v, %v", again, err)
	}
	if got := w.sessions("alice"); len(got) != 0 {
		t.Errorf("sessions %+v", got)
	}
}

func TestByAClockThatMayBeWrongNothingIsRetired(t *testing.T) {
	withOldPepper := func(t *testing.T) (w *world, word string) {
		w = newWorld(t)
		word = w.issue("ci", func(n *NewKey) { n.Expires = w.clock.now().Add(10 * day) })
		w.setClock(0)
		w.rotatePepper()
		return w, word
	}
	refused := func(w *world, want string) {
		w.t.Helper()
		_, err := w.RetirePeppers(w.t.Context(), "test", false)
		if _, is := errors.AsType[*InvalidError](err); !is || !strings.Contains(err.Error(), want) {
			w.t.Errorf("%v", err)
		}
		w.expectPeppers(2, 2)
	}
	t.Run("the server has seen it being set", func(t *testing.T) {
		w, word := withOldPepper(t)
		w.setClock(365 * day)
		refused(w, "the clock was set a short while ago")
		w.setClock(-365 * day)
		if got := w.check(word); got != Accepted {
			t.Errorf("by the right clock the key is %s", got)
		}
		w.moveAll()
		w.later(distrustFor)
		w.retire(false)
		w.expectPeppers(1, 1)
	})
	t.Run("it is behind the audit trail", func(t *testing.T) {
		w, _ := withOldPepper(t)
		w.clock.set(-day)
		refused(w, "the audit trail has an event of 2")
		w.retire(true)
		w.expectPeppers(1, 1)
	})
	t.Run("nobody has seen it", func(t *testing.T) {
		w, word := withOldPepper(t)
		w.clock.set(2000 * day)
		w.restart()
		// An event of the wrong time is no proof that it is the right one.
		w.issue("later")
		for name, begin := range map[string]func(){"a server": w.restart, "a command": w.open} {
			begin()
			_, err := w.RetirePeppers(t.Context(), "test", false)
			if e, ok := errors.AsType[*OldPepperError](err); !ok || e.Keys != 1 {
				t.Errorf("%s says %v", name, err)
			}
		}
		w.expectPeppers(2, 2)
		w.clock.set(-2000 * day)
		w.restart()
		if got := w.check(word); got != Accepted {
			t.Errorf("by the right clock the key is %s", got)
		}
	})
}

func TestWhatNeedsAnOldPepperIsRefusedByForce(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	lost, kept := w.issue("lost"), w.issue("kept")
	_, ofLost := w.logInByKey(lost, hour(credential.AppToken))
	_, tokens := w.logIn(alice(right), hour(credential.AppToken))
	w.rotatePepper()
	_, secret, err := w.RotateKey(t.Context(), "test", ref("kept"), time.Hour)
	w.must(nil, err)
	_, ofNow := w.logIn(alice(right), hour(credential.AppToken))
	done := w.retire(true)
	if len(done.Peppers) != 1 || done.Keys != 2 || done.Sessions != 1 {
		t.Errorf("%+v", done)
	}
	w.expectPeppers(1, 1)
	w.expectToken(ofLost[0], UnknownToken)
	w.expectToken(tokens[0], UnknownToken)
	w.expectToken(ofNow[0], Accepted)
	expect := func(word string, want Reason) {
		t.Helper()
		if got := w.check(word); got != want {
			t.Errorf("a key: %s, want %s", got, want)
		}
	}
	expect(lost, Revoked)
	expect(kept, WrongSecret)
	expect(secret.Reveal(), Accepted)
	w.restart()
	expect(lost, WrongSecret)
	expect(secret.Reveal(), Accepted)
	if got := w.events("key.revoke"); len(got) != 1 || got[0].Detail != "alice/lost: pepper retired" {
		t.Errorf("events %+v", got)
	}
	if got := w.events("key.end_overlap"); len(got) != 1 {
		t.Errorf("events %+v", got)
	}
	if got := w.events("pepper.refuse"); len(got) != 1 || got[0].Detail != "2 keys, 1 session" {
		t.Errorf("events %+v", got)
	}
}

func TestARetirementThatIsBrokenOffGoesOn(t *testing.T) {
	for name, again := range map[string]func(*world){
		"by another": func(w *world) {
			if done := w.retire(false); len(done.Peppers) != 1 {
				w.t.Errorf("%+v", done)
			}
			w.expectPeppers(1, 1)
		},
		"by a rotation": func(w *world) {
			retired := w.pepperFile()[1]
			w.rotatePepper()
			w.expectPeppers(3, 2)
			if slices.Contains(w.needed(), retired) {
				w.t.Error("the pepper that was retired is back")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			word := w.issue("ci")
			w.rotatePepper()
			w.check(word)
			w.peppers.replace = func(string, []byte, fs.FileInfo) error { return fs.ErrPermission }
			if _, err := w.RetirePeppers(t.Context(), "test", false); !errors.Is(err, fs.ErrPermission) {
				t.Fatalf("%v", err)
			}
			w.expectPeppers(2, 1)
			status, err := w.PepperStatus(t.Context())
			if err != nil || !slices.Equal(status.LeftOver, w.pepperFile()[1:]) {
				t.Errorf("left over is %v, %v", status.LeftOver, err)
			}
			w.restart()
			w.peppers.replace = atomicfile.Replace
			if got := w.check(word); got != Accepted {
				t.Errorf("the key: %s", got)
			}
			again(w)
			if got := w.check(word); got != Accepted {
				t.Errorf("the key: %s", got)
			}
		})
	}
}
