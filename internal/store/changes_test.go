package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

func TestAFailedChangeChangesNothing(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		before := number(t, s)
		refused := errors.New("refused")
		owner := user("alice")
		err := s.Change(t.Context(), func(c *store.Change) error {
			if err := c.InsertUser(&owner); err != nil {
				return err
			}
			if err := c.Record(&store.Event{ID: "1", Time: now, Kind: "user.add"}); err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Errorf("error: %v", err)
		}
		counts, err := s.Count(t.Context())
		if err != nil || counts != (store.Counts{}) {
			t.Errorf("there is something: %+v, %v", counts, err)
		}
		if after := number(t, s); after != before {
			t.Errorf("the number went from %d to %d", before, after)
		}
	})
}

func number(t *testing.T, s *store.Store) int64 {
	t.Helper()
	p, err := s.Load(t.Context(), store.Receiver{})
	if err != nil {
		t.Fatal(err)
	}
	return p.Number
}

func TestChangesSince(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		k := key(&owner, idA, "ci")
		change(t, s, func(c *store.Change) error { return c.InsertUser(&owner) })
		change(t, s, func(c *store.Change) error { return c.InsertKey(&k) })
		delta, err := s.ChangesSince(t.Context(), store.Position{Number: 1})
		if err != nil {
			t.Fatal(err)
		}
		if !delta.Complete || delta.Number != 2 || len(delta.Users) != 0 || len(delta.Keys) != 1 || delta.Keys[0].ID != idA {
			t.Errorf("after the first change: %+v", delta)
		}
		delta, err = s.ChangesSince(t.Context(), store.Position{Number: 2})
		if err != nil || !delta.Complete || len(delta.Keys)+len(delta.Users) != 0 {
			t.Errorf("after the last change: %+v, %v", delta, err)
		}
		// A copy that has seen more than there is comes from another history.
		delta, err = s.ChangesSince(t.Context(), store.Position{Number: 3})
		if err != nil || delta.Complete {
			t.Errorf("ahead of the store: %+v, %v", delta, err)
		}
	})
}

func TestACopyThatLagsFarBehindIsToldToLoad(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		change(t, s, func(c *store.Change) error { return c.InsertUser(&owner) })
		const kept = 10_000
		change(t, s, func(c *store.Change) error {
			for range kept {
				if err := c.UpdateUser(&owner); err != nil {
					return err
				}
			}
			return nil
		})
		delta, err := s.ChangesSince(t.Context(), store.Position{Number: 0})
		if err != nil || delta.Complete {
			t.Errorf("from the beginning: complete %t, %v", delta.Complete, err)
		}
		delta, err = s.ChangesSince(t.Context(), store.Position{Number: 1})
		if err != nil || !delta.Complete || len(delta.Users) != 1 {
			t.Errorf("from the first: complete %t with %d users, %v", delta.Complete, len(delta.Users), err)
		}
	})
}

func TestLoadGivesAllKeys(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		change(t, s, func(c *store.Change) error {
			err := c.InsertUser(&owner)
			for _, id := range []string{"zzzzzzzzzzzz", "000000000000", "aaaaaaaaaaaa", "ZZZZZZZZZZZZ"} {
				k := key(&owner, id, "key-"+id)
				err = errors.Join(err, c.InsertKey(&k))
			}
			return err
		})
		var ids []string
		_, err := s.Load(t.Context(), store.Receiver{Key: func(k *store.Key) error {
			ids = append(ids, k.ID)
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(ids)
		if diff := cmp.Diff([]string{"000000000000", "ZZZZZZZZZZZZ", "aaaaaaaaaaaa", "zzzzzzzzzzzz"}, ids); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		stop := errors.New("stop")
		if _, err := s.Load(t.Context(), store.Receiver{User: func(*store.User) error { return stop }}); !errors.Is(err, stop) {
			t.Errorf("an error of the reader is lost: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		_, err = s.Load(ctx, store.Receiver{Key: func(*store.Key) error { seen++; cancel(); return nil }})
		if !errors.Is(err, context.Canceled) || seen != 1 {
			t.Errorf("told to end by the first key it gave %d, %v", seen, err)
		}
		if _, err := s.Key(t.Context(), store.KeyRef{ID: ids[0]}); err != nil {
			t.Errorf("after a load that was ended nothing can be read: %v", err)
		}
	})
}

func TestListsComeInPages(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice, bob := user("alice"), user("bob")
		k1, k2, k3 := key(&alice, idA, "one"), key(&bob, idB, "two"), key(&alice, "CCCCCCCCCCCC", "three")
		k3.Revoked = now
		change(t, s, func(c *store.Change) error {
			return errors.Join(c.InsertUser(&alice), c.InsertUser(&bob), c.InsertKey(&k1), c.InsertKey(&k2), c.InsertKey(&k3), c.UpdateKey(&k3))
		})
		users, err := s.Users(t.Context(), "alice", 10)
		if err != nil || len(users) != 1 || users[0].Username != "bob" {
			t.Errorf("users after alice: %v, %v", users, err)
		}
		for name, test := range map[string]struct {
			filter store.KeyFilter
			want   string
		}{
			"all":             {store.KeyFilter{Limit: 10}, idA + " " + idB},
			"of alice":        {store.KeyFilter{UserFold: "alice", Limit: 10}, idA},
			"with revoked":    {store.KeyFilter{Revoked: true, Limit: 10}, idA + " " + idB + " CCCCCCCCCCCC"},
			"after the first": {store.KeyFilter{After: idA, Limit: 10}, idB},
			"only one":        {store.KeyFilter{Limit: 1}, idA},
		} {
			keys, err := s.Keys(t.Context(), test.filter)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, k := range keys {
				ids = append(ids, k.ID)
			}
			if got := strings.Join(ids, " "); got != test.want {
				t.Errorf("%s: %s", name, got)
			}
		}
	})
}

func TestEventsComeBackNewestFirst(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		first := store.Event{ID: "1", Time: now, Kind: "user.add", Outcome: "ok", Actor: "os:root", UserID: "u", Detail: "alice"}
		second := store.Event{ID: "2", Time: now.Add(time.Second), Kind: "key.issue", Outcome: "ok", Actor: "os:root", KeyID: idA}
		change(t, s, func(c *store.Change) error { return errors.Join(c.Record(&first), c.Record(&second)) })
		got, err := s.Events(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]store.Event{second, first}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestMarkUsed(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		owner := user("alice")
		k := key(&owner, idA, "ci")
		change(t, s, func(c *store.Change) error { return errors.Join(c.InsertUser(&owner), c.InsertKey(&k)) })
		before := number(t, s)
		gone := credential.KeyID([]byte(idB))
		for _, at := range []time.Time{now, now.Add(-time.Minute)} {
			used := map[credential.KeyID]time.Time{credential.KeyID([]byte(idA)): at, gone: at}
			if err := s.MarkUsed(t.Context(), used); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Key(t.Context(), store.KeyRef{ID: idA})
		if err != nil || !got.LastUsed.Equal(now) {
			t.Errorf("last used %s, %v; the later time must stay", got.LastUsed, err)
		}
		if number(t, s) != before {
			t.Error("a use counts as a change")
		}
	})
}

func TestDataVersionTellsOfOthersChanges(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		other := open(t, s.Location())
		before, err := s.DataVersion(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if again, err := s.DataVersion(t.Context()); err != nil || again != before {
			t.Errorf("it changes by itself: %d, %d, %v", before, again, err)
		}
		owner := user("alice")
		change(t, other, func(c *store.Change) error { return c.InsertUser(&owner) })
		after, err := s.DataVersion(t.Context())
		if err != nil || after == before {
			t.Errorf("it stays %d after a change, %v", after, err)
		}
	})
}

func TestChangesOfManyProcessesAreNumberedInOrder(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		const writers, each = 4, 25
		var wait sync.WaitGroup
		for w := range writers {
			other := open(t, s.Location())
			wait.Go(func() {
				for i := range each {
					u := user(string(rune('a'+w)) + string(rune('a'+i)))
					if err := other.Change(t.Context(), func(c *store.Change) error { return c.InsertUser(&u) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		if n := number(t, s); n != writers*each {
			t.Errorf("%d changes are numbered up to %d", writers*each, n)
		}
	})
}

func TestACancelledChangeIsNotMade(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		owner := user("alice")
		err := s.Change(ctx, func(c *store.Change) error {
			defer cancel()
			return c.InsertUser(&owner)
		})
		if err == nil {
			t.Error("the change is said to be made")
		}
		if _, err := s.UserByFold(t.Context(), "alice"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the change was made: %v", err)
		}
	})
}

// A handler of requests recovers from a panic; the store must be usable then.
func TestAPanicWithinAChangeUndoesIt(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		ctx := context.WithoutCancel(t.Context())
		owner := user("alice")
		func() {
			defer func() { _ = recover() }()
			_ = s.Change(ctx, func(c *store.Change) error {
				if err := c.InsertUser(&owner); err != nil {
					t.Error(err)
				}
				panic("out of order")
			})
		}()
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if err := s.Change(ctx, func(c *store.Change) error { return c.InsertUser(&owner) }); err != nil {
			t.Errorf("the next change: %v", err)
		}
	})
}
