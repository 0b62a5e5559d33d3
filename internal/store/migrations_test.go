package store_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/store"
)

// schema1 is what a store of schema 1 may hold: a user with a role, and a key
// that was used and rotated.
var schema1 = []string{
	`INSERT INTO peppers (id, fingerprint, created) VALUES (1, '` + fingerprint + `', 1)`,
	`INSERT INTO users (id, username, username_fold, state, roles, created, updated)
		VALUES ('id-alice', 'Alice', 'alice', 'active', '["admin"]', 1000000, 2000000)`,
	`INSERT INTO api_keys (id, user_id, name, prefix, verifier, pepper_id, previous_verifier, previous_expires, scopes, created, created_by, last_used)
		VALUES ('` + idA + `', 'id-alice', 'ci', 'sly', zeroblob(32), 1, zeroblob(32), 9000000, '["read"]', 1000000, 'os:root', 3000000)`,
	`INSERT INTO audit_events (id, time, kind, outcome, actor) VALUES ('1', 1000000, 'user.add', 'ok', 'os:root')`,
	`UPDATE change_counter SET number = 2`,
	`INSERT INTO changes (number, kind, id) VALUES (1, 'user', 'id-alice'), (2, 'key', '` + idA + `')`,
}

func TestAStoreOfSchema1IsUpgradedWithAllThatIsInIt(t *testing.T) {
	l := locate(t)
	store.CreateOld(t, l, 1, schema1...)
	s := open(t, l)
	if schema, err := s.Schema(t.Context()); err != nil || schema != 5 {
		t.Errorf("schema %d, %v", schema, err)
	}
	want := store.Counts{Users: 1, Keys: 1, Events: 1}
	if got, err := s.Count(t.Context()); err != nil || got != want {
		t.Errorf("there are %+v, %v; want %+v", got, err, want)
	}
	k, err := s.Key(t.Context(), store.KeyRef{UserFold: "alice", Name: "ci"})
	if err != nil || k.ID != idA || k.LastUsed.Unix() != 3 || k.PreviousExpires.Unix() != 9 {
		t.Errorf("key %+v, %v", k, err)
	}
	if n := number(t, s); n != 2 {
		t.Errorf("the number of the last change is %d", n)
	}
}

func TestAnUpgradedStoreTakesPasswordsAndSessions(t *testing.T) {
	l := locate(t)
	store.CreateOld(t, l, 1, schema1...)
	s := open(t, l)
	alice, err := s.UserByFold(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.Key(t.Context(), store.KeyRef{ID: idA})
	if err != nil {
		t.Fatal(err)
	}
	begun := session(&alice, "1", token("tokenOfAlice"))
	begun.KeyID = k.ID
	change(t, s, func(c *store.Change) error {
		return errors.Join(c.SetPassword(&alice, store.Password{PHC: "phc", Changed: now}), c.InsertSession(&begun))
	})
	got := sessions(t, s, store.SessionFilter{})
	if len(got) != 1 {
		t.Fatalf("%d sessions", len(got))
	}
	if diff := cmp.Diff(begun, got[0], exact); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again := open(t, l)
	if schema, err := again.Schema(t.Context()); err != nil || schema != 5 {
		t.Errorf("opened again, its schema is %d, %v", schema, err)
	}
}

func TestAnUpgradeThatFailsLeavesTheStoreAsItWas(t *testing.T) {
	l := locate(t)
	// A table that is in the way: the second step cannot be taken.
	store.CreateOld(t, l, 1, append(schema1, `CREATE TABLE tokens (id TEXT)`)...)
	if s, err := store.Open(t.Context(), l, store.Options{Fingerprints: []string{fingerprint}, Now: clock}); err == nil {
		t.Errorf("it is open: %v", s.Close())
	}
	db := plain(t, l)
	for query, want := range map[string]int{
		`SELECT MAX(version_id) FROM goose_db_version`:               1,
		`SELECT COUNT(*) FROM sqlite_master WHERE name = 'sessions'`: 0,
		`SELECT COUNT(*) FROM api_keys`:                              1,
	} {
		var got int
		if err := db.QueryRowContext(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s gives %d, want %d: %v", query, got, want, err)
		}
	}
}
