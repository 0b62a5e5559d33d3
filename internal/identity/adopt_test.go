package identity

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// adopt adopts somebody of a subject; with says what else is known of him.
func (w *world) adopt(subject string, with ...func(*NewIdentity)) (store.User, error) {
	return w.Adopt(w.t.Context(), w.identity(subject, with...))
}

func (w *world) identity(subject string, with ...func(*NewIdentity)) NewIdentity {
	n := NewIdentity{External: w.external(subject)}
	for _, f := range with {
		f(&n)
	}
	return n
}

// adopted expects that somebody is adopted as a user.
func (w *world) adopted(want, subject string, with ...func(*NewIdentity)) {
	w.t.Helper()
	n := w.identity(subject, with...)
	u, err := w.Adopt(w.t.Context(), n)
	if err != nil || u.Username != want {
		w.t.Errorf("adopted is '%s', %v; want '%s'", u.Username, err, want)
		return
	}
	if c, reason := w.mirror.CheckExternal(n.External); reason != Accepted || c.User.ID != u.ID {
		w.t.Errorf("the token of '%s' is %s", want, reason)
	}
}

func called(name string) func(*NewIdentity) {
	return func(n *NewIdentity) { n.MayCreate, n.Username = true, name }
}

func withMail(email string) func(*NewIdentity) {
	return func(n *NewIdentity) { n.Email, n.NewEmail = email, email }
}

func from(issuer string) func(*NewIdentity) {
	return func(n *NewIdentity) {
		e := *n.External
		e.Issuer = issuer
		n.External = principal.NewExternal(e)
	}
}

// mailed adds a user with an address of mail, which an administrator gives.
func (w *world) mailed(name, email string) {
	w.t.Helper()
	w.must(w.AddUser(w.t.Context(), "test", NewUser{Username: name, Email: email}))
}

func TestWhoIsLinkedIsWhoHeIs(t *testing.T) {
	w, _ := newLinked(t)
	w.mailed("bob", "bob@example.org")
	w.adopted("alice", "1")
	w.adopted("alice", "1", withMail("bob@example.org"), called("carol"))
	if events, err := w.Events(t.Context(), 10); err != nil || len(events) != 3 {
		t.Errorf("there are other events than before: %+v, %v", events, err)
	}
}

func TestWhoIsLinkedByAnotherProcessIsKnownAtOnce(t *testing.T) {
	w := newWorld(t)
	other := openRegistry(t, w.config)
	w.must(nil, other.LinkIdentity(t.Context(), "test", "alice", "corp", issuer, "1"))
	if got := w.checkExternal(w.external("1")); got != UnknownIdentity {
		t.Fatal(got)
	}
	w.adopted("alice", "1")
}

func TestWhoHasTheAddressOfMailIsLinked(t *testing.T) {
	w := newWorld(t)
	w.mailed("bob", "Bob@Example.org")
	w.adopted("bob", "1", withMail("bob@example.ORG"))
	events, err := w.Events(t.Context(), 1)
	want := store.Event{Kind: "identity.link", Outcome: "ok", Actor: "provider:corp", Detail: "bob: 1 of " + issuer + ", by mail"}
	if err == nil {
		want.ID, want.Time, want.UserID = events[0].ID, events[0].Time, events[0].UserID
	}
	if diff := cmp.Diff(want, events[0]); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	list, err := w.Identities(t.Context(), "bob", "", 10)
	if err != nil || len(list) != 1 || list[0].Email != "bob@example.ORG" || list[0].Provider != "corp" {
		t.Errorf("%+v, %v", list, err)
	}
	// Another provider may mean him as well, but this one not by a second subject.
	w.adopted("bob", "2", from("https://other.example"), withMail("bob@example.org"))
	if _, err := w.adopt("3", withMail("bob@example.org")); !errors.Is(err, ErrNoAccount) {
		t.Errorf("a second subject: %v", err)
	}
}

// Only who has set an address for somebody else has vouched for it.
func TestAnAddressOfMailThatNobodyHasVouchedForLinksNobody(t *testing.T) {
	w := newWorld(t)
	email := "alice@example.org"
	w.setPassword("alice", right)
	w.must(w.EditUserProven(t.Context(), alice(right), UserEdit{Email: &email, Password: newer}))
	w.must(w.EditUserFor(t.Context(), &principal.Principal{User: w.user(t, "alice"), Scopes: principal.AllScopes, Method: principal.MethodAppToken}, "Alice", UserEdit{Email: &email}))
	if _, err := w.adopt("1", withMail(email)); !errors.Is(err, ErrNoAccount) {
		t.Errorf("her own: %v", err)
	}
	w.adopted("mallory", "2", called("mallory"), func(n *NewIdentity) { n.NewEmail = email })
	if _, err := w.adopt("3", withMail(email)); !errors.Is(err, ErrNoAccount) {
		t.Errorf("that of a provider that is not trusted: %v", err)
	}
	w.adopted("carol", "4", called("carol"), func(n *NewIdentity) { n.Email, n.NewEmail = "carol@example.org", email })
	if _, err := w.adopt("5", withMail(email)); !errors.Is(err, ErrNoAccount) {
		t.Errorf("another one than the one that is trusted: %v", err)
	}
	w.must(w.EditUser(t.Context(), "test", "alice", UserEdit{Email: &email}))
	w.must(w.EditUserProven(t.Context(), alice(newer), UserEdit{Email: &email, Password: right}))
	w.adopted("alice", "6", withMail(email))
}

// user is what memory knows of a user.
func (w *world) user(t *testing.T, name string) *principal.User {
	t.Helper()
	u, err := w.User(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return &newAccount(&u).User
}

func TestAnAddressOfMailOfSeveralLinksNobody(t *testing.T) {
	w := newWorld(t)
	w.mailed("bob", "team@example.org")
	w.mailed("carol", "TEAM@example.org")
	for _, email := range []string{"team@example.org", "%@example.org", "team@example.or_", "*", "team@example.org\n", strings.Repeat("x", 300)} {
		if _, err := w.adopt("1", withMail(email)); !errors.Is(err, ErrNoAccount) {
			t.Errorf("'%s': %v", email, err)
		}
	}
}

func TestADisabledUserIsNotAdopted(t *testing.T) {
	w, _ := newLinked(t)
	w.must(w.EditUser(t.Context(), "test", "alice", UserEdit{Email: new("alice@example.org")}))
	w.must(w.DisableUser(t.Context(), "test", "alice"))
	if _, err := w.adopt("1", called("alice")); !errors.Is(err, ErrUserDisabled) {
		t.Errorf("linked: %v", err)
	}
	w.must(nil, w.UnlinkIdentity(t.Context(), "test", issuer, "1"))
	if u, err := w.adopt("2", withMail("alice@example.org"), called("alice")); !errors.Is(err, ErrUserDisabled) || u.ID != "" {
		t.Errorf("by mail: %+v, %v", u, err)
	}
	if list, err := w.Identities(t.Context(), "", "", 10); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestANewUserIsMadeOfWhatTheProviderSays(t *testing.T) {
	w := newWorld(t)
	u, err := w.adopt("1", called("Zoë"), withMail("zoe@example.org"), func(n *NewIdentity) {
		n.DisplayName, n.Roles = " Zoë\n\u202e Zett ", []string{"user", "reader"}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := store.User{
		ID: u.ID, Username: "Zoe", Fold: "zoe", DisplayName: "Zoë Zett", Email: "zoe@example.org", EmailVerified: true, State: store.Active,
		Roles: []string{"reader", "user"}, Groups: []string{}, Epoch: 1, Version: 1, Created: u.Created, Updated: u.Updated,
	}
	got, err := w.User(t.Context(), "zoe")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if has, err := w.HasPassword(t.Context(), u.ID); err != nil || has {
		t.Errorf("there is a password: %t, %v", has, err)
	}
	events, err := w.Events(t.Context(), 2)
	if err != nil || len(events) != 2 {
		t.Fatal(events, err)
	}
	details := map[string]string{}
	for _, e := range events {
		details[e.Kind] = e.Actor + ", " + e.Detail
	}
	if diff := cmp.Diff(map[string]string{"user.add": "provider:corp, Zoe", "identity.link": "provider:corp, Zoe: 1 of " + issuer + ", new"}, details); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestANewUserGetsNobodysName(t *testing.T) {
	w := newWorld(t)
	w.issue("act", forAgents("bob"))
	w.adopted("alice1", "1", called("alice"))
	w.adopted("ALICE2", "2", called("ALICE"))
	w.adopted("alice3", "3", called("ａｌｉｃｅ"))
	w.adopted("bob1", "4", called("bob"))
	w.adopted("admin1", "5", called("admin"))
	w.adopted("WhoAmI1", "6", called("WhoAmI"))
	w.adopted("user", "7", called("Алиса"))
	w.adopted("user1", "8", called(""))
}

func TestWhatCannotBeAdopted(t *testing.T) {
	w := newWorld(t)
	for name, with := range map[string]func(*NewIdentity){
		"nobody may be made":   func(*NewIdentity) {},
		"a role that is none":  func(n *NewIdentity) { n.MayCreate, n.Roles = true, []string{"a,b"} },
		"an issuer with lines": func(n *NewIdentity) { n.MayCreate = true; from("a\nb")(n) },
		"no issuer":            func(n *NewIdentity) { n.MayCreate = true; from("")(n) },
	} {
		_, err := w.adopt("1", with)
		_, malformed := errors.AsType[*InvalidError](err)
		if malformed == errors.Is(err, ErrNoAccount) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if users, err := w.Users(t.Context(), "", 10); err != nil || len(users) != 1 {
		t.Errorf("%+v, %v", users, err)
	}
}

func TestEqualOnesAtTheSameTimeAreOneUser(t *testing.T) {
	w := newWorld(t)
	other := openRegistry(t, w.config)
	n := NewIdentity{External: w.external("1"), MayCreate: true, Username: "bob"}
	ids := make([]string, 8)
	var adopting sync.WaitGroup
	for i := range ids {
		r := []*Registry{w.Registry, other}[i%2]
		adopting.Go(func() {
			u, err := r.Adopt(t.Context(), n)
			if err != nil {
				t.Error(err)
			}
			ids[i] = u.ID
		})
	}
	adopting.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Errorf("'%s' and '%s'", ids[0], id)
		}
	}
}

func TestNamesOfClaims(t *testing.T) {
	for claim, want := range map[string]string{
		"alice": "alice", "Alice Smith": "AliceSmith", "a.b_c-d@e": "a.b_c-d@e", "José": "Jose", "ﬁx": "fix", "①": "1",
		"": "user", "...": "user", "-x-": "x", "аlice": "lice", "李": "user", "a\x00b\u200bc": "abc", "{alice}": "alice", "a/../b": "a..b", "a:b": "ab",
		strings.Repeat("x", 5000): strings.Repeat("x", 60), strings.Repeat("x", 59) + ".y": strings.Repeat("x", 59), "\xff\xfe": "user",
	} {
		if got := adoptedName(claim); got != want {
			t.Errorf("'%s' is '%s', want '%s'", claim, got, want)
		}
	}
}

func TestTheNextNumberIsFoundInFewTries(t *testing.T) {
	long := strings.Repeat("x", maxAdopted)
	for _, test := range []struct {
		base  string
		taken int
		want  string
	}{
		{"x", 0, "x"},
		{"x", 1, "x1"},
		{"x", 2, "x2"},
		{"x", 6, "x6"},
		{"x", 1_000_001, "x1000001"},
		{long, 9999, long + "9999"},
		{long, 1_000_000, long[:57] + "1000000"},
	} {
		tries := 0
		got, err := freeName(test.base, func(name string) (bool, error) {
			tries++
			number, _ := strconv.Atoi(strings.TrimLeft(name, "x"))
			return number < test.taken, nil
		})
		if got != test.want || err != nil || tries > 45 {
			t.Errorf("'%s' after %d tries, %v; want '%s'", got, tries, err, test.want)
		}
	}
}

func TestASearchForANameEnds(t *testing.T) {
	if _, err := freeName("x", func(string) (bool, error) { return true, nil }); err == nil {
		t.Error("a name that is taken is free")
	}
	broken := errors.New("broken")
	for good := range 3 {
		tries := 0
		_, err := freeName("x", func(string) (bool, error) {
			if tries++; tries > good {
				return false, broken
			}
			return true, nil
		})
		if !errors.Is(err, broken) {
			t.Errorf("%v", err)
		}
	}
}
