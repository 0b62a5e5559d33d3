package identity

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// tokenKinds are all kinds of tokens.
var tokenKinds = []credential.TokenKind{credential.AppToken, credential.BareToken, credential.SessionToken}

// sessions lists those of a user.
func (w *world) sessions(username string) []store.Session {
	w.t.Helper()
	list, err := w.Sessions(w.t.Context(), username, "", 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func TestLoggingOutEndsAllTokensOfTheSession(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	s, words := w.logIn(alice(right), hour(credential.AppToken), hour(credential.SessionToken))
	_, others := w.logIn(alice(right), hour(credential.AppToken))
	w.must(nil, w.LogOut(t.Context(), "user:alice", s.Tokens[0].ID))
	w.expectToken(words[0], UnknownToken)
	if got := w.checkToken(credential.SessionToken, words[1]); got != UnknownToken {
		t.Errorf("the other token: %s", got)
	}
	w.expectToken(others[0], Accepted)
	if err := w.LogOut(t.Context(), "user:alice", s.Tokens[0].ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a second time: %v", err)
	}
}

func TestEachLogInIsANewSession(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	first, one := w.logIn(alice(right), hour(credential.SessionToken))
	second, two := w.logIn(alice(right), hour(credential.SessionToken))
	if first.ID == second.ID || one[0] == two[0] || first.Tokens[0].ID == second.Tokens[0].ID {
		t.Error("two log-ins share an id or a token")
	}
	if first.Address != home.String() || first.UserAgent != "curl/8" || first.Method != principal.MethodPassword {
		t.Errorf("session %+v", first)
	}
}

func TestOnlyOwnSessionsCanBeEnded(t *testing.T) {
	w := newWorld(t)
	w.addUser("bob")
	w.setPassword("alice", right)
	s, words := w.logIn(alice(right), hour(credential.AppToken))
	foreign := w.EndSession(t.Context(), "user:bob", "bob", s.ID)
	missing := w.EndSession(t.Context(), "user:bob", "bob", "0"+s.ID[1:])
	for name, err := range map[string]error{"another's": foreign, "none": missing} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Whether it exists must not be seen by the words.
	if got, want := strings.ReplaceAll(foreign.Error(), s.ID, "…"), strings.ReplaceAll(missing.Error(), "0"+s.ID[1:], "…"); got != want {
		t.Errorf("'%s' tells more than '%s'", got, want)
	}
	w.expectToken(words[0], Accepted)
	if err := w.EndSession(t.Context(), "user:bob", "bob", "\n"+strings.Repeat("x", 1000)); !errors.Is(err, store.ErrNotFound) || len(err.Error()) > 200 || strings.Contains(err.Error(), "\n") {
		t.Errorf("what is no id at all: %v", err)
	}
	w.must(nil, w.EndSession(t.Context(), "user:alice", "ALICE", s.ID))
	w.expectToken(words[0], UnknownToken)
	s, words = w.logIn(alice(right), hour(credential.AppToken))
	w.must(nil, w.EndSession(t.Context(), "os:root", "", s.ID))
	w.expectToken(words[0], UnknownToken)
}

func TestAllSessionsOfAUserCanBeEnded(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, one := w.logIn(alice(right), hour(credential.AppToken))
	_, two := w.logInByKey(w.issue("ci"), hour(credential.AppToken))
	if n, err := w.EndSessions(t.Context(), "os:root", "Alice"); n != 2 || err != nil {
		t.Errorf("%d have ended, %v", n, err)
	}
	w.expectToken(one[0], UnknownToken)
	w.expectToken(two[0], UnknownToken)
	if n, err := w.EndSessions(t.Context(), "os:root", "alice"); n != 0 || err != nil {
		t.Errorf("%d have ended a second time, %v", n, err)
	}
	for _, name := range []string{"nobody", "a b"} {
		if _, err := w.EndSessions(t.Context(), "os:root", name); err == nil {
			t.Errorf("the sessions of '%s' have ended", name)
		}
	}
}

func TestTheOldestSessionOfAKeyEndsAndNoOther(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, typed := w.logIn(alice(right), hour(credential.AppToken))
	_, other := w.logInByKey(w.issue("other"), hour(credential.AppToken))
	key := w.issue("ci")
	_, first := w.logInByKey(key, hour(credential.AppToken))
	_, second := w.logInByKey(key, hour(credential.AppToken))
	w.addSessions(maxKeySessions-2, w.callerOf(key).ID.String())
	w.expectToken(first[0], Accepted)
	_, last := w.logInByKey(key, hour(credential.AppToken))
	w.expectToken(first[0], UnknownToken)
	for _, kept := range [][]string{second, last, typed, other} {
		w.expectToken(kept[0], Accepted)
	}
	if got, want := len(w.sessions("alice")), maxKeySessions+2; got != want {
		t.Errorf("there are %d sessions, want %d", got, want)
	}
}

func TestTheOldestSessionByPasswordEndsAndNoneOfAKey(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, key := w.logInByKey(w.issue("ci"), hour(credential.AppToken))
	_, first := w.logIn(alice(right), hour(credential.AppToken))
	_, second := w.logIn(alice(right), hour(credential.AppToken))
	w.addSessions(maxUserSessions-2, "")
	w.expectToken(first[0], Accepted)
	_, last := w.logIn(alice(right), hour(credential.AppToken))
	w.expectToken(first[0], UnknownToken)
	for _, kept := range [][]string{second, last, key} {
		w.expectToken(kept[0], Accepted)
	}
	if got, want := len(w.sessions("alice")), maxUserSessions+1; got != want {
		t.Errorf("there are %d sessions, want %d", got, want)
	}
}

// addSessions begins sessions of alice, from a key unless keyID is empty. They
// come in one change, since a thousand log-ins take long.
func (w *world) addSessions(n int, keyID string) {
	w.t.Helper()
	err := w.store.Change(w.t.Context(), func(c *store.Change) error {
		u, err := c.UserByFold("alice")
		if err != nil {
			return err
		}
		for range n {
			s := store.Session{UserID: u.ID, KeyID: keyID, Method: "test", Created: w.clock.now()}
			if s.ID, err = w.newID(); err != nil {
				return err
			}
			word, err := credential.NewToken(w.random, credential.AppToken, "alice")
			if err != nil {
				return err
			}
			verifier := w.peppers.set.Load().list[0].Verifier(word.Reveal())
			s.Tokens = []store.Token{{ID: verifier.ID().String(), Kind: credential.AppToken, Verifier: verifier, Pepper: 1, LastUsed: s.Created, Expires: s.Created.Add(time.Hour)}}
			if err := c.InsertSession(&s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.later(0)
}

func TestLifetimesMustEnd(t *testing.T) {
	for name, l := range map[string]principal.Lifetime{
		"no end at all":              {},
		"idle for longer than it is": {Absolute: time.Minute, Idle: time.Hour},
	} {
		w := newWorld(t)
		w.setPassword("alice", right)
		n := NewSession{Tokens: []NewToken{{credential.AppToken, l}}}
		_, words, err := w.LogInByPassword(t.Context(), alice(right), n)
		if _, invalid := errors.AsType[*InvalidError](err); !invalid || words != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := newWorld(t)
	w.setPassword("alice", right)
	if _, _, err := w.LogInByPassword(t.Context(), alice(right), NewSession{}); err == nil {
		t.Error("a session without a token has begun")
	}
	if _, _, err := w.LogInByPassword(t.Context(), alice(right), NewSession{Tokens: []NewToken{hour("ticket")}}); err == nil {
		t.Error("a session with a token of no kind has begun")
	}
}

func TestSessionsAreListedInPages(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	var all []string
	for i := range 5 {
		// The second one is over soon.
		lifetime := principal.Lifetime{Absolute: time.Hour}
		if i == 1 {
			lifetime.Absolute = time.Minute
		}
		s, _ := w.logIn(alice(right), NewToken{credential.AppToken, lifetime})
		all = append(all, s.ID)
	}
	w.later(time.Minute)
	var listed []string
	for after := ""; ; {
		page, err := w.Sessions(t.Context(), "alice", after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page {
			listed = append(listed, page[i].ID)
			after = page[i].ID
		}
		if len(page) < 2 {
			break
		}
	}
	if diff := cmp.Diff([]string{all[0], all[2], all[3], all[4]}, listed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if of, err := w.Sessions(t.Context(), "", "", 10); err != nil || len(of) != 4 {
		t.Errorf("of everybody: %d, %v", len(of), err)
	}
	if _, err := w.Sessions(t.Context(), "nobody", "", 10); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
}

func TestTheUserAgentIsKeptAsText(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	n := NewSession{Tokens: []NewToken{hour(credential.AppToken)}, UserAgent: "evil\x1b[31m\xff" + strings.Repeat("x", 10_000)}
	s, _, err := w.LogInByPassword(t.Context(), alice(right), n)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s.UserAgent, "evil?[31m?xxx") || len(s.UserAgent) > maxUserAgent+3 {
		t.Errorf("%d bytes: %.20q", len(s.UserAgent), s.UserAgent)
	}
}

func TestSessionsAreInTheAuditTrail(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.setPassword("alice", right)
	one, _ := w.logIn(alice(right), hour(credential.AppToken))
	two, _ := w.logInByKey(w.issue("ci"), hour(credential.AppToken))
	three, _ := w.logIn(alice(right), hour(credential.AppToken))
	w.must(nil, w.LogOut(ctx, "user:alice", one.Tokens[0].ID))
	w.must(nil, w.EndSession(ctx, "os:root", "", two.ID))
	w.must(w.EndSessions(ctx, "os:root", "alice"))
	w.must(w.ChangePassword(ctx, "user:alice", alice(right), newer))
	want := map[string]int{
		"session.begin user:alice " + one.ID: 1, "session.begin user:alice " + two.ID + " by " + two.KeyID: 1, "session.begin user:alice " + three.ID: 1,
		"session.end user:alice " + one.ID: 1, "session.end os:root " + two.ID + " by " + two.KeyID: 1, "session.end os:root alice: all": 1,
		"user.password test alice": 1, "user.password user:alice alice": 1,
	}
	got := map[string]int{}
	for _, e := range w.events("session.", "user.password") {
		line := e.Kind + " " + e.Actor + " " + e.Detail
		if e.KeyID != "" {
			line += " by " + e.KeyID
		}
		got[line]++
		if e.UserID != one.UserID || e.Outcome != "ok" {
			t.Errorf("event %+v", e)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := w.LogOut(ctx, "", one.Tokens[0].ID); err == nil {
		t.Error("nobody has logged out")
	}
}

// events gives the events of the audit trail whose kinds begin so.
func (w *world) events(kinds ...string) (found []store.Event) {
	w.t.Helper()
	all, err := w.Events(context.WithoutCancel(w.t.Context()), 100_000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range all {
		for _, kind := range kinds {
			if strings.HasPrefix(e.Kind, kind) {
				found = append(found, e)
			}
		}
	}
	return found
}
