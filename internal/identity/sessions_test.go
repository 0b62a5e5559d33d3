package identity

import (
	"context"
	"errors"
	"net/netip"
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

func TestATokenOfEachKindOpensTheGate(t *testing.T) {
	for _, kind := range tokenKinds {
		w := newWorld(t)
		w.setPassword("alice", right)
		_, words := w.logIn(alice(right), hour(kind))
		caller, reason := w.mirror.CheckToken(kind, words[0], nil)
		if reason != Accepted || caller.User.Name != "alice" || caller.Scopes != principal.AllScopes || caller.User.RoleList != "admin" {
			t.Errorf("%s: %s, %+v", kind, reason, caller.User)
		}
		if sessions := w.sessions("alice"); len(sessions) != 1 || sessions[0].Tokens[0].ID != caller.ID.String() {
			t.Errorf("%s: the id of the token is %s, the sessions are %+v", kind, caller.ID, sessions)
		}
		p := principal.Principal{Method: string(kind), TokenID: caller.ID.String()}
		if got := w.mirror.Recheck(&p, nil); got != Accepted {
			t.Errorf("%s: at a second gate: %s", kind, got)
		}
	}
}

// sessions lists those of a user.
func (w *world) sessions(username string) []store.Session {
	w.t.Helper()
	list, err := w.Sessions(w.t.Context(), username, "", 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func TestTokensThatAreNotAccepted(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, words := w.logIn(alice(right), hour(credential.AppToken), hour(credential.BareToken), hour(credential.SessionToken))
	app, bare, session := words[0], words[1], words[2]
	for name, test := range map[string]struct {
		kind credential.TokenKind
		word string
		want Reason
	}{
		"another digit":                 {credential.AppToken, otherDigit(app), UnknownToken},
		"another user's name":           {credential.AppToken, "bob" + strings.TrimPrefix(app, "alice"), UnknownToken},
		"the name in another case":      {credential.AppToken, "Alice" + strings.TrimPrefix(app, "alice"), UnknownToken},
		"a digit less":                  {credential.AppToken, app[:len(app)-1], Malformed},
		"nothing":                       {credential.AppToken, "", Malformed},
		"a bare token that nobody has":  {credential.BareToken, otherDigit(bare), UnknownToken},
		"a cookie that nobody has":      {credential.SessionToken, otherDigit(session), UnknownToken},
		"an app token as a bare one":    {credential.BareToken, app, Malformed},
		"a bare token as a cookie":      {credential.SessionToken, bare, Malformed},
		"a cookie as an app token":      {credential.AppToken, session, Malformed},
		"the user's name before a bare": {credential.AppToken, "alice:" + bare, Malformed},
		"a kind that there is not":      {"ticket", bare, Malformed},
	} {
		if got := w.checkToken(test.kind, test.word); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	for _, word := range words {
		if got := w.check(word); got != Malformed {
			t.Errorf("a token as a key: %s", got)
		}
	}
	w.clock.add(freshFor)
	if got := w.checkToken(credential.AppToken, app); got != NotFresh {
		t.Errorf("when memory is not fresh: %s", got)
	}
}

func otherDigit(word string) string {
	last := "0"
	if strings.HasSuffix(word, last) {
		last = "1"
	}
	return word[:len(word)-1] + last
}

// A token is proven by its verifier; what it may be used for is said by the kind
// in the store, whatever its form.
func TestATokenIsOnlyGoodAsItsKind(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, words := w.logIn(alice(right), hour(credential.BareToken))
	stored := w.sessions("alice")[0].Tokens[0]
	stored.Kind = credential.SessionToken
	if err := w.mirror.index.Load().putToken(&stored); err != nil {
		t.Fatal(err)
	}
	if got := w.checkToken(credential.BareToken, words[0]); got != UnknownToken {
		t.Errorf("the store says that it is a cookie: %s", got)
	}
}

func TestATokenExpiresAtTheSecond(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	for _, kind := range tokenKinds {
		_, words := w.logIn(alice(right), NewToken{kind, Lifetime{Absolute: 5 * time.Minute}})
		w.later(5*time.Minute - 1)
		if got := w.checkToken(kind, words[0]); got != Accepted {
			t.Errorf("%s: just before its end: %s", kind, got)
		}
		w.later(1)
		if got := w.checkToken(kind, words[0]); got != Expired {
			t.Errorf("%s: at its end: %s", kind, got)
		}
		if sessions := w.sessions("alice"); len(sessions) != 0 {
			t.Errorf("%s: it is still listed: %+v", kind, sessions)
		}
	}
}

func TestATokenLivesOnByItsUses(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, words := w.logIn(alice(right), NewToken{credential.AppToken, Lifetime{Idle: time.Minute}})
	for range 100 {
		w.later(59 * time.Second)
		w.expectToken(words[0], Accepted)
	}
	w.later(time.Minute)
	w.expectToken(words[0], Accepted)
	w.later(time.Minute + time.Second)
	w.expectToken(words[0], Idle)
	// It does not come back by being tried.
	w.expectToken(words[0], Idle)
}

func TestUsesDoNotLengthenTheWholeLife(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, words := w.logIn(alice(right), NewToken{credential.AppToken, Lifetime{Absolute: 10 * time.Minute, Idle: time.Minute}})
	for range 10 {
		w.expectToken(words[0], Accepted)
		w.later(time.Minute)
	}
	w.expectToken(words[0], Expired)
}

func TestTokensOutliveARestart(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, used := w.logIn(alice(right), NewToken{credential.AppToken, Lifetime{Idle: time.Minute}})
	_, unused := w.logIn(alice(right), NewToken{credential.AppToken, Lifetime{Idle: time.Minute}})
	w.later(50 * time.Second)
	w.expectToken(used[0], Accepted)
	w.restart()
	w.expectToken(unused[0], Accepted)
	w.later(50 * time.Second)
	w.expectToken(used[0], Accepted)
	w.later(15 * time.Second)
	w.restart()
	w.expectToken(used[0], Accepted)
	// Its use before the first restart was not written in time.
	w.expectToken(unused[0], Idle)
}

// What only memory knows of uses must survive all that puts a new record into
// its place.
func TestUsesThatAreNotWrittenYetCount(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, w *world){
		"when memory is loaded anew": func(t *testing.T, w *world) {
			if err := w.mirror.reload(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
		"when the token is capped": func(t *testing.T, w *world) {
			_, _, err := w.RotateKey(t.Context(), "test", ref("ci"), time.Hour)
			w.must(nil, err)
		},
	} {
		w := newWorld(t)
		_, words := w.logInByKey(w.issue("ci"), NewToken{credential.AppToken, Lifetime{Idle: time.Minute}})
		w.later(50 * time.Second)
		w.expectToken(words[0], Accepted)
		w.later(30 * time.Second)
		replace(t, w)
		if got := w.checkToken(credential.AppToken, words[0]); got != Accepted {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestTokensOfAnotherProcess(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	other := openRegistry(t, w.config)
	s, secrets, err := other.LogInByPassword(t.Context(), alice(right), NewSession{Tokens: []NewToken{hour(credential.AppToken)}})
	if err != nil {
		t.Fatal(err)
	}
	word := secrets[0].Reveal()
	w.later(0)
	w.expectToken(word, Accepted)
	w.must(nil, other.LogOut(t.Context(), "user:alice", s.Tokens[0].ID))
	w.expectToken(word, Accepted)
	w.later(0)
	w.expectToken(word, UnknownToken)
}

func TestATokenIsBoundAsItsKey(t *testing.T) {
	w := newWorld(t)
	good := Circumstances{Address: home, Audience: "reports", Path: "/reports/today", UserAgent: "curl/8", APIVersion: "2"}
	word := w.issue("ci", func(n *NewKey) {
		n.Networks, n.Audience, n.Subject = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, []string{"reports"}, []string{"/reports/*"}
		n.UserAgent, n.APIVersion = "curl/8", "2"
	})
	caller, reason := w.mirror.Check(&credential.Presented{Kind: credential.Bearer, Word: word}, at(good))
	if reason != Accepted {
		t.Fatal(reason)
	}
	_, secrets, err := w.LogInByKey(t.Context(), caller, NewSession{Tokens: []NewToken{hour(credential.AppToken)}})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*Circumstances)
		want   Reason
	}{
		"within its limits":  {func(*Circumstances) {}, Accepted},
		"from elsewhere":     {func(c *Circumstances) { c.Address = abroad }, Address},
		"at another service": {func(c *Circumstances) { c.Audience = "admin" }, Audience},
		"at another path":    {func(c *Circumstances) { c.Path = "/admin" }, Subject},
		"by another program": {func(c *Circumstances) { c.UserAgent = "wget" }, UserAgent},
		"of another version": {func(c *Circumstances) { c.APIVersion = "1" }, APIVersion},
	} {
		c := good
		test.change(&c)
		caller, got := w.mirror.CheckToken(credential.AppToken, secrets[0].Reveal(), at(c))
		if got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
		if got == Accepted && caller.Scopes != principal.Read {
			t.Errorf("%s: its scopes are '%s', those of the key are 'read'", name, caller.Scopes)
		}
		p := principal.Principal{Method: principal.MethodAppToken, TokenID: credentialID(t, w)}
		if got := w.mirror.Recheck(&p, at(c)); got != test.want {
			t.Errorf("%s, at a second gate: %s, want %s", name, got, test.want)
		}
	}
}

// credentialID is the id of the only token there is.
func credentialID(t *testing.T, w *world) string {
	t.Helper()
	return w.sessions("alice")[0].Tokens[0].ID
}

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
	_, endless := w.logInByKey(word, NewToken{credential.AppToken, Lifetime{Idle: 20 * time.Minute}})
	_, short := w.logInByKey(word, NewToken{credential.AppToken, Lifetime{Absolute: time.Minute}})
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
	endless := NewToken{credential.AppToken, Lifetime{Idle: 10 * time.Hour}}
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

func TestTheOldestSessionOfManyEnds(t *testing.T) {
	w := newWorld(t)
	key := w.callerOf(w.issue("ci"))
	_, first := w.logInByKey(w.issue("first"), hour(credential.AppToken))
	_, second := w.logInByKey(w.issue("second"), hour(credential.AppToken))
	// The others come in one change, since a thousand log-ins take long.
	err := w.store.Change(t.Context(), func(c *store.Change) error {
		for range maxSessions - 2 {
			id, err := w.newID()
			if err != nil {
				return err
			}
			s := store.Session{ID: id, UserID: key.User.ID, Method: principal.MethodAPIKey}
			if err := c.InsertSession(&s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.expectToken(first[0], Accepted)
	_, last := w.logInByKey(w.issue("last"), hour(credential.AppToken))
	w.expectToken(first[0], UnknownToken)
	w.expectToken(second[0], Accepted)
	w.expectToken(last[0], Accepted)
	if info, err := w.Info(t.Context()); err != nil || info.Sessions != maxSessions {
		t.Errorf("there are %d sessions, %v", info.Sessions, err)
	}
}

func TestLifetimesMustEnd(t *testing.T) {
	for name, l := range map[string]Lifetime{
		"no end at all":               {},
		"a negative end":              {Absolute: -time.Hour},
		"a negative idle time":        {Absolute: time.Hour, Idle: -time.Second},
		"a part of a second":          {Absolute: time.Hour + time.Millisecond},
		"idle for a part of a second": {Idle: 500 * time.Millisecond},
		"idle for longer than it is":  {Absolute: time.Minute, Idle: time.Hour},
		"more than ten years":         {Absolute: 11 * 365 * 24 * time.Hour},
	} {
		w := newWorld(t)
		w.setPassword("alice", right)
		n := NewSession{Tokens: []NewToken{{credential.AppToken, l}}}
		_, words, err := w.LogInByPassword(t.Context(), alice(right), n)
		if _, invalid := errors.AsType[*InvalidError](err); !invalid || words != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, l := range map[string]Lifetime{
		"only an end":       {Absolute: time.Hour},
		"only an idle time": {Idle: time.Second},
		"both":              {Absolute: time.Hour, Idle: time.Hour},
	} {
		if err := l.Check(); err != nil {
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
		lifetime := Lifetime{Absolute: time.Hour}
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
