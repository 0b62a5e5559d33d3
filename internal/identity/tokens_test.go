package identity

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
)

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
		_, words := w.logIn(alice(right), NewToken{kind, principal.Lifetime{Absolute: 5 * time.Minute}})
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
	_, words := w.logIn(alice(right), NewToken{credential.AppToken, principal.Lifetime{Idle: time.Minute}})
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
	_, words := w.logIn(alice(right), NewToken{credential.AppToken, principal.Lifetime{Absolute: 10 * time.Minute, Idle: time.Minute}})
	for range 10 {
		w.expectToken(words[0], Accepted)
		w.later(time.Minute)
	}
	w.expectToken(words[0], Expired)
}

func TestTokensOutliveARestart(t *testing.T) {
	w := newWorld(t)
	w.setPassword("alice", right)
	_, used := w.logIn(alice(right), NewToken{credential.AppToken, principal.Lifetime{Idle: time.Minute}})
	_, unused := w.logIn(alice(right), NewToken{credential.AppToken, principal.Lifetime{Idle: time.Minute}})
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
		_, words := w.logInByKey(w.issue("ci"), NewToken{credential.AppToken, principal.Lifetime{Idle: time.Minute}})
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
