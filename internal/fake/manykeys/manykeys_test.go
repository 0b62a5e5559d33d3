package manykeys_test

import (
	"database/sql"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/fake/manykeys"
	"github.com/sallyport/sallyport/internal/identity"
)

// made makes a small store of a plan whose words are all known.
func made(t *testing.T, schema int64) *manykeys.Made {
	t.Helper()
	m, err := manykeys.Make(t.Context(), filepath.Join(t.TempDir(), "auth.db"), manykeys.Plan{
		Keys: 1000, Users: 30, Tokens: 200, Words: 1000, Schema: schema, Now: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// load opens a store as the server does, which brings its schema up to date.
func load(t *testing.T, m *manykeys.Made) (*identity.Registry, *identity.Mirror) {
	t.Helper()
	registry, err := identity.Open(t.Context(), identity.Config{Location: m.Location})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Close() })
	mirror := identity.NewMirror(registry, slog.New(slog.DiscardHandler))
	done := make(chan struct{})
	go func() { mirror.Run(t.Context()); close(done) }()
	t.Cleanup(func() { <-done })
	if err := mirror.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return registry, mirror
}

// schemas are those that have all that a plan writes.
var schemas = map[string]int64{"schema 2": 2, "the newest schema": 0}

func TestTheDatabaseIsSound(t *testing.T) {
	for name, schema := range schemas {
		t.Run(name, func(t *testing.T) {
			m := made(t, schema)
			registry, _ := load(t, m)
			if found, err := registry.Check(t.Context()); err != nil || len(found) != 0 {
				t.Errorf("the check says %v, %v", found, err)
			}
			db, err := sql.Open("sqlite", m.Location.Path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var whole string
			if err := db.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&whole); err != nil || whole != "ok" {
				t.Errorf("integrity_check says '%s', %v", whole, err)
			}
			for query, want := range map[string]int{
				`SELECT COUNT(*) FROM pragma_foreign_key_check`: 0,
				`SELECT COUNT(*) FROM api_keys`:                 1000,
				`SELECT COUNT(*) FROM tokens`:                   200,
				`SELECT number FROM change_counter`:             30 + 1000 + 200,
				`SELECT COUNT(*) FROM api_keys WHERE previous_verifier IS NOT NULL AND previous_pepper_id IS NULL`: 0,
			} {
				var got int
				if err := db.QueryRowContext(t.Context(), query).Scan(&got); err != nil || got != want {
					t.Errorf("%s gives %d, want %d: %v", query, got, want, err)
				}
			}
		})
	}
}

// reasons say how the check of a key ends for a caller from Network.
var reasons = map[manykeys.Fate]identity.Reason{
	manykeys.Plain: identity.Accepted, manykeys.Ending: identity.Accepted, manykeys.Bound: identity.Accepted,
	manykeys.Rotated: identity.Accepted, manykeys.Revoked: identity.Revoked,
	manykeys.Disabled: identity.KeyDisabled, manykeys.Expired: identity.Expired,
}

func TestEachKeyIsAcceptedOrRefusedAsItsFateSays(t *testing.T) {
	for name, schema := range schemas {
		t.Run(name, func(t *testing.T) {
			m := made(t, schema)
			_, mirror := load(t, m)
			known := func() identity.Circumstances {
				return identity.Circumstances{Address: netip.MustParseAddr("192.0.2.9"), UserAgent: manykeys.UserAgent}
			}
			stranger := func() identity.Circumstances {
				return identity.Circumstances{Address: netip.MustParseAddr("198.51.100.1")}
			}
			seen := map[manykeys.Fate]int{}
			for _, k := range m.Keys {
				seen[k.Fate]++
				words := []string{k.Word}
				if k.Fate == manykeys.Rotated {
					words = append(words, k.Previous)
				}
				for _, word := range words {
					p := &credential.Presented{Kind: credential.Basic, User: k.User, KeyName: k.Name, Word: word}
					if _, got := mirror.Check(p, known); got != reasons[k.Fate] {
						t.Errorf("%s key %s: %s, want %s", k.Fate, k.ID, got, reasons[k.Fate])
					}
				}
				p := &credential.Presented{Kind: credential.Bearer, Word: k.Word}
				if _, got := mirror.Check(p, stranger); k.Fate == manykeys.Bound && got != identity.Address {
					t.Errorf("bound key %s from elsewhere: %s", k.ID, got)
				}
			}
			if len(m.Keys) != 1000 || len(seen) != len(reasons) {
				t.Errorf("%d keys of the fates %v", len(m.Keys), seen)
			}
		})
	}
}

func TestEachTokenIsAccepted(t *testing.T) {
	m := made(t, 0)
	_, mirror := load(t, m)
	for _, token := range m.Tokens {
		if _, got := mirror.CheckToken(token.Kind, token.Word, nil); got != identity.Accepted {
			t.Errorf("%s token: %s", token.Kind, got)
		}
	}
	if len(m.Tokens) != 200 {
		t.Errorf("%d tokens", len(m.Tokens))
	}
}

func TestWordsAreSpreadOverAllKeys(t *testing.T) {
	m, err := manykeys.Make(t.Context(), filepath.Join(t.TempDir(), "auth.db"), manykeys.Plan{Keys: 500, Users: 7, Words: 13, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Keys) != 13 || m.Keys[0].Name > "key-5" || m.Keys[12].Name != "key-71" {
		t.Errorf("%d words, from %+v to %+v", len(m.Keys), m.Keys[0], m.Keys[len(m.Keys)-1])
	}
}

func TestAStoreThatIsThereIsLeftAlone(t *testing.T) {
	m := made(t, 0)
	if _, err := manykeys.Make(t.Context(), m.Location.Path, manykeys.Plan{Keys: 1, Users: 1}); err == nil {
		t.Error("it was made again")
	}
}
