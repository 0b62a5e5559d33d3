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
		_, err := s.Load(t.Context(), store.Receiver{Token: func(t *store.Token) error { loaded = *t; return nil }})
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

func TestLoadGivesAllTokens(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		begun := session(&owner, "1", token("zzzzzzzzzzzz"), token("000000000000"), token("aaaaaaaaaaaa"), token("ZZZZZZZZZZZZ"))
		change(t, s, func(c *store.Change) error { return errors.Join(c.InsertUser(&owner), c.InsertSession(&begun)) })
		var got []string
		_, err := s.Load(t.Context(), store.Receiver{Token: func(t *store.Token) error {
			got = append(got, t.ID)
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		if diff := cmp.Diff([]string{"000000000000", "ZZZZZZZZZZZZ", "aaaaaaaaaaaa", "zzzzzzzzzzzz"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		stop := errors.New("stop")
		if _, err := s.Load(t.Context(), store.Receiver{Token: func(*store.Token) error { return stop }}); !errors.Is(err, stop) {
			t.Errorf("an error of the reader is lost: %v", err)
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
