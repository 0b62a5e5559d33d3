package identity

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// impersonated is a world in which alice has made a key for others, and bob, who is in
// the group support, has one of his own.
type impersonated struct {
	*world
	bob *principal.Principal
	key string
}

func newImpersonated(t testing.TB, with ...func(*NewKey)) *impersonated {
	t.Helper()
	w := newWorld(t)
	w.must(w.AddUser(t.Context(), "test", NewUser{Username: "Bob", Groups: []string{"support"}}))
	_, own, err := w.IssueKey(t.Context(), "test", NewKey{Username: "Bob", Name: "own", Scopes: principal.Read | principal.Extended})
	w.must(own, err)
	key := w.issue("impersonate_us", append([]func(*NewKey){forAgents("bob")}, with...)...)
	w.later(0)
	return &impersonated{w, w.callerBy(own.Reveal()), key}
}

// forAgents makes a key one for impersonation.
func forAgents(agents ...string) func(*NewKey) {
	return func(n *NewKey) {
		n.Impersonation, n.Agents, n.Scopes = true, agents, principal.Read|principal.Write
	}
}

// present is X-Impersonating with a key of alice.
func present(word string) *credential.Presented {
	return &credential.Presented{Kind: credential.Basic, User: "alice", KeyName: "impersonate_us", Word: word}
}

// act lets bob act by a key, from home.
func (w *impersonated) act(word string) (Caller, Reason, error) {
	return w.mirror.Impersonate(w.t.Context(), w.bob, present(word), home, at(Circumstances{Address: home, Path: "/"}))
}

func (w *impersonated) expect(word string, want Reason) {
	w.t.Helper()
	if _, got, err := w.act(word); got != want {
		w.t.Errorf("%s, %v; want %s", got, err, want)
	}
}

func TestAnAgentActsAsTheOwnerOfAKeyWithWhatBothMay(t *testing.T) {
	w := newImpersonated(t)
	c, reason, err := w.act(w.key)
	if reason != Accepted || err != nil || c.User.Name != "alice" || !slices.Contains(c.User.Roles, "admin") {
		t.Fatalf("%+v, %s, %v", c, reason, err)
	}
	// The key may read and write, bob read and more: together they read.
	if c.Scopes != principal.Read {
		t.Errorf("scopes %s", c.Scopes)
	}
}

func TestWhoMayActByAKey(t *testing.T) {
	for name, test := range map[string]struct {
		agents []string
		want   Reason
	}{
		"an agent":                      {[]string{"bob"}, Accepted},
		"an agent written otherwise":    {[]string{"BOB"}, Accepted},
		"one of several":                {[]string{"carol", "bob"}, Accepted},
		"a member of a group":           {[]string{"group:support"}, Accepted},
		"somebody else":                 {[]string{"carol"}, NotAgent},
		"a member of another group":     {[]string{"group:Support", "group:bob"}, NotAgent},
		"nobody where no one is listed": {nil, NotAgent},
	} {
		w := newImpersonated(t, forAgents(test.agents...))
		_, got, err := w.act(w.key)
		if got != test.want || err != nil {
			t.Errorf("%s: %s, %v; want %s", name, got, err, test.want)
		}
	}
}

func TestAUserWhoComesBackUnderAnOldNameIsNoAgent(t *testing.T) {
	w := newImpersonated(t)
	w.must(nil, w.DeleteUser(t.Context(), "test", "bob"))
	w.must(w.AddUser(t.Context(), "test", NewUser{Username: "bob"}))
	_, own, err := w.IssueKey(t.Context(), "test", NewKey{Username: "bob", Name: "own"})
	w.must(own, err)
	w.later(0)
	w.bob = w.callerBy(own.Reveal())
	w.expect(w.key, NotAgent)
}

func TestAKeyThatNobodyCanActBy(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*impersonated) string
		want   Reason
	}{
		"one that was revoked": {func(w *impersonated) string {
			w.must(w.RevokeKey(t.Context(), "test", ref("impersonate_us"), ""))
			return w.key
		}, Revoked},
		"one that is disabled": {func(w *impersonated) string {
			w.must(w.DisableKey(t.Context(), "test", ref("impersonate_us")))
			return w.key
		}, KeyDisabled},
		"one whose owner is":     {func(w *impersonated) string { w.must(w.DisableUser(t.Context(), "test", "alice")); return w.key }, UserDisabled},
		"an ordinary key":        {func(w *impersonated) string { return w.issue("ci") }, WrongName},
		"one with another digit": {func(w *impersonated) string { return otherDigit(w.key) }, Malformed},
		"a password":             {func(*impersonated) string { return right }, Malformed},
		"a key of nobody":        {func(w *impersonated) string { return newImpersonated(t).key }, UnknownKey},
	} {
		w := newImpersonated(t)
		word := test.change(w)
		w.later(0)
		if _, got, err := w.act(word); got != test.want || err != nil {
			t.Errorf("%s: %s, %v; want %s", name, got, err, test.want)
		}
	}
	w := newImpersonated(t)
	ordinary := w.issue("ci")
	w.later(0)
	key := present(ordinary)
	key.KeyName = "ci"
	if _, got, err := w.mirror.Impersonate(t.Context(), w.bob, key, home, at(Circumstances{})); got != NotAgent || err != nil {
		t.Errorf("an ordinary key under its name: %s, %v", got, err)
	}
}

func TestAKeyForImpersonationIsBoundAsAnyOther(t *testing.T) {
	w := newImpersonated(t, func(n *NewKey) {
		n.Networks = []netip.Prefix{netip.PrefixFrom(abroad, 24)}
		n.Expires = newClock().t.Add(time.Hour)
	})
	w.expect(w.key, Address)
	key := at(Circumstances{Address: abroad})
	if _, got, err := w.mirror.Impersonate(t.Context(), w.bob, present(w.key), abroad, key); got != Accepted || err != nil {
		t.Errorf("from the network of the key: %s, %v", got, err)
	}
	w.later(time.Hour)
	if _, got, _ := w.mirror.Impersonate(t.Context(), w.bob, present(w.key), abroad, key); got != Expired {
		t.Errorf("after its end: %s", got)
	}
}

func TestAKeyForImpersonationIsNoCredential(t *testing.T) {
	w := newImpersonated(t)
	if got := w.check(w.key); got != Impersonation {
		t.Errorf("as a bearer: %s", got)
	}
	// Whoever has not the secret learns nothing of what it is for.
	if got := w.check(otherDigit(w.key)); got == Impersonation {
		t.Errorf("with another digit: %s", got)
	}
}

func TestFailuresToActAreCountedForTheCaller(t *testing.T) {
	w := newImpersonated(t)
	w.setPassword("bob", right)
	for range DefaultFailures {
		w.expect(otherDigit(w.key), Malformed)
	}
	_, got, err := w.act(otherDigit(w.key))
	brake, locked := errors.AsType[*BrakeError](err)
	if got != Locked || !locked || !brake.Locked || brake.Wait <= 0 {
		t.Errorf("the next one: %s, %v", got, err)
	}
	// A key is accepted all the same, and the name is locked for passwords as well.
	w.expect(w.key, Accepted)
	if _, _, err := w.mirror.CheckPassword(t.Context(), Attempt{Username: "bob", Password: right, Address: home}); !errors.As(err, &brake) {
		t.Errorf("bob's password from there: %v", err)
	}
	w.setPassword("alice", right)
	if _, got, err := w.mirror.CheckPassword(t.Context(), alice(right)); got != Accepted {
		t.Errorf("alice, who has done nothing: %s, %v", got, err)
	}
}

func TestActingIsRecordedOnceInAnHour(t *testing.T) {
	w := newImpersonated(t)
	for range 3 {
		w.expect(w.key, Accepted)
	}
	events := w.events("impersonation.begin")
	if len(events) != 1 {
		t.Fatalf("events %+v", events)
	}
	e, k := events[0], w.keyNamed("impersonate_us")
	want := store.Event{
		ID: e.ID, Time: e.Time, Kind: e.Kind, Outcome: "ok", Actor: "user:Bob", OnBehalfOf: "user:alice",
		UserID: k.UserID, KeyID: k.ID, Detail: "alice by Bob from 192.0.2.7",
	}
	if e != want {
		t.Errorf("got  %+v\nwant %+v", e, want)
	}
	w.later(time.Hour)
	w.expect(w.key, Accepted)
	if events := w.events("impersonation.begin"); len(events) != 2 {
		t.Errorf("an hour later there are %d events", len(events))
	}
}

// keyNamed is a key of alice.
func (w *world) keyNamed(name string) store.Key {
	w.t.Helper()
	k, err := w.Key(w.t.Context(), ref(name))
	w.must(k, err)
	return k
}

func TestNobodyActsWithoutARecord(t *testing.T) {
	w := newImpersonated(t)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, got, err := w.act(w.key); got != NotFresh || err == nil {
		t.Errorf("%s, %v", got, err)
	}
}

func TestWhoActsIsHeldAgainstBothCredentialsOnceMore(t *testing.T) {
	for name, end := range map[string]func(*impersonated){
		"the key of the owner": func(w *impersonated) { w.must(w.RevokeKey(t.Context(), "test", ref("impersonate_us"), "")) },
		"the key of the agent": func(w *impersonated) {
			w.must(w.RevokeKey(t.Context(), "test", store.KeyRef{UserFold: "bob", Name: "own"}, ""))
		},
		"the account of either": func(w *impersonated) { w.must(w.DisableUser(t.Context(), "test", "bob")) },
	} {
		w := newImpersonated(t)
		owner, reason, err := w.act(w.key)
		if reason != Accepted {
			t.Fatal(reason, err)
		}
		p := *w.bob
		p.User, p.Scopes = owner.User, owner.Scopes
		p.Impersonation = &principal.Impersonation{By: w.bob.User, KeyID: owner.ID.String()}
		if got := w.mirror.Recheck(&p, at(Circumstances{})); got != Accepted {
			t.Errorf("%s, before it ends: %s", name, got)
		}
		end(w)
		w.later(0)
		if got := w.mirror.Recheck(&p, at(Circumstances{})); got == Accepted {
			t.Errorf("%s has ended, and he goes on", name)
		}
	}
}

func TestWhoActsAsAnotherMakesNoKeys(t *testing.T) {
	w := newImpersonated(t)
	w.issue("ci")
	acting := *w.bob
	acting.User, acting.Scopes = w.callerBy(w.issue("other")).User, principal.AllScopes
	acting.Impersonation = &principal.Impersonation{By: w.bob.User, KeyID: w.keyNamed("impersonate_us").ID}
	w.must(w.DisableKey(t.Context(), "test", ref("ci")))
	for what, try := range map[string]func() error{
		"make a key":   func() error { _, _, err := w.IssueKeyFor(t.Context(), &acting, NewKey{Name: "new"}); return err },
		"rotate a key": func() error { _, _, err := w.RotateKeyFor(t.Context(), &acting, ref("other")); return err },
		"rotate the agent's key": func() error {
			_, _, err := w.RotateKeyFor(t.Context(), &acting, store.KeyRef{ID: w.bob.KeyID})
			return err
		},
		"enable a key": func() error { _, err := w.EnableKeyFor(t.Context(), &acting, ref("ci")); return err },
	} {
		if err := try(); !errors.Is(err, ErrImpersonated) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestKeysForImpersonationThatAreRefused(t *testing.T) {
	w := newWorld(t)
	for name, n := range map[string]NewKey{
		"the scope extended":       {Impersonation: true, Scopes: principal.Read | principal.Extended},
		"agents of an ordinary":    {Agents: []string{"bob"}},
		"a name that is none":      {Impersonation: true, Agents: []string{"bob:x"}},
		"an empty name":            {Impersonation: true, Agents: []string{""}},
		"a group that is none":     {Impersonation: true, Agents: []string{"group:"}},
		"a group with a comma":     {Impersonation: true, Agents: []string{"group:a,b"}},
		"more agents than 64":      {Impersonation: true, Agents: slices.Repeat([]string{"bob"}, 65)},
		"a name with a line end":   {Impersonation: true, Agents: []string{"bob\n"}},
		"a name longer than names": {Impersonation: true, Agents: []string{string(make([]byte, 65))}},
	} {
		n.Username, n.Name = "alice", "key"
		_, _, err := w.IssueKey(t.Context(), "test", n)
		if _, isInvalid := errors.AsType[*InvalidError](err); !isInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err := w.IssueKey(t.Context(), "test", NewKey{Username: "alice", Name: "key", Impersonation: true, Agents: []string{"Bob", "group:ops", "bob"}})
	w.must(nil, err)
	if k := w.keyNamed("key"); !slices.Equal(k.Agents, []string{"bob", "group:ops"}) {
		t.Errorf("agents are kept as %q", k.Agents)
	}
}

// BenchmarkImpersonate is what acting as another user costs: the check of the agent's own
// key, and then that of the owner's.
func BenchmarkImpersonate(b *testing.B) {
	w := newImpersonated(b)
	own := w.issue("own")
	w.later(0)
	circumstances := at(Circumstances{Address: home, Path: "/"})
	b.Run("own key", func(b *testing.B) {
		presented := &credential.Presented{Kind: credential.Bearer, Word: own}
		b.ReportAllocs()
		for b.Loop() {
			if _, got := w.mirror.Check(presented, circumstances); got != Accepted {
				b.Fatal(got)
			}
		}
	})
	b.Run("key of the owner", func(b *testing.B) {
		presented := present(w.key)
		b.ReportAllocs()
		for b.Loop() {
			if _, got, err := w.mirror.Impersonate(b.Context(), w.bob, presented, home, circumstances); got != Accepted {
				b.Fatal(got, err)
			}
		}
	})
}
