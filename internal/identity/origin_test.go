package identity

import (
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
)

func TestATokenDoesNotOutliveItsKey(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for name, end := range map[string]func(){
		"the key is disabled": func() { w.must(w.DisableKey(ctx, "test", ref("ci"))) },
		"the key is revoked":  func() { w.must(w.RevokeKey(ctx, "test", ref("ci"), "lost")) },
		"the key is rotated": func() {
			_, _, err := w.RotateKey(ctx, "test", ref("ci"), 0)
			w.must(nil, err)
		},
		"the user is disabled": func() { w.must(w.DisableUser(ctx, "test", "alice")) },
		"the user is deleted":  func() { w.must(nil, w.DeleteUser(ctx, "test", "alice")) },
	} {
		_, words := w.logInByKey(w.issue("ci"), hour(credential.AppToken))
		w.expectToken(words[0], Accepted)
		end()
		if got := w.checkToken(credential.AppToken, words[0]); got != UnknownToken {
			t.Errorf("%s: %s", name, got)
		}
		// What was ended does not come back.
		_, _ = w.EnableKey(ctx, "test", ref("ci"))
		_, _ = w.EnableUser(ctx, "test", "alice")
		if got := w.checkToken(credential.AppToken, words[0]); got != UnknownToken {
			t.Errorf("%s, and is enabled: %s", name, got)
		}
		_ = w.DeleteUser(ctx, "test", "alice")
		w.addUser("alice")
	}
}

func TestATokenEndsWithTheTimeOfItsKey(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci", func(n *NewKey) { n.Expires = w.clock.now().Add(10 * time.Minute) })
	_, long := w.logInByKey(word, hour(credential.AppToken))
	_, endless := w.logInByKey(word, NewToken{credential.AppToken, principal.Lifetime{Idle: 20 * time.Minute}})
	_, short := w.logInByKey(word, NewToken{credential.AppToken, principal.Lifetime{Absolute: time.Minute}})
	w.later(time.Minute)
	w.expectToken(short[0], Expired)
	w.expectToken(long[0], Accepted)
	for range 9 {
		w.later(50 * time.Second)
		w.expectToken(long[0], Accepted)
	}
	w.later(90*time.Second - 1)
	w.expectToken(endless[0], Accepted)
	w.later(1)
	w.expectToken(endless[0], Expired)
	w.expectToken(long[0], Expired)
}

func TestTokensEndWithTheOverlapOfARotation(t *testing.T) {
	w := newWorld(t)
	endless := NewToken{credential.AppToken, principal.Lifetime{Idle: 10 * time.Hour}}
	first := w.issue("ci")
	_, before := w.logInByKey(first, endless)
	_, secret, err := w.RotateKey(t.Context(), "test", ref("ci"), time.Hour)
	w.must(nil, err)
	// During the overlap both secrets open the door, but only one for longer.
	_, byOld := w.logInByKey(first, endless)
	_, byNew := w.logInByKey(secret.Reveal(), endless)
	unknown := w.callerOf(secret.Reveal())
	unknown.proven = credential.Verifier{}
	_, byUnknown, err := w.LogInByKey(t.Context(), unknown, NewSession{Tokens: []NewToken{endless}})
	w.must(nil, err)
	w.later(time.Hour - 1)
	for _, word := range []string{before[0], byOld[0], byNew[0], byUnknown[0].Reveal()} {
		w.expectToken(word, Accepted)
	}
	w.later(1)
	w.expectToken(before[0], Expired)
	w.expectToken(byOld[0], Expired)
	w.expectToken(byUnknown[0].Reveal(), Expired)
	w.expectToken(byNew[0], Accepted)
	_, byUnknown, err = w.LogInByKey(t.Context(), unknown, NewSession{Tokens: []NewToken{endless}})
	w.must(nil, err)
	w.later(9 * time.Hour)
	w.expectToken(byUnknown[0].Reveal(), Accepted)
}

func TestNoSessionBeginsWithWhatHasEndedMeanwhile(t *testing.T) {
	ctx := t.Context()
	rotate := func(overlap time.Duration) func(w *world) {
		return func(w *world) {
			_, _, err := w.RotateKey(ctx, "test", ref("ci"), overlap)
			w.must(nil, err)
		}
	}
	for name, end := range map[string]func(w *world){
		"disabled":           func(w *world) { w.must(w.DisableKey(ctx, "test", ref("ci"))) },
		"revoked":            func(w *world) { w.must(w.RevokeKey(ctx, "test", ref("ci"), "")) },
		"rotated":            rotate(0),
		"rotated twice":      func(w *world) { rotate(time.Hour)(w); rotate(time.Hour)(w) },
		"rotated, long ago":  func(w *world) { rotate(time.Minute)(w); w.clock.add(time.Minute) },
		"expired":            func(w *world) { w.clock.add(24 * time.Hour) },
		"its user's no more": func(w *world) { w.must(w.DisableUser(ctx, "test", "alice")) },
		"deleted":            func(w *world) { w.must(nil, w.DeleteUser(ctx, "test", "alice")) },
	} {
		w := newWorld(t)
		caller := w.callerOf(w.issue("ci", func(n *NewKey) { n.Expires = w.clock.now().Add(24 * time.Hour) }))
		end(w)
		_, words, err := w.LogInByKey(ctx, caller, NewSession{Tokens: []NewToken{hour(credential.AppToken)}})
		if !errors.Is(err, ErrEnded) || words != nil {
			t.Errorf("a key that was %s: %v", name, err)
		}
	}
}

func TestAPasswordEndsTheSessionsOfTheOldOne(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, byPassword := w.logIn(alice(right), hour(credential.AppToken))
	_, byKey := w.logInByKey(w.issue("ci"), hour(credential.AppToken))
	w.must(w.ChangePassword(t.Context(), "user:alice", alice(right), newer))
	w.expectToken(byPassword[0], UnknownToken)
	w.expectToken(byKey[0], Accepted)
	_, byPassword = w.logIn(alice(newer), hour(credential.AppToken))
	w.setPassword("alice", right)
	w.expectToken(byPassword[0], UnknownToken)
	w.expectToken(byKey[0], Accepted)
}

func TestADisabledUserHasNoSessionsAnyMore(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, byPassword := w.logIn(alice(right), hour(credential.AppToken))
	_, byKey := w.logInByKey(w.issue("ci"), hour(credential.AppToken))
	w.must(w.DisableUser(t.Context(), "test", "alice"))
	w.must(w.EnableUser(t.Context(), "test", "alice"))
	w.expectToken(byPassword[0], UnknownToken)
	w.expectToken(byKey[0], UnknownToken)
}

// The end of a session is also one for whoever holds an older copy of memory.
func TestADisabledUserIsRefusedEvenIfTheTokenIsStillThere(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, words := w.logIn(alice(right), hour(credential.AppToken))
	stored := w.sessions("alice")[0].Tokens[0]
	w.must(w.DisableUser(t.Context(), "test", "alice"))
	if err := w.mirror.index.Load().putToken(&stored); err != nil {
		t.Fatal(err)
	}
	w.expectToken(words[0], UserDisabled)
}
