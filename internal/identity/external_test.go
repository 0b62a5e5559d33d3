package identity

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

const issuer = "https://login.example.org"

// external is a token for a subject that was issued now; with changes it.
func (w *world) external(subject string, with ...func(*principal.External)) *principal.External {
	now := w.clock.now()
	e := principal.External{Provider: "corp", Issuer: issuer, Subject: subject, TokenID: "jti-" + subject, Issued: now, Expires: now.Add(time.Hour)}
	for _, f := range with {
		f(&e)
	}
	return principal.NewExternal(e)
}

// newLinked is a world in which alice is linked to the subject 1.
func newLinked(t testing.TB) (*world, *principal.External) {
	t.Helper()
	w := newWorld(t)
	w.must(nil, w.LinkIdentity(t.Context(), "test", "alice", "corp", issuer, "1"))
	return w, w.external("1")
}

// checkExternal presents the token of another provider.
func (w *world) checkExternal(e *principal.External) Reason {
	_, reason := w.mirror.CheckExternal(e)
	return reason
}

// byJWT is alice, proven by a token with the scope read.
func (w *world) byJWT(e *principal.External) *principal.Principal {
	w.t.Helper()
	c, reason := w.mirror.CheckExternal(e)
	if reason != Accepted {
		w.t.Fatal(reason)
	}
	return &principal.Principal{User: c.User, Method: principal.MethodJWT, External: e, Scopes: principal.Read}
}

func TestATokenOfAnotherProviderStandsForWhoeverIsLinked(t *testing.T) {
	w, e := newLinked(t)
	c, reason := w.mirror.CheckExternal(e)
	if reason != Accepted || c.User.Name != "alice" || c.Scopes != principal.AllScopes {
		t.Errorf("%s, %+v", reason, c)
	}
	// So it does after a load.
	w.restart()
	if got := w.checkExternal(e); got != Accepted {
		t.Errorf("after a restart: %s", got)
	}
	for name, other := range map[string]*principal.External{
		"another subject":             w.external("2"),
		"another issuer":              w.external("1", func(e *principal.External) { e.Issuer += "/" }),
		"a subject that ends the one": w.external("", func(e *principal.External) { e.Issuer, e.Subject = "https://login.example", ".org1" }),
	} {
		if got := w.checkExternal(other); got != UnknownIdentity {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestATokenOfAnotherProviderEnds(t *testing.T) {
	ctx := t.Context()
	for name, test := range map[string]struct {
		end  func(w *world)
		want Reason
	}{
		"by its time":              {func(w *world) { w.later(time.Hour) }, Expired},
		"when memory is not fresh": {func(w *world) { w.clock.add(2 * time.Second) }, NotFresh},
		"when it is refused": {func(w *world) {
			w.must(nil, w.RefuseToken(ctx, "test", issuer, "jti-1", "", w.clock.now().Add(time.Hour)))
		}, Revoked},
		"when it is spent": {func(w *world) { w.must(nil, w.SpendToken(ctx, w.external("1"))) }, Spent},
		"when it is spent, and refused": {func(w *world) {
			w.must(nil, w.SpendToken(ctx, w.external("1")))
			w.must(nil, w.RefuseToken(ctx, "test", issuer, "jti-1", "", w.clock.now()))
		}, Revoked},
		"when all sessions of the user end": {func(w *world) { w.must(w.EndSessions(ctx, "test", "alice")) }, Revoked},
		"when the user is disabled":         {func(w *world) { w.must(w.DisableUser(ctx, "test", "alice")) }, UserDisabled},
		"when he was disabled and is no more": {func(w *world) {
			w.must(w.DisableUser(ctx, "test", "alice"))
			w.must(w.EnableUser(ctx, "test", "alice"))
		}, Revoked},
		"when the user is deleted":  {func(w *world) { w.must(nil, w.DeleteUser(ctx, "test", "alice")) }, UnknownIdentity},
		"when it is linked no more": {func(w *world) { w.must(nil, w.UnlinkIdentity(ctx, "test", issuer, "1")) }, UnknownIdentity},
		"not when another one is refused": {func(w *world) {
			w.must(nil, w.RefuseToken(ctx, "test", issuer, "jti-2", "", w.clock.now().Add(time.Hour)))
		}, Accepted},
		"not when one of another is refused": {func(w *world) {
			w.must(nil, w.RefuseToken(ctx, "test", issuer+"/", "jti-1", "", w.clock.now().Add(time.Hour)))
		}, Accepted},
		"not when sessions of another end":     {func(w *world) { w.addUser("bob"); w.must(w.EndSessions(ctx, "test", "bob")) }, Accepted},
		"not when another one is linked again": {func(w *world) { w.must(nil, w.LinkIdentity(ctx, "test", "alice", "corp", issuer, "2")) }, Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			w, e := newLinked(t)
			p := w.byJWT(e)
			test.end(w)
			if got := w.checkExternal(e); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
			again := test.want
			if again == Spent {
				// By this very request, as far as a second gate knows.
				again = Accepted
			}
			if got := w.mirror.Recheck(p, at(Circumstances{})); got != again {
				t.Errorf("at a second gate: %s, want %s", got, again)
			}
			if test.want == NotFresh {
				return
			}
			w.restart()
			if got := w.checkExternal(e); got != test.want {
				t.Errorf("after a restart: %s, want %s", got, test.want)
			}
			_, _, err := w.IssueKeyFor(t.Context(), p, NewKey{Name: "ci", Scopes: principal.Read})
			if (again == Accepted) != (err == nil) || err != nil && !errors.Is(err, ErrEnded) {
				t.Errorf("a key by it: %v", err)
			}
		})
	}
}

func TestOnlyTokensFromAfterTheEndOfAllSessionsCount(t *testing.T) {
	w, _ := newLinked(t)
	end := w.clock.now()
	w.must(w.EndSessions(t.Context(), "test", "alice"))
	for name, test := range map[string]struct {
		issued time.Time
		want   Reason
	}{
		"from before":     {end.Add(-time.Second), Revoked},
		"of that moment":  {end, Revoked},
		"from after":      {end.Add(time.Microsecond), Accepted},
		"from no time":    {time.Time{}, Revoked},
		"from long after": {end.Add(time.Minute), Accepted},
	} {
		if got := w.checkExternal(w.external("1", func(e *principal.External) { e.Issued = test.issued })); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestATokenWithoutATimeOfIssueCountsUntilSessionsEnd(t *testing.T) {
	w, _ := newLinked(t)
	e := w.external("1", func(e *principal.External) { e.Issued, e.TokenID = time.Time{}, "" })
	if got := w.checkExternal(e); got != Accepted {
		t.Error(got)
	}
}

func TestWhatATokenOfAnotherProviderGivesIsWithinItsScopes(t *testing.T) {
	w, e := newLinked(t)
	p := w.byJWT(e)
	_, _, err := w.IssueKeyFor(t.Context(), p, NewKey{Name: "more", Scopes: principal.Read | principal.Write})
	if derived, is := errors.AsType[*DerivedError](err); !is || derived.Reason != "more_scopes" {
		t.Errorf("more scopes: %v", err)
	}
	if _, _, err := w.IssueKeyFor(t.Context(), p, NewKey{Name: "same", Scopes: principal.Read}); err != nil {
		t.Errorf("the same: %v", err)
	}
}

func TestAMethodWithoutItsTokenIsRefused(t *testing.T) {
	w, e := newLinked(t)
	p := *w.byJWT(e)
	p.External = nil
	if got := w.mirror.Recheck(&p, at(Circumstances{})); got != UnknownIdentity {
		t.Error(got)
	}
	if _, _, err := w.IssueKeyFor(t.Context(), &p, NewKey{Name: "ci", Scopes: principal.Read}); !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
}

func TestATokenThatWasLinkedToSomebodyElseMeanwhileIsRefused(t *testing.T) {
	w, e := newLinked(t)
	p := w.byJWT(e)
	w.addUser("bob")
	w.must(nil, w.UnlinkIdentity(t.Context(), "test", issuer, "1"))
	w.must(nil, w.LinkIdentity(t.Context(), "test", "bob", "corp", issuer, "1"))
	if got := w.mirror.Recheck(p, at(Circumstances{})); got != UnknownIdentity {
		t.Error(got)
	}
	if _, _, err := w.IssueKeyFor(t.Context(), p, NewKey{Name: "ci", Scopes: principal.Read}); !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
}

// The token is that of whoever acts, not of the user he acts as.
func TestWhoActsAsAnotherIsHeldAgainstHisOwnToken(t *testing.T) {
	w := newImpersonated(t)
	w.must(nil, w.LinkIdentity(t.Context(), "test", "bob", "corp", issuer, "1"))
	owner, reason, err := w.act(w.key)
	if reason != Accepted {
		t.Fatal(reason, err)
	}
	p := &principal.Principal{
		User: owner.User, Method: principal.MethodJWT, External: w.external("1"), Scopes: owner.Scopes,
		Impersonation: &principal.Impersonation{By: w.bob.User, KeyID: owner.ID.String()},
	}
	if got := w.mirror.Recheck(p, at(Circumstances{})); got != Accepted {
		t.Error(got)
	}
	w.must(nil, w.UnlinkIdentity(t.Context(), "test", issuer, "1"))
	if got := w.mirror.Recheck(p, at(Circumstances{})); got != UnknownIdentity {
		t.Errorf("after its end: %s", got)
	}
}

func TestATokenIsSpentOnce(t *testing.T) {
	w, e := newLinked(t)
	other := openRegistry(t, w.config)
	var spent sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		r := []*Registry{w.Registry, other}[i%2]
		spent.Go(func() { errs[i] = r.SpendToken(context.WithoutCancel(t.Context()), e) })
	}
	spent.Wait()
	left := slices.DeleteFunc(errs, func(err error) bool { return errors.Is(err, ErrSpent) })
	if len(left) != 1 || left[0] != nil {
		t.Errorf("%v", left)
	}
	if err := w.SpendToken(t.Context(), w.external("1", func(e *principal.External) { e.TokenID = "" })); err == nil {
		t.Error("a token without a jti is spent")
	}
}

func TestARefusedTokenCannotBeSpent(t *testing.T) {
	w, e := newLinked(t)
	w.must(nil, w.RefuseToken(t.Context(), "test", issuer, "jti-1", "", e.Expires))
	if err := w.SpendToken(t.Context(), e); !errors.Is(err, ErrSpent) {
		t.Error(err)
	}
}

func TestRefusedTokensAreForgottenWhenTheyAreOver(t *testing.T) {
	w, e := newLinked(t)
	w.must(nil, w.RefuseToken(t.Context(), "test", issuer, "refused", "", e.Expires))
	w.must(nil, w.SpendToken(t.Context(), e))
	w.later(time.Hour + sweepSlack)
	w.must(nil, w.mirror.sweep(t.Context(), keptFailures))
	known := func() (refused, spent bool) {
		w.later(0)
		x := w.mirror.index.Load()
		_, refused = x.refused.find(principal.TokenDigest(issuer, "refused"))
		_, spent = x.refused.find(e.Token())
		return refused, spent
	}
	if refused, spent := known(); !refused || !spent {
		t.Errorf("too early: %t, %t", refused, spent)
	}
	w.later(time.Second)
	w.must(nil, w.mirror.sweep(t.Context(), keptFailures))
	if refused, spent := known(); refused || !spent {
		t.Errorf("after the end and some slack: %t, %t", refused, spent)
	}
	w.later(spentSlack)
	w.must(nil, w.mirror.sweep(t.Context(), keptFailures))
	if refused, spent := known(); refused || spent {
		t.Errorf("after all: %t, %t", refused, spent)
	}
}

func TestWhatCannotBeRefusedIsSaid(t *testing.T) {
	w, e := newLinked(t)
	long := strings.Repeat("x", 1000)
	for name, err := range map[string]error{
		"without an issuer":  w.RefuseToken(t.Context(), "test", "", "1", "", e.Expires),
		"without a jti":      w.RefuseToken(t.Context(), "test", issuer, "", "", e.Expires),
		"without an end":     w.RefuseToken(t.Context(), "test", issuer, "1", "", time.Time{}),
		"with a long jti":    w.RefuseToken(t.Context(), "test", issuer, long, "", e.Expires),
		"with a long issuer": w.RefuseToken(t.Context(), "test", long, "1", "", e.Expires),
		"of a long user":     w.RefuseToken(t.Context(), "test", issuer, "1", long, e.Expires),
		"with a zero byte":   w.RefuseToken(t.Context(), "test", issuer, "a\x00b", "", e.Expires),
	} {
		if _, is := errors.AsType[*InvalidError](err); !is {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASessionOfAProviderHasWhatItGave(t *testing.T) {
	w, e := newLinked(t)
	p := w.byJWT(e)
	s, secrets, err := w.LogInByProvider(t.Context(), p, []string{"auditor", "admin"}, []string{"web"}, NewSession{Tokens: []NewToken{hour(credential.AppToken)}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Method != principal.MethodJWT || s.Scopes != principal.Read {
		t.Errorf("%+v", s)
	}
	for range 2 {
		c, reason := w.mirror.CheckToken(credential.AppToken, secrets[0].Reveal(), at(Circumstances{}))
		if reason != Accepted || c.User.RoleList != "admin,auditor" || c.User.GroupList != "ops,web" || c.Scopes != principal.Read {
			t.Fatalf("%s, %+v", reason, c.User)
		}
		if !slices.Equal(c.User.Roles, []string{"admin", "auditor"}) || !slices.Equal(c.User.Groups, []string{"ops", "web"}) {
			t.Errorf("%+v", c.User)
		}
		w.restart()
	}
	// What is the user's own is as it is at each request.
	w.must(w.EditUser(t.Context(), "test", "alice", UserEdit{Roles: &[]string{"reader"}}))
	if c, _ := w.mirror.CheckToken(credential.AppToken, secrets[0].Reveal(), at(Circumstances{})); c.User.RoleList != "admin,auditor,reader" {
		t.Errorf("%+v", c.User)
	}
	if c, _ := w.mirror.CheckExternal(e); c.User.RoleList != "reader" {
		t.Errorf("the user himself: %+v", c.User)
	}
}

func TestASessionOfAProviderEnds(t *testing.T) {
	ctx := t.Context()
	for name, end := range map[string]func(w *world){
		"with the link":         func(w *world) { w.must(nil, w.UnlinkIdentity(ctx, "test", issuer, "1")) },
		"with the user":         func(w *world) { w.must(w.DisableUser(ctx, "test", "alice")) },
		"with all of his":       func(w *world) { w.must(w.EndSessions(ctx, "test", "alice")) },
		"with the deleted user": func(w *world) { w.must(nil, w.DeleteUser(ctx, "test", "alice")) },
	} {
		t.Run(name, func(t *testing.T) {
			w, e := newLinked(t)
			w.setPassword("alice", right)
			_, own := w.logIn(alice(right), hour(credential.AppToken))
			_, secrets, err := w.LogInByProvider(t.Context(), w.byJWT(e), nil, nil, NewSession{Tokens: []NewToken{hour(credential.AppToken)}})
			if err != nil {
				t.Fatal(err)
			}
			w.expectToken(secrets[0].Reveal(), Accepted)
			end(w)
			w.expectToken(secrets[0].Reveal(), UnknownToken)
			if name == "with the link" {
				w.expectToken(own[0], Accepted)
			}
		})
	}
}

func TestASessionOfAProviderBeginsByItsTokenAlone(t *testing.T) {
	w, e := newLinked(t)
	good := w.byJWT(e)
	password, acting, ended := *good, *good, *good
	password.Method = principal.MethodPassword
	acting.Impersonation = &principal.Impersonation{By: good.User}
	ended.External = w.external("1", func(e *principal.External) { e.Expires = w.clock.now() })
	n := NewSession{Tokens: []NewToken{hour(credential.AppToken)}}
	for name, try := range map[string]struct {
		p      *principal.Principal
		role   string
		group  string
		wanted error
	}{
		"by a password":        {&password, "r", "g", nil},
		"by who acts":          {&acting, "r", "g", ErrImpersonated},
		"by an ended token":    {&ended, "r", "g", ErrEnded},
		"with an odd role":     {good, "a,b", "g", nil},
		"with an odd group":    {good, "r", "g h", nil},
		"with an unseen group": {good, "r", "", nil},
	} {
		_, _, err := w.LogInByProvider(t.Context(), try.p, []string{try.role}, []string{try.group}, n)
		_, malformed := errors.AsType[*InvalidError](err)
		if try.wanted == nil && !malformed || try.wanted != nil && !errors.Is(err, try.wanted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := w.LogInByProvider(t.Context(), good, nil, nil, NewSession{}); err == nil {
		t.Error("a session without a token has begun")
	}
}

func TestIdentitiesAreLinkedListedAndUnlinked(t *testing.T) {
	w, _ := newLinked(t)
	ctx := t.Context()
	w.addUser("bob")
	w.must(nil, w.LinkIdentity(ctx, "test", "BOB", "corp", issuer, "2"))
	for username, want := range map[string]int{"": 2, "alice": 1, "Bob": 1} {
		if list, err := w.Identities(ctx, username, "", 10); err != nil || len(list) != want {
			t.Errorf("'%s': %+v, %v", username, list, err)
		}
	}
	first, err := w.Identities(ctx, "", "", 1)
	if err != nil || len(first) != 1 {
		t.Fatal(first, err)
	}
	if second, err := w.Identities(ctx, "", first[0].ID, 1); err != nil || len(second) != 1 || second[0].ID == first[0].ID {
		t.Errorf("%+v, %v", second, err)
	}
	if info, err := w.Info(ctx); err != nil || info.Identities != 2 {
		t.Errorf("%+v, %v", info, err)
	}
	for name, test := range map[string]struct {
		err, want error
	}{
		"linked already":           {w.LinkIdentity(ctx, "test", "bob", "corp", issuer, "1"), store.ErrExists},
		"linked to nobody":         {w.LinkIdentity(ctx, "test", "nobody", "corp", issuer, "3"), store.ErrNotFound},
		"unlinked, not linked":     {w.UnlinkIdentity(ctx, "test", issuer, "3"), store.ErrNotFound},
		"unlinked, another issuer": {w.UnlinkIdentity(ctx, "test", issuer+"/", "1"), store.ErrNotFound},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%s: %v", name, test.err)
		}
	}
	if _, err := w.Identities(ctx, "nobody", "", 10); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	w.must(nil, w.UnlinkIdentity(ctx, "test", issuer, "1"))
	events, err := w.Events(ctx, 1)
	if err != nil || events[0].Kind != "identity.unlink" || events[0].Detail != "alice: 1 of "+issuer || events[0].UserID == "" {
		t.Errorf("%+v, %v", events, err)
	}
}

func TestAnIdentityThatNobodyCanHaveIsNotLinked(t *testing.T) {
	w, _ := newLinked(t)
	for name, claims := range map[string][3]string{
		"no issuer":            {"corp", "", "1"},
		"no subject":           {"corp", issuer, ""},
		"a subject of 256":     {"corp", issuer, strings.Repeat("x", 256)},
		"an issuer of 513":     {"corp", strings.Repeat("x", 513), "1"},
		"a line in a subject":  {"corp", issuer, "1\n2"},
		"a zero in an issuer":  {"corp", "a\x00b", "1"},
		"a line in a provider": {"a\nb", issuer, "3"},
	} {
		if err := w.LinkIdentity(t.Context(), "test", "alice", claims[0], claims[1], claims[2]); err == nil || errors.Is(err, store.ErrExists) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRecordsOfOtherProvidersThatNobodyHasWrittenAreFound(t *testing.T) {
	for statement, want := range map[string]string{
		`UPDATE external_identities SET subject = 'other'`:                 "has an id that is not that of its issuer and subject",
		`UPDATE external_identities SET id = 'x'`:                          "its id is no digest of 64 small hexadecimal digits",
		`UPDATE external_identities SET issuer = ''`:                       "an identity needs an issuer and a subject",
		`UPDATE refused_tokens SET id = upper(id)`:                         "its id is no digest of 64 small hexadecimal digits",
		`UPDATE refused_tokens SET spent = 2`:                              "neither 0 nor 1",
		`UPDATE refused_tokens SET expires = 'x'`:                          "a time is a string in the database",
		`UPDATE users SET tokens_after = -62135596800000000`:               "it is of the year 1",
		`UPDATE sessions SET roles = '["admin"]' WHERE method = 'api_key'`: "has roles or groups of a provider, and did not begin by one",
		`UPDATE sessions SET roles = '["a b"]' WHERE method = 'jwt'`:       "role 'a b': use 1 to 64 letters",
		`UPDATE sessions SET groups = '["a,b"]' WHERE method = 'jwt'`:      "a role or group in the database is damaged",
		`UPDATE sessions SET method = 'oauth' WHERE method = 'jwt'`:        "has the method 'oauth', with which none begins",
	} {
		finds(t, statement, want)
	}
}

func TestIdentitiesAreThereForManyReadersWhileTheyChange(t *testing.T) {
	w, e := newLinked(t)
	ctx := context.WithoutCancel(t.Context())
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				if got := w.checkExternal(e); got != Accepted {
					t.Errorf("%s", got)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range 20 {
		subject := string(rune('a' + i))
		w.must(nil, w.LinkIdentity(ctx, "test", "alice", "corp", issuer, subject))
		w.must(nil, w.SpendToken(ctx, w.external(subject)))
		if i%2 == 0 {
			w.must(nil, w.UnlinkIdentity(ctx, "test", issuer, subject))
		}
	}
	close(stop)
	readers.Wait()
}
