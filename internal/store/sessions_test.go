package store_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// session is a log-in of owner by password; its id is the number, so that they
// sort as they began.
func session(owner *store.User, id string, tokens ...store.Token) store.Session {
	s := store.Session{
		ID: id, UserID: owner.ID, Username: owner.Username, Method: principal.MethodPassword,
		Scopes: principal.AllScopes, Roles: []string{}, Groups: []string{},
		Address: "192.0.2.7", UserAgent: "curl/8", Created: now, Tokens: tokens,
	}
	for i := range s.Tokens {
		t := &s.Tokens[i]
		t.SessionID, t.UserID, t.Scopes, t.Roles, t.Groups = id, owner.ID, s.Scopes, s.Roles, s.Groups
		t.Limits = store.Limits{Networks: []netip.Prefix{}, Audience: []string{}, Subject: []string{}}
	}
	return s
}

// token lives for an hour, and a minute unused. Its id has 12 characters.
func token(id string) store.Token {
	return store.Token{
		ID: id, Kind: credential.AppToken, Verifier: credential.Verifier{7, 8, 9}, Pepper: 1,
		Expires: now.Add(time.Hour), Idle: time.Minute, LastUsed: now,
	}
}

func sessions(t *testing.T, s *store.Store, f store.SessionFilter) []store.Session {
	t.Helper()
	f.Limit = 10_000
	list, err := s.Sessions(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// ids names what is listed.
func ids(list []store.Session) (names []string) {
	for i := range list {
		names = append(names, list[i].ID)
	}
	return names
}

// since reads what has changed after a number.
func since(t *testing.T, s *store.Store, number int64) store.Delta {
	t.Helper()
	delta, err := s.ChangesSince(t.Context(), store.Position{Number: number})
	if err != nil || !delta.Complete {
		t.Fatalf("complete %t, %v", delta.Complete, err)
	}
	return delta
}

// gone expects that just these tokens have gone since a number.
func gone(t *testing.T, s *store.Store, number int64, want ...string) {
	t.Helper()
	got := since(t, s, number).GoneTokens
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tokens gone (-want +got):\n%s", diff)
	}
}

func TestSessionComesBackAsItWasStored(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		forEver := token("BBBBBBBBBBBB")
		forEver.Kind, forEver.Expires, forEver.Idle = credential.SessionToken, time.Time{}, 0
		want := session(&owner, "1", token("AAAAAAAAAAAA"), forEver)
		change(t, s, func(c *store.Change) error { return errors.Join(c.InsertUser(&owner), c.InsertSession(&want)) })
		got := sessions(t, s, store.SessionFilter{})
		if diff := cmp.Diff([]store.Session{want}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		change(t, s, func(c *store.Change) error {
			within, err := c.Session("1")
			want.Tokens = nil
			if diff := cmp.Diff(want, within); diff != "" {
				t.Errorf("within a change (-want +got):\n%s", diff)
			}
			id, tokenErr := c.SessionOfToken("BBBBBBBBBBBB")
			if id != "1" {
				t.Errorf("the token belongs to '%s'", id)
			}
			return errors.Join(err, tokenErr)
		})
	})
}

func TestSessionsAreFound(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice, bob := user("alice"), user("bob")
		k := key(&bob, idA, "ci")
		one, two, three := session(&alice, "1"), session(&bob, "2"), session(&bob, "3")
		three.Method, three.KeyID = principal.MethodAPIKey, k.ID
		change(t, s, func(c *store.Change) error {
			return errors.Join(c.InsertUser(&alice), c.InsertUser(&bob), c.InsertKey(&k), c.InsertSession(&one), c.InsertSession(&two), c.InsertSession(&three))
		})
		for name, test := range map[string]struct {
			filter store.SessionFilter
			want   []string
		}{
			"all":              {store.SessionFilter{}, []string{"1", "2", "3"}},
			"one":              {store.SessionFilter{ID: "2"}, []string{"2"}},
			"of bob":           {store.SessionFilter{UserID: bob.ID}, []string{"2", "3"}},
			"of a key":         {store.SessionFilter{KeyID: k.ID}, []string{"3"}},
			"by password":      {store.SessionFilter{Method: principal.MethodPassword}, []string{"1", "2"}},
			"bob's, by a key":  {store.SessionFilter{UserID: bob.ID, Method: principal.MethodAPIKey}, []string{"3"}},
			"after the first":  {store.SessionFilter{After: "1"}, []string{"2", "3"}},
			"another's by id":  {store.SessionFilter{ID: "1", UserID: bob.ID}, nil},
			"of nobody at all": {store.SessionFilter{UserID: "nobody"}, nil},
		} {
			if diff := cmp.Diff(test.want, ids(sessions(t, s, test.filter))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if list, err := s.Sessions(t.Context(), store.SessionFilter{Limit: 2}); err != nil || len(list) != 2 {
			t.Errorf("two at most: %v, %v", ids(list), err)
		}
	})
}

func TestSessionsThatHaveEndedCanBeLeftOut(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		expires, idle, endless := token("AAAAAAAAAAAA"), token("BBBBBBBBBBBB"), token("CCCCCCCCCCCC")
		expires.Idle, idle.Expires = 0, time.Time{}
		endless.Expires, endless.Idle = time.Time{}, 0
		one, two, three, none := session(&owner, "1", expires), session(&owner, "2", idle), session(&owner, "3", endless), session(&owner, "4")
		change(t, s, func(c *store.Change) error {
			return errors.Join(c.InsertUser(&owner), c.InsertSession(&one), c.InsertSession(&two), c.InsertSession(&three), c.InsertSession(&none))
		})
		for after, want := range map[time.Duration][]string{
			time.Minute:                    {"1", "2", "3"},
			time.Minute + time.Microsecond: {"1", "3"},
			time.Hour - time.Microsecond:   {"1", "3"},
			time.Hour:                      {"3"},
		} {
			at := now.Add(after)
			if diff := cmp.Diff(want, ids(sessions(t, s, store.SessionFilter{Alive: at}))); diff != "" {
				t.Errorf("after %s (-want +got):\n%s", after, diff)
			}
			for _, token := range []store.Token{expires, idle, endless} {
				listed := len(sessions(t, s, store.SessionFilter{Alive: at, ID: map[string]string{expires.ID: "1", idle.ID: "2", endless.ID: "3"}[token.ID]})) == 1
				if listed == token.Ended(at) {
					t.Errorf("after %s, Token.Ended says %t of %s", after, !listed, token.ID)
				}
			}
		}
	})
}

func TestWhatIsNoSession(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		change(t, s, func(c *store.Change) error { return c.InsertUser(&owner) })
		change(t, s, func(c *store.Change) error {
			_, sessionErr := c.Session("1")
			_, tokenErr := c.SessionOfToken("AAAAAAAAAAAA")
			for name, err := range map[string]error{"session": sessionErr, "token": tokenErr} {
				if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s: %v", name, err)
				}
			}
			for _, f := range []store.SessionFilter{{}, {Method: principal.MethodPassword}, {After: "1", Limit: 1}} {
				if _, err := c.EndSessions(f); err == nil {
					t.Errorf("%+v ends all sessions of everybody", f)
				}
			}
			if n, err := c.EndSessions(store.SessionFilter{ID: "1"}); n != 0 || err != nil {
				t.Errorf("%d sessions that are not there have ended: %v", n, err)
			}
			return nil
		})
		nobody := user("nobody")
		for name, begun := range map[string]store.Session{
			"of nobody":          session(&nobody, "1"),
			"of no key":          {ID: "2", UserID: owner.ID, KeyID: idA, Method: principal.MethodAPIKey},
			"with a token twice": session(&owner, "3", token("AAAAAAAAAAAA"), token("AAAAAAAAAAAA")),
		} {
			if err := s.Change(t.Context(), func(c *store.Change) error { return c.InsertSession(&begun) }); err == nil {
				t.Errorf("a session %s was stored", name)
			}
		}
		if list := sessions(t, s, store.SessionFilter{}); len(list) != 0 {
			t.Errorf("there are sessions: %v", ids(list))
		}
	})
}

func TestAnEndedSessionTakesItsTokensWithIt(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice, bob := user("alice"), user("bob")
		one, two := session(&alice, "1", token("AAAAAAAAAAAA"), token("BBBBBBBBBBBB")), session(&alice, "2", token("CCCCCCCCCCCC"))
		three := session(&bob, "3", token("DDDDDDDDDDDD"))
		change(t, s, func(c *store.Change) error {
			return errors.Join(c.InsertUser(&alice), c.InsertUser(&bob), c.InsertSession(&one), c.InsertSession(&two), c.InsertSession(&three))
		})
		before := number(t, s)
		end(t, s, store.SessionFilter{ID: "1"}, 1)
		gone(t, s, before, "AAAAAAAAAAAA", "BBBBBBBBBBBB")
		end(t, s, store.SessionFilter{UserID: alice.ID}, 1)
		gone(t, s, before, "AAAAAAAAAAAA", "BBBBBBBBBBBB", "CCCCCCCCCCCC")
		if diff := cmp.Diff([]string{"3"}, ids(sessions(t, s, store.SessionFilter{}))); diff != "" {
			t.Errorf("sessions left (-want +got):\n%s", diff)
		}
	})
}

// end ends sessions, of which there must be so many.
func end(t *testing.T, s *store.Store, f store.SessionFilter, want int) {
	t.Helper()
	change(t, s, func(c *store.Change) error {
		n, err := c.EndSessions(f)
		if n != want {
			t.Errorf("%d sessions have ended, want %d", n, want)
		}
		return err
	})
}

func TestADeletedUserTakesPasswordAndSessionsAlong(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		k := key(&owner, idA, "ci")
		one, two := session(&owner, "1", token("AAAAAAAAAAAA")), session(&owner, "2", token("BBBBBBBBBBBB"))
		two.Method, two.KeyID = principal.MethodAPIKey, k.ID
		change(t, s, func(c *store.Change) error {
			return errors.Join(c.InsertUser(&owner), c.InsertKey(&k), c.SetPassword(&owner, store.Password{PHC: "phc", Changed: now}),
				c.InsertSession(&one), c.InsertSession(&two))
		})
		before := number(t, s)
		change(t, s, func(c *store.Change) error { return c.DeleteUser(&owner) })
		gone(t, s, before, "AAAAAAAAAAAA", "BBBBBBBBBBBB")
		db := plain(t, s.Location())
		for _, table := range []string{"users", "passwords", "api_keys", "sessions", "tokens"} {
			var left int
			if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&left); err != nil || left != 0 {
				t.Errorf("%s: %d left, %v", table, left, err)
			}
		}
	})
}

func TestOnlyTheNewestSessionsOfAUserAreKept(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice, bob := user("alice"), user("bob")
		of := func(owner *store.User, id string) *store.Session {
			begun := session(owner, id, token("token"+owner.Username[:3]+fmt.Sprintf("%04s", id)))
			return &begun
		}
		change(t, s, func(c *store.Change) error {
			err := errors.Join(c.InsertUser(&alice), c.InsertUser(&bob), c.InsertSession(of(&bob, "0")))
			for _, id := range []string{"3", "1", "4", "2"} {
				err = errors.Join(err, c.InsertSession(of(&alice, id)))
			}
			return err
		})
		for _, test := range []struct {
			keep, ended int
			left        []string
		}{
			{5, 0, []string{"0", "1", "2", "3", "4"}},
			{4, 0, []string{"0", "1", "2", "3", "4"}},
			{3, 1, []string{"0", "2", "3", "4"}},
			{1, 2, []string{"0", "4"}},
			{0, 1, []string{"0"}},
		} {
			before := number(t, s)
			change(t, s, func(c *store.Change) error {
				n, err := c.EndOldestSessions(alice.ID, "", test.keep)
				if n != test.ended {
					t.Errorf("to keep %d, %d have ended; want %d", test.keep, n, test.ended)
				}
				return err
			})
			if diff := cmp.Diff(test.left, ids(sessions(t, s, store.SessionFilter{}))); diff != "" {
				t.Errorf("keeping %d leaves (-want +got):\n%s", test.keep, diff)
			}
			if n := len(since(t, s, before).GoneTokens); n != test.ended {
				t.Errorf("%d tokens have gone, want %d", n, test.ended)
			}
		}
	})
}

func TestSessionsOfAKeyAndOthersDoNotCountForEachOther(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice := user("alice")
		a, b := key(&alice, idA, "a"), key(&alice, idB, "b")
		change(t, s, func(c *store.Change) error {
			err := errors.Join(c.InsertUser(&alice), c.InsertKey(&a), c.InsertKey(&b))
			for i, keyID := range []string{"", a.ID, b.ID, a.ID, "", b.ID, a.ID} {
				id := fmt.Sprint(i)
				begun := session(&alice, id, token("token-"+id))
				begun.KeyID = keyID
				err = errors.Join(err, c.InsertSession(&begun))
			}
			return err
		})
		for _, test := range []struct {
			keyID string
			left  []string
		}{
			{a.ID, []string{"0", "2", "4", "5", "6"}},
			{"", []string{"2", "4", "5", "6"}},
			{b.ID, []string{"4", "5", "6"}},
		} {
			change(t, s, func(c *store.Change) error {
				_, err := c.EndOldestSessions(alice.ID, test.keyID, 1)
				return err
			})
			if diff := cmp.Diff(test.left, ids(sessions(t, s, store.SessionFilter{}))); diff != "" {
				t.Errorf("one of key '%s' leaves (-want +got):\n%s", test.keyID, diff)
			}
		}
	})
}
