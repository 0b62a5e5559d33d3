package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/store"
)

// here is where failures in these tests happen.
var here = store.FailurePlace{Name: "hash of a name", Source: "192.0.2.0/24"}

func record(t *testing.T, s *store.Store, fold string) store.LoginRecord {
	t.Helper()
	r, err := s.LoginRecord(t.Context(), fold, here)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLoginRecordHoldsAllThatDecides(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice, bob := user("alice"), user("bob")
		want := store.Password{PHC: "$argon2id$…", Changed: now}
		change(t, s, func(c *store.Change) error {
			return errors.Join(c.InsertUser(&alice), c.InsertUser(&bob), c.SetPassword(&alice, want))
		})
		got := record(t, s, "alice")
		if diff := cmp.Diff(alice, got.User); diff != "" {
			t.Errorf("user (-want +got):\n%s", diff)
		}
		if got.Password != want {
			t.Errorf("password %+v, want %+v", got.Password, want)
		}
		change(t, s, func(c *store.Change) error {
			within, err := c.LoginRecord("alice", here)
			if diff := cmp.Diff(got, within); diff != "" {
				t.Errorf("within a change (-want +got):\n%s", diff)
			}
			return err
		})
		if got := record(t, s, "bob"); got.User.ID != bob.ID || got.Password != (store.Password{}) {
			t.Errorf("without a password: %+v", got)
		}
	})
}

// People type anything where a name belongs.
func TestLoginRecordOfWhatIsNoName(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice := user("alice")
		change(t, s, func(c *store.Change) error { return c.InsertUser(&alice) })
		for what, fold := range map[string]string{
			"nobody":           "nobody",
			"nothing":          "",
			"a NUL":            "alice\x00",
			"invalid UTF-8":    "alice\xff",
			"a pattern":        "al%",
			"a quotation":      "' OR '1' = '1",
			"a long text":      strings.Repeat("alice", 100_000),
			"another's case":   "Alice",
			"a blank after it": "alice ",
		} {
			if got := record(t, s, fold); got.User.ID != "" || got.Password.PHC != "" {
				t.Errorf("%s: %+v", what, got)
			}
		}
	})
}

func TestAPasswordMakesWhatWasProvenBeforeWorthless(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice := user("alice")
		change(t, s, func(c *store.Change) error { return c.InsertUser(&alice) })
		before := number(t, s)
		for i, phc := range []string{"first", "second"} {
			at := now.Add(time.Duration(i) * time.Hour)
			change(t, s, func(c *store.Change) error { return c.SetPassword(&alice, store.Password{PHC: phc, Changed: at}) })
			got := record(t, s, "alice")
			if got.User.Epoch != int64(i)+2 || got.Password.PHC != phc || !got.Password.Changed.Equal(at) {
				t.Errorf("%s: %+v", phc, got)
			}
		}
		if users := since(t, s, before).Users; len(users) != 1 || users[0].Epoch != 3 {
			t.Errorf("the changes have %+v", users)
		}
		nobody := user("nobody")
		if err := s.Change(t.Context(), func(c *store.Change) error { return c.SetPassword(&nobody, store.Password{PHC: "x"}) }); err == nil {
			t.Error("nobody has a password")
		}
	})
}

func TestANewHashOfThePasswordIsNoNewPassword(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice := user("alice")
		set := store.Password{PHC: "old", Changed: now}
		change(t, s, func(c *store.Change) error { return errors.Join(c.InsertUser(&alice), c.SetPassword(&alice, set)) })
		before := number(t, s)
		for _, step := range []struct{ old, phc, want string }{
			{"old", "new", "new"},
			{"old", "too late", "new"},
		} {
			change(t, s, func(c *store.Change) error { return c.RehashPassword(alice.ID, step.old, step.phc) })
			got := record(t, s, "alice")
			if got.Password.PHC != step.want || !got.Password.Changed.Equal(now) || got.User.Epoch != alice.Epoch {
				t.Errorf("%+v", got)
			}
		}
		if number(t, s) != before {
			t.Error("it counts as a change of the user")
		}
	})
}

func TestAnyPasswordLooksAtTheBeginning(t *testing.T) {
	overEngines(t, func(t *testing.T, s *store.Store) {
		alice := user("alice")
		change(t, s, func(c *store.Change) error {
			return errors.Join(c.InsertUser(&alice), c.SetPassword(&alice, store.Password{PHC: "$Kind$%_rest", Changed: now}))
		})
		for beginning, want := range map[string]bool{"$Kind$": true, "$Kind$%_": true, "": true, "$kind$": false, "$Kind$__": false, "Kind": false, "$Kind$%_rest.": false} {
			if found, err := s.AnyPassword(t.Context(), beginning); found != want || err != nil {
				t.Errorf("'%s': %t, %v", beginning, found, err)
			}
		}
	})
}
