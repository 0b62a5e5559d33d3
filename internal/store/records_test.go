package store_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

var exact = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

func TestUserComesBackAsItWasStored(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		want := user("alice")
		want.DisplayName, want.Email, want.Groups = "Alice", "alice@example.org", []string{"ops", "web"}
		change(t, s, func(c *store.Change) error { return c.InsertUser(&want) })
		got, err := s.UserByFold(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestKeyComesBackAsItWasStored(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		want := key(&owner, idA, "ci")
		want.Limits = store.Limits{
			Networks:  []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
			UserAgent: "curl/8", Audience: []string{"reports"}, Subject: []string{"/reports/*"}, APIVersion: "2",
		}
		want.NotBefore, want.Expires = now.Add(-time.Hour), now.Add(time.Hour)
		want.Impersonation, want.Agents, want.ByName, want.ImportedHash = true, []string{"bob", "group:ops"}, true, "bcrypt"
		change(t, s, func(c *store.Change) error { return errors.Join(c.InsertUser(&owner), c.InsertKey(&want)) })
		want.Previous, want.PreviousPepper, want.PreviousExpires = credential.Verifier{9}, 1, now.Add(time.Minute)
		want.Disabled = now
		want.Agents, want.ImportedHash = []string{"bob"}, ""
		change(t, s, func(c *store.Change) error { return c.UpdateKey(&want) })
		for _, ref := range []store.KeyRef{{ID: idA}, {UserFold: "alice", Name: "ci"}} {
			got, err := s.Key(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, exact); diff != "" {
				t.Errorf("%s (-want +got):\n%s", ref, diff)
			}
		}
	})
}

func TestNamesAreTakenOnce(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		first := key(&owner, idA, "ci")
		change(t, s, func(c *store.Change) error { return errors.Join(c.InsertUser(&owner), c.InsertKey(&first)) })

		twin := user("alice")
		twin.ID = "another"
		err := s.Change(t.Context(), func(c *store.Change) error { return c.InsertUser(&twin) })
		if !errors.Is(err, store.ErrExists) || err.Error() != "user 'alice' exists already" {
			t.Errorf("second user: %v", err)
		}
		second := key(&owner, idB, "ci")
		err = s.Change(t.Context(), func(c *store.Change) error { return c.InsertKey(&second) })
		if !errors.Is(err, store.ErrExists) || err.Error() != "key 'alice/ci' exists already" {
			t.Errorf("second key: %v", err)
		}
		// A revoked key gives its name back, and is found by its id only.
		first.Revoked, first.RevokedReason = now, "lost"
		change(t, s, func(c *store.Change) error { return errors.Join(c.UpdateKey(&first), c.InsertKey(&second)) })
		got, err := s.Key(t.Context(), store.KeyRef{UserFold: "alice", Name: "ci"})
		if err != nil || got.ID != idB {
			t.Errorf("the name leads to '%s', %v", got.ID, err)
		}
		if got, err = s.Key(t.Context(), store.KeyRef{ID: idA}); err != nil || got.RevokedReason != "lost" {
			t.Errorf("the revoked key is %+v, %v", got, err)
		}
	})
}

func TestWhatIsNotThere(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		nobody := user("nobody")
		nothing := key(&nobody, idA, "x")
		_, userErr := s.UserByFold(t.Context(), "nobody")
		_, keyErr := s.Key(t.Context(), store.KeyRef{ID: idA})
		for name, err := range map[string]error{
			"user":        userErr,
			"key":         keyErr,
			"update user": s.Change(t.Context(), func(c *store.Change) error { return c.UpdateUser(&nobody) }),
			"delete user": s.Change(t.Context(), func(c *store.Change) error { return c.DeleteUser(&nobody) }),
			"update key":  s.Change(t.Context(), func(c *store.Change) error { return c.UpdateKey(&nothing) }),
		} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		err := s.Change(t.Context(), func(c *store.Change) error { return c.InsertKey(&nothing) })
		if err == nil {
			t.Error("a key without a user was stored")
		}
	})
}

func TestDeletingAUserDeletesItsKeys(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		k := key(&owner, idA, "ci")
		change(t, s, func(c *store.Change) error { return errors.Join(c.InsertUser(&owner), c.InsertKey(&k)) })
		before := number(t, s)
		change(t, s, func(c *store.Change) error { return c.DeleteUser(&owner) })
		if _, err := s.Key(t.Context(), store.KeyRef{ID: idA}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the key is still there: %v", err)
		}
		delta, err := s.ChangesSince(t.Context(), store.Position{Number: before})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{idA}, delta.GoneKeys); diff != "" {
			t.Errorf("keys gone (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{owner.ID}, delta.GoneUsers); diff != "" {
			t.Errorf("users gone (-want +got):\n%s", diff)
		}
	})
}

func TestAUserWhoIsDeletedIsNoAgentAnyMore(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice, bob := user("alice"), user("bob")
		k := key(&alice, idA, "impersonate_us")
		k.Impersonation, k.Agents = true, []string{"bob", "group:bob", "carol"}
		change(t, s, func(c *store.Change) error {
			return errors.Join(c.InsertUser(&alice), c.InsertUser(&bob), c.InsertKey(&k))
		})
		change(t, s, func(c *store.Change) error { return c.DeleteUser(&bob) })
		got, err := s.Key(t.Context(), store.KeyRef{ID: idA})
		if err != nil || !slices.Equal(got.Agents, []string{"group:bob", "carol"}) {
			t.Errorf("agents %q, %v", got.Agents, err)
		}
		if keys := since(t, s, 3).Keys; len(keys) != 1 || keys[0].ID != idA {
			t.Errorf("whoever has the keys in memory is told of %+v", keys)
		}
	})
}

func TestAnEventSaysOnWhoseBehalfItWas(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		want := store.Event{ID: "1", Time: now, Kind: "session.end", Outcome: "ok", Actor: "user:bob", OnBehalfOf: "user:alice", UserID: "id-alice", KeyID: idA, Detail: "d"}
		change(t, s, func(c *store.Change) error { return c.Record(&want) })
		events, err := s.Events(t.Context(), 1)
		equal(t, "the event", []store.Event{want}, events, err)
	})
}
