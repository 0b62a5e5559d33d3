package identity

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

func TestAnAcceptedKeyGivesItsCaller(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci", func(n *NewKey) { n.Scopes = principal.Read | principal.Extended })
	caller, reason := w.mirror.Check(&credential.Presented{Kind: credential.Bearer, Word: word}, at(Circumstances{}))
	if reason != Accepted {
		t.Fatal(reason)
	}
	if caller.User.Name != "alice" || caller.Scopes.String() != "read,extended" || !strings.Contains(word, caller.ID.String()) {
		t.Errorf("caller %+v", caller)
	}
	if diff := cmp.Diff([]string{"admin"}, caller.User.Roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	if caller.User.GroupList != "ops" {
		t.Errorf("groups '%s'", caller.User.GroupList)
	}
}

func TestKeysThatAreNotAccepted(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci")
	unknown, err := credential.NewKey(w.random, "sly", credential.KeyID([]byte("000000000000")))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := credential.ParseKey(word)
	forged, err := credential.NewKey(w.random, "sly", id)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		word string
		want Reason
	}{
		"nothing":                  {"", Malformed},
		"no key":                   {"password", Malformed},
		"an id that nobody has":    {unknown.Reveal(), UnknownKey},
		"a right id, wrong secret": {forged.Reveal(), WrongSecret},
	} {
		if got := w.check(test.word); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestBasicMustNameOwnerAndKey(t *testing.T) {
	w := newWorld(t)
	w.addUser("bob")
	word := w.issue("ci")
	for name, test := range map[string]struct {
		user, key string
		want      Reason
	}{
		"the owner":                 {"alice", "", Accepted},
		"the owner in another case": {"ALICE", "", Accepted},
		"the owner and the key":     {"alice", "ci", Accepted},
		"another user":              {"bob", "", WrongUser},
		"nobody":                    {"", "", WrongUser},
		"another key name":          {"alice", "cd", WrongName},
		"a key name in upper case":  {"alice", "CI", WrongName},
	} {
		_, got := w.mirror.Check(&credential.Presented{Kind: credential.Basic, User: test.user, KeyName: test.key, Word: word}, at(Circumstances{}))
		if got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestLifeOfAKey(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	word := w.issue("ci", func(n *NewKey) {
		n.NotBefore, n.Expires = w.clock.now().Add(time.Minute), w.clock.now().Add(time.Hour)
	})
	id, _ := credential.ParseKey(word)
	byID := store.KeyRef{ID: id.String()}
	expect := func(want Reason) {
		t.Helper()
		if err := w.poll(); err != nil {
			t.Fatal(err)
		}
		if got := w.check(word); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	expect(NotYetValid)
	w.clock.add(time.Minute)
	expect(Accepted)
	w.must(w.DisableKey(ctx, "test", ref("ci")))
	expect(KeyDisabled)
	w.must(w.EnableKey(ctx, "test", ref("ci")))
	expect(Accepted)
	w.must(w.DisableUser(ctx, "test", "Alice"))
	expect(UserDisabled)
	w.must(w.EnableUser(ctx, "test", "alice"))
	expect(Accepted)
	w.clock.add(58*time.Minute + 59*time.Second)
	expect(Accepted)
	w.clock.add(time.Second)
	expect(Expired)
	w.clock.add(-time.Hour + time.Minute)
	expect(Accepted)
	w.must(w.RevokeKey(ctx, "test", byID, "laptop lost"))
	expect(Revoked)
	w.must(nil, w.DeleteUser(ctx, "test", "alice"))
	expect(UnknownKey)
}

func TestRotationOverlaps(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	first := w.issue("ci", func(n *NewKey) { n.Expires = w.clock.now().Add(time.Hour) })
	rotate := func(overlap time.Duration) string {
		t.Helper()
		_, word, err := w.RotateKey(ctx, "test", ref("ci"), overlap)
		if err != nil {
			t.Fatal(err)
		}
		return word.Reveal()
	}
	expect := func(word string, want Reason) {
		t.Helper()
		if err := w.poll(); err != nil {
			t.Fatal(err)
		}
		if got := w.check(word); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	second := rotate(10 * time.Minute)
	expect(first, Accepted)
	expect(second, Accepted)
	w.clock.add(10 * time.Minute)
	expect(first, Expired)
	expect(second, Accepted)

	third := rotate(5 * time.Minute)
	fourth := rotate(2 * time.Hour)
	expect(second, WrongSecret)
	expect(third, Accepted)
	expect(fourth, Accepted)
	w.must(w.DisableKey(ctx, "test", ref("ci")))
	expect(third, KeyDisabled)
	w.must(w.EnableKey(ctx, "test", ref("ci")))
	// The overlap does not outlive the key.
	w.clock.add(50 * time.Minute)
	expect(third, Expired)
	expect(fourth, Expired)
	w.clock.add(-50 * time.Minute)

	fifth := rotate(0)
	expect(fourth, WrongSecret)
	expect(fifth, Accepted)
	sixth := rotate(time.Minute)
	w.must(w.RevokeKey(ctx, "test", ref("ci"), ""))
	expect(fifth, WrongSecret)
	expect(sixth, Revoked)
}

func TestLimitsAreCheckedOnEveryRequest(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct {
		limits    store.Limits
		good, bad []Circumstances
		want      Reason
	}{
		"networks": {
			store.Limits{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128"), netip.MustParsePrefix("::ffff:198.51.100.0/120")}},
			[]Circumstances{{Address: netip.MustParseAddr("192.0.2.7")}, {Address: netip.MustParseAddr("2001:db8::1")}, {Address: netip.MustParseAddr("198.51.100.9")}},
			[]Circumstances{{Address: netip.MustParseAddr("192.0.3.7")}, {Address: netip.MustParseAddr("2001:db8::2")}, {}},
			Address,
		},
		"user agent": {
			store.Limits{UserAgent: "backup/1.0"},
			[]Circumstances{{UserAgent: "backup/1.0"}},
			[]Circumstances{{UserAgent: "backup/1.0.1"}, {UserAgent: ""}},
			UserAgent,
		},
		"audience": {
			store.Limits{Audience: []string{"reports", "billing"}},
			[]Circumstances{{Audience: "billing"}},
			[]Circumstances{{Audience: "admin"}, {Audience: ""}},
			Audience,
		},
		"subject": {
			store.Limits{Subject: []string{"/reports/*", "/status"}},
			[]Circumstances{{Path: "/reports/"}, {Path: "/reports/2026/11"}, {Path: "/status"}},
			[]Circumstances{
				{Path: "/reports"},
				{Path: "/admin"},
				{Path: "/status/more"},
				{Path: "/STATUS"},
				{Path: "/reports/../admin"},
				{Path: "/reports/./x"},
				{Path: "/reports//x"},
				{Path: `/reports/..\admin`},
				{Path: "/reports/x\x00"},
				{Path: "/reports/.."},
				{Path: ""},
				{Path: "*"},
				{Path: "/reports/..;/admin"},
				{Path: "/reports/.;x/admin"},
				{Path: "/reports/%2e%2e/admin"},
				{Path: "/reports/.. /admin"},
				{Path: "/reports/.\t./admin"},
				{Path: "/reports/\xc0\xae\xc0\xae/admin"},
				{Path: "/reports/．．/admin"},
				{Path: "/reports/..／admin"},
				{Path: "/reports/x?q"},
				{Path: "/reports/x#f"},
			},
			Subject,
		},
		"API version": {
			store.Limits{APIVersion: "2"},
			[]Circumstances{{APIVersion: "2"}},
			[]Circumstances{{APIVersion: "1"}, {APIVersion: ""}},
			APIVersion,
		},
	} {
		word := w.issue(strings.ReplaceAll(name, " ", "-"), func(n *NewKey) { n.Limits = test.limits })
		presented := credential.Presented{Kind: credential.Bearer, Word: word}
		for _, c := range test.good {
			if _, got := w.mirror.Check(&presented, at(c)); got != Accepted {
				t.Errorf("%s: %+v is refused: %s", name, c, got)
			}
		}
		for _, c := range test.bad {
			if _, got := w.mirror.Check(&presented, at(c)); got != test.want {
				t.Errorf("%s: %+v gives %s, want %s", name, c, got, test.want)
			}
		}
	}
	unbound := w.issue("unbound")
	c := Circumstances{Audience: "reports", APIVersion: "7", Path: "/any/../where", UserAgent: "x"}
	if _, got := w.mirror.Check(&credential.Presented{Kind: credential.Bearer, Word: unbound}, at(c)); got != Accepted {
		t.Errorf("an unbound key is refused: %s", got)
	}
}

func TestRecheckHoldsAProvenKeyAgainstOtherCircumstances(t *testing.T) {
	w := newWorld(t)
	word := w.issue("ci", func(n *NewKey) { n.Audience = []string{"reports"} })
	id, _ := credential.ParseKey(word)
	if got := w.mirror.Recheck(&principal.Principal{Method: principal.MethodAPIKey, KeyID: id.String()}, at(Circumstances{Audience: "reports"})); got != Accepted {
		t.Errorf("at its audience: %s", got)
	}
	if got := w.mirror.Recheck(&principal.Principal{Method: principal.MethodAPIKey, KeyID: id.String()}, at(Circumstances{Audience: "admin"})); got != Audience {
		t.Errorf("elsewhere: %s", got)
	}
	for _, unknown := range []string{"", "000000000000", "not an id"} {
		if got := w.mirror.Recheck(&principal.Principal{Method: principal.MethodAPIKey, KeyID: unknown}, at(Circumstances{})); got != UnknownKey {
			t.Errorf("'%s': %s", unknown, got)
		}
	}
	w.clock.add(freshFor)
	if got := w.mirror.Recheck(&principal.Principal{Method: principal.MethodAPIKey, KeyID: id.String()}, at(Circumstances{Audience: "reports"})); got != NotFresh {
		t.Errorf("not fresh: %s", got)
	}
}

func TestEveryReasonHasAName(t *testing.T) {
	seen := map[string]bool{}
	for r := range reasons {
		if r.String() == "" || seen[r.String()] {
			t.Errorf("reason %d is called '%s'", r, r)
		}
		seen[r.String()] = true
	}
}
