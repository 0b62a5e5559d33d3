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
		Scopes: principal.AllScopes, Address: "192.0.2.7", UserAgent: "curl/8", Created: now, Tokens: tokens,
	}
	for i := range s.Tokens {
		t := &s.Tokens[i]
		t.SessionID, t.UserID, t.Scopes = id, owner.ID, s.Scopes
		t.Limits = store.Limits{Networks: []netip.Prefix{}, Audience: []string{}, Subject: []string{}}
	}
	return s
}

// token lives for an hour, and a minute unused. Its id has 12 characters.
func token(id string) store.Token {
	return store.Token{
		ID: id, Kind: credential.AppToken, Verifier: credential.Verifier{7, 8, 9},
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
	delta, err := s.ChangesSince(t.Context(), number)
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

func TestATokenIsBoundAsItsKeyIs(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		k := key(&owner, idA, "ci")
		k.Limits = store.Limits{
			Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, UserAgent: "curl/8",
			Audience: []string{"reports"}, Subject: []string{"/reports/*"}, APIVersion: "2",
		}
		begun := session(&owner, "1", token("AAAAAAAAAAAA"))
		begun.Method, begun.KeyID = principal.MethodAPIKey, k.ID
		change(t, s, func(c *store.Change) error {
			return errors.Join(c.InsertUser(&owner), c.InsertKey(&k), c.InsertSession(&begun))
		})
		listed := sessions(t, s, store.SessionFilter{KeyID: k.ID})[0].Tokens[0]
		changed := since(t, s, 0).Tokens[0]
		var loaded store.Token
		_, err := s.Load(t.Context(), func(*store.User) error { return nil }, func(*store.Key) error { return nil },
			func(t *store.Token) error { loaded = *t; return nil })
		if err != nil {
			t.Fatal(err)
		}
		for where, got := range map[string]store.Token{"the list": listed, "the changes": changed, "the load": loaded} {
			if diff := cmp.Diff(k.Limits, got.Limits, exact); diff != "" || got.UserID != owner.ID || got.Scopes != begun.Scopes {
				t.Errorf("%s: %+v (-want +got):\n%s", where, got, diff)
			}
		}
	})
}

func TestLoadGivesTokensInOrder(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		begun := session(&owner, "1", token("zzzzzzzzzzzz"), token("000000000000"), token("aaaaaaaaaaaa"), token("ZZZZZZZZZZZZ"))
		change(t, s, func(c *store.Change) error { return errors.Join(c.InsertUser(&owner), c.InsertSession(&begun)) })
		var got []string
		_, err := s.Load(t.Context(), func(*store.User) error { return nil }, nil, func(t *store.Token) error {
			got = append(got, t.ID)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"000000000000", "ZZZZZZZZZZZZ", "aaaaaaaaaaaa", "zzzzzzzzzzzz"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		stop := errors.New("stop")
		if _, err := s.Load(t.Context(), func(*store.User) error { return nil }, nil, func(*store.Token) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("an error of the reader is lost: %v", err)
		}
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
				n, err := c.EndOldestSessions(alice.ID, test.keep)
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

func TestTokensOfAKeyAreCapped(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		k, other := key(&owner, idA, "ci"), key(&owner, idB, "cd")
		long, short, endless := token("AAAAAAAAAAAA"), token("BBBBBBBBBBBB"), token("CCCCCCCCCCCC")
		short.Expires, endless.Expires = now.Add(time.Minute), time.Time{}
		one, two := session(&owner, "1", long, short, endless), session(&owner, "2", token("DDDDDDDDDDDD"))
		one.KeyID, two.KeyID = k.ID, other.ID
		change(t, s, func(c *store.Change) error {
			return errors.Join(c.InsertUser(&owner), c.InsertKey(&k), c.InsertKey(&other), c.InsertSession(&one), c.InsertSession(&two))
		})
		before, until := number(t, s), now.Add(10*time.Minute)
		change(t, s, func(c *store.Change) error { return c.CapTokens(k.ID, until) })
		for _, token := range slices.Concat(sessions(t, s, store.SessionFilter{})[0].Tokens, sessions(t, s, store.SessionFilter{})[1].Tokens) {
			want := map[string]time.Time{"AAAAAAAAAAAA": until, "BBBBBBBBBBBB": short.Expires, "CCCCCCCCCCCC": until, "DDDDDDDDDDDD": now.Add(time.Hour)}[token.ID]
			if !token.Expires.Equal(want) {
				t.Errorf("%s ends at %s, want %s", token.ID, token.Expires, want)
			}
		}
		if n := len(since(t, s, before).Tokens); n != 2 {
			t.Errorf("%d tokens count as changed, want 2", n)
		}
	})
}

func TestSweepSessionsRemovesWhatIsOver(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		expired, idle, endless := token("AAAAAAAAAAAA"), token("BBBBBBBBBBBB"), token("CCCCCCCCCCCC")
		expired.Expires, expired.Idle = now.Add(-time.Microsecond), 0
		idle.LastUsed = now.Add(-time.Minute - time.Microsecond)
		endless.Expires, endless.Idle, endless.LastUsed = time.Time{}, 0, now.Add(-1000*time.Hour)
		justUsed := token("DDDDDDDDDDDD")
		justUsed.Expires, justUsed.LastUsed = now, now.Add(-time.Minute)
		one, two, three := session(&owner, "1", expired, endless), session(&owner, "2", idle), session(&owner, "3", justUsed)
		change(t, s, func(c *store.Change) error {
			return errors.Join(c.InsertUser(&owner), c.InsertSession(&one), c.InsertSession(&two), c.InsertSession(&three))
		})
		before := number(t, s)
		change(t, s, func(c *store.Change) error { return c.SweepSessions(now, 10) })
		gone(t, s, before, "AAAAAAAAAAAA", "BBBBBBBBBBBB")
		// A session lives on in its last token.
		if diff := cmp.Diff([]string{"1", "3"}, ids(sessions(t, s, store.SessionFilter{}))); diff != "" {
			t.Errorf("sessions left (-want +got):\n%s", diff)
		}
	})
}

func TestASweepIsBounded(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		const all, atOnce = 25, 10
		change(t, s, func(c *store.Change) error {
			err := c.InsertUser(&owner)
			for i := range all {
				begun := session(&owner, fmt.Sprintf("%02d", i), token(fmt.Sprintf("%012d", i)))
				err = errors.Join(err, c.InsertSession(&begun))
			}
			return err
		})
		for _, left := range []int{15, 5, 0, 0} {
			change(t, s, func(c *store.Change) error { return c.SweepSessions(now.Add(2*time.Hour), atOnce) })
			if n := len(sessions(t, s, store.SessionFilter{})); n != left {
				t.Errorf("%d sessions are left, want %d", n, left)
			}
		}
	})
}

func TestMarkTokensUsed(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		begun := session(&owner, "1", token("AAAAAAAAAAAA"))
		change(t, s, func(c *store.Change) error { return errors.Join(c.InsertUser(&owner), c.InsertSession(&begun)) })
		before := number(t, s)
		later := now.Add(time.Minute)
		for _, at := range []time.Time{later, now} {
			used := map[credential.KeyID]time.Time{credential.KeyID([]byte(idA)): at, credential.KeyID([]byte(idB)): at}
			if err := s.MarkTokensUsed(t.Context(), used); err != nil {
				t.Fatal(err)
			}
		}
		if got := sessions(t, s, store.SessionFilter{})[0].Tokens[0].LastUsed; !got.Equal(later) {
			t.Errorf("last used %s; the later time must stay", got)
		}
		if number(t, s) != before {
			t.Error("a use counts as a change")
		}
	})
}

func TestATokenEndsOnTime(t *testing.T) {
	both := token("AAAAAAAAAAAA")
	both.Expires, both.Idle = now.Add(time.Hour), time.Minute
	used := both
	used.LastUsed = now.Add(time.Hour - time.Second)
	for name, test := range map[string]struct {
		token store.Token
		after time.Duration
		want  bool
	}{
		"new":                       {both, 0, false},
		"idle for all it may":       {both, time.Minute, false},
		"idle for longer":           {both, time.Minute + 1, true},
		"used, just before its end": {used, time.Hour - 1, false},
		"used, at its end":          {used, time.Hour, true},
		"neither end nor idle time": {store.Token{}, 1000 * time.Hour, false},
	} {
		if got := test.token.Ended(now.Add(test.after)); got != test.want {
			t.Errorf("%s: ended is %t", name, got)
		}
	}
}
