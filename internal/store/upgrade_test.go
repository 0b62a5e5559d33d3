package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/fake/manykeys"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// zeros are the rest of a verifier whose first byte is given.
var zeros = strings.Repeat("00", credential.VerifierSize-1)

// schema2 adds to schema1 what a store of schema 2 may hold: a password, a
// session by the key with a token, failed log-ins, and who has disabled a key.
var schema2 = append(slices.Clip(schema1),
	`UPDATE api_keys SET disabled = 4000000, disabled_by = 'user:alice', networks = '["192.0.2.0/24"]', user_agent = 'curl/8',
		verifier = X'07`+zeros+`', previous_verifier = X'08`+zeros+`', expires = 8000000, not_before = 1000000`,
	`INSERT INTO passwords (user_id, phc, changed) VALUES ('id-alice', '$argon2id$x', 5000000)`,
	`INSERT INTO sessions (id, user_id, method, key_id, scopes, address, user_agent, created)
		VALUES ('s1', 'id-alice', 'api_key', '`+idA+`', '["read"]', '192.0.2.7', 'curl/8', 6000000)`,
	`INSERT INTO tokens (id, session_id, kind, verifier, pepper_id, expires, idle, last_used)
		VALUES ('`+idB+`', 's1', 'app_token', X'09`+zeros+`', 1, 9000000, 2000000, 7000000)`,
	`INSERT INTO login_failures (name, source, failures, began, last) VALUES ('n', 's', 3, 1000000, 2000000), ('n', '', 4, 1000000, 2000000)`,
	`UPDATE change_counter SET number = 3`,
	`INSERT INTO changes (number, kind, id) VALUES (3, 'token', '`+idB+`')`,
)

func TestAStoreOfSchema2IsUpgradedWithAllThatIsInIt(t *testing.T) {
	l := locate(t)
	store.CreateOld(t, l, 2, schema2...)
	s := open(t, l)
	at := func(second int64) time.Time { return time.Unix(second, 0).UTC() }

	limits := store.Limits{
		Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, UserAgent: "curl/8",
		Audience: []string{}, Subject: []string{},
	}
	alice := store.User{
		ID: "id-alice", Username: "Alice", Fold: "alice", State: store.Active, Roles: []string{"admin"}, Groups: []string{},
		Epoch: 1, Created: at(1), Updated: at(2), Version: 1,
	}
	k := store.Key{
		ID: idA, UserID: "id-alice", Username: "Alice", UserState: store.Active, Name: "ci", Prefix: "sly",
		Verifier: credential.Verifier{7}, Pepper: 1, Previous: credential.Verifier{8}, PreviousPepper: 1, PreviousExpires: at(9), Scopes: principal.Read,
		Limits: limits, NotBefore: at(1), Expires: at(8), Disabled: at(4), DisabledBy: "user:alice",
		Created: at(1), CreatedBy: "os:root", LastUsed: at(3), Agents: []string{},
	}
	token := store.Token{
		ID: idB, SessionID: "s1", Kind: credential.AppToken, Verifier: credential.Verifier{9}, Pepper: 1, Expires: at(9), Idle: 2 * time.Second,
		LastUsed: at(7), UserID: "id-alice", Scopes: principal.Read, Roles: []string{}, Groups: []string{}, Limits: limits,
	}
	begun := store.Session{
		ID: "s1", UserID: "id-alice", Username: "Alice", Method: "api_key", KeyID: idA, Scopes: principal.Read, Roles: []string{}, Groups: []string{},
		Address: "192.0.2.7", UserAgent: "curl/8", Created: at(6), Tokens: []store.Token{token},
	}
	pair := store.FailurePlace{Name: "n", Source: "s"}
	record := store.LoginRecord{User: alice, Password: store.Password{PHC: "$argon2id$x", Changed: at(5)}}
	record.Failures = store.Failures{
		Pair:   store.Failure{FailurePlace: pair, Count: 3, Began: at(1), Last: at(2)},
		Name:   store.Failure{FailurePlace: store.FailurePlace{Name: "n"}, Count: 4, Began: at(1), Last: at(2)},
		Source: store.Failure{FailurePlace: store.FailurePlace{Source: "s"}},
	}

	gotKey, err := s.Key(t.Context(), store.KeyRef{ID: idA})
	equal(t, "the key", k, gotKey, err)
	gotRecord, err := s.LoginRecord(t.Context(), "alice", pair)
	equal(t, "user, password and failures", record, gotRecord, err)
	gotSessions, err := s.Sessions(t.Context(), store.SessionFilter{Limit: 10})
	equal(t, "the session", []store.Session{begun}, gotSessions, err)
	delta, err := s.ChangesSince(t.Context(), store.Position{})
	equal(t, "the changes", store.Delta{
		Position: store.Position{Number: 3}, Complete: true, Users: []store.User{alice}, Keys: []store.Key{k}, Tokens: []store.Token{token},
	}, delta, err)
	if problems, err := s.Check(t.Context()); err != nil || len(problems) != 0 {
		t.Errorf("the check says %v, %v", problems, err)
	}
}

func equal[T any](t *testing.T, what string, want, got T, err error) {
	t.Helper()
	if diff := cmp.Diff(want, got, exact, cmpopts.IgnoreUnexported(store.Position{})); err != nil || diff != "" {
		t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
	}
}

func TestAStoreOfSchema3IsUpgradedWithAllThatIsInIt(t *testing.T) {
	l := locate(t)
	store.CreateOld(t, l, 3, append(slices.Clip(schema2),
		`INSERT INTO peppers (id, fingerprint, created) VALUES (2, 'newer', 2)`,
		`UPDATE api_keys SET previous_pepper_id = 1, pepper_id = 2`,
		`UPDATE tokens SET former_id = 'former'`,
		`UPDATE change_counter SET history = 'of the store'`,
	)...)
	s, err := store.Open(t.Context(), l, store.Options{Fingerprints: []string{fingerprint, "newer"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	k, err := s.Key(t.Context(), store.KeyRef{UserFold: "alice", Name: "ci"})
	if err != nil || k.Pepper != 2 || k.PreviousPepper != 1 || k.Impersonation || len(k.Agents) != 0 || k.ByName || k.ImportedHash != "" {
		t.Errorf("key %+v, %v", k, err)
	}
	sessions, err := s.Sessions(t.Context(), store.SessionFilter{Limit: 10})
	if err != nil || len(sessions) != 1 || len(sessions[0].Tokens) != 1 || sessions[0].Tokens[0].FormerID != "former" {
		t.Errorf("sessions %+v, %v", sessions, err)
	}
	u, err := s.UserByFold(t.Context(), "alice")
	if err != nil || u.Quota != 0 || u.Roles[0] != "admin" {
		t.Errorf("user %+v, %v", u, err)
	}
	events, err := s.Events(t.Context(), 10)
	if err != nil || len(events) != 1 || events[0].Actor != "os:root" || events[0].OnBehalfOf != "" {
		t.Errorf("events %+v, %v", events, err)
	}
	if delta, err := s.ChangesSince(t.Context(), store.Position{}); err != nil || delta.History != "of the store" {
		t.Errorf("the changes are %+v, %v", delta, err)
	}
	if problems, err := s.Check(t.Context()); err != nil || len(problems) != 0 {
		t.Errorf("the check says %v, %v", problems, err)
	}
}

func TestEachStepOfAnUpgradeIsTold(t *testing.T) {
	l := locate(t)
	store.CreateOld(t, l, 1, schema1...)
	var told []string
	tell := func(u store.Upgrade) {
		u.Took = min(u.Took, time.Millisecond)
		told = append(told, u.String())
	}
	for range 2 {
		s, err := store.Open(t.Context(), l, store.Options{Fingerprints: []string{fingerprint}, Upgrade: tell})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"upgrading schema 1 to 2: 1 user, 1 key; it may be broken off and goes on at the next start", "upgraded schema 1 to 2 in 1ms",
		"upgrading schema 2 to 3: 1 user, 1 key; it may be broken off and goes on at the next start", "upgraded schema 2 to 3 in 1ms",
		"upgrading schema 3 to 4: 1 user, 1 key; it may be broken off and goes on at the next start", "upgraded schema 3 to 4 in 1ms",
		"upgrading schema 4 to 5: 1 user, 1 key; it may be broken off and goes on at the next start", "upgraded schema 4 to 5 in 1ms",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAStepThatLastsIsToldOfEveryTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		tell := func(u store.Upgrade) { told = append(told, u.String()) }
		step := store.Upgrade{From: 2, To: 3, Keys: 7}
		for _, end := range []error{nil, errors.New("no room")} {
			if err := step.During(tell, func() error { time.Sleep(5 * time.Second); return end }); !errors.Is(err, end) {
				t.Errorf("%v, want %v", err, end)
			}
		}
		want := []string{"upgrading schema 2 to 3: 0 users, 7 keys", "upgrading schema 2 to 3, 2s so far", "upgrading schema 2 to 3, 4s so far", "upgraded schema 2 to 3 in 5s"}
		want = append(want, want[:3]...) // A step that fails has no end to tell of.
		if len(told) != len(want) {
			t.Fatalf("told: %q", told)
		}
		for i := range want {
			if !strings.HasPrefix(told[i], want[i]) {
				t.Errorf("'%s', want '%s…'", told[i], want[i])
			}
		}
	})
}

// TestAnUpgradeMayBeBrokenOffAtAnyTime breaks it off later each time, until it has
// come to its end.
func TestAnUpgradeMayBeBrokenOffAtAnyTime(t *testing.T) {
	const keys = 2000
	made, err := manykeys.Make(t.Context(), filepath.Join(t.TempDir(), "auth.db"), manykeys.Plan{Keys: keys, Users: 10, Schema: 2, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	options := store.Options{Fingerprints: []string{made.Pepper.Fingerprint()}}
	broken := 0
	for patience := time.Duration(0); ; patience += 200 * time.Microsecond {
		ctx, cancel := context.WithCancel(t.Context())
		// The clock of its patience begins with the step, not before.
		options.Upgrade = func(u store.Upgrade) {
			if !u.Done && u.Took == 0 {
				time.AfterFunc(patience, cancel)
			}
		}
		s, err := store.Open(ctx, made.Location, options)
		if err == nil {
			defer cancel()
			defer s.Close()
			if got, err := s.Count(t.Context()); err != nil || got.Keys != keys*97/100 || got.Users != 10 {
				t.Errorf("afterwards there are %+v, %v", got, err)
			}
			break
		}
		// What it says depends on where the engine was.
		if ctx.Err() == nil {
			t.Fatalf("after %v: %v", patience, err)
		}
		cancel()
		broken++
		expectWhole(t, made.Location, keys)
	}
	if broken == 0 {
		t.Error("it was never broken off")
	}
	t.Logf("broken off %d times", broken)
}

// expectWhole checks that a database is of schema 2, 3 or 4, and nothing between.
func expectWhole(t *testing.T, l store.Location, keys int) {
	t.Helper()
	db := plain(t, l)
	var schema, columns, found int
	err := db.QueryRowContext(t.Context(), `SELECT (SELECT MAX(version_id) FROM goose_db_version),
		(SELECT COUNT(*) FROM pragma_table_info('api_keys') WHERE name = 'previous_pepper_id') +
		(SELECT COUNT(*) FROM pragma_table_info('tokens') WHERE name = 'former_id') +
		(SELECT COUNT(*) FROM pragma_table_info('change_counter') WHERE name = 'history') +
		(SELECT COUNT(*) FROM pragma_table_info('api_keys') WHERE name IN ('impersonation', 'agents', 'by_name', 'imported_hash')) +
		(SELECT COUNT(*) FROM pragma_table_info('users') WHERE name = 'quota') +
		(SELECT COUNT(*) FROM pragma_table_info('audit_events') WHERE name = 'on_behalf_of'),
		(SELECT COUNT(*) FROM api_keys)`).Scan(&schema, &columns, &found)
	whole := []string{fmt.Sprint(2, 0, keys), fmt.Sprint(3, 3, keys), fmt.Sprint(4, 9, keys)}
	if state := fmt.Sprint(schema, columns, found); err != nil || !slices.Contains(whole, state) {
		t.Fatalf("schema, new columns and keys: %s, %v", state, err)
	}
}
