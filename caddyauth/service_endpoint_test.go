package caddyauth_test

import (
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// endpoint is a service as an endpoint of machines and pages has it: no passwords
// but at its log-in, and tokens that live on by their uses.
const endpoint = `test_service {
	accept api_key bare_token app_token session
	lifetime 0s 24h
}`

func logOut(t *testing.T, s *caddyrun.Server, headers ...string) caddyrun.Response {
	t.Helper()
	return s.Do(t, http.MethodDelete, "/", nil, headers...)
}

func TestALogOutThroughAServiceEndsTheSession(t *testing.T) {
	var alice, other tokens
	s := startPrepared(t, site(endpoint), func(a *admin) {
		a.withPassword()
		alice, other = a.logIn(day), a.logIn(day)
	})
	r := s.Do(t, http.MethodPost, "/", nil, basic("alice:"+passphrase)...)
	words := strings.Fields(r.Text)
	if r.StatusCode != 200 || len(words) != 3 {
		t.Fatalf("%d %s", r.StatusCode, r.Text)
	}
	for name, headers := range map[string][]string{"a bare token": bare(words[1]), "one of three tokens": bearer(alice.app)} {
		if r := logOut(t, s, headers...); r.Text != "alice is out" {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.Text)
		}
	}
	for name, headers := range map[string][]string{
		"the bare token": bare(words[1]), "the token": bearer(alice.app), "its sister": bare(alice.bare), "its cookie": cookie(alice.web),
	} {
		expectRefused(t, s.Get(t, "/", headers...), 401, "invalid_token", "unknown_token")
		if r := logOut(t, s, headers...); r.StatusCode != 401 && r.StatusCode != 403 {
			t.Errorf("%s ends it again: %d %s", name, r.StatusCode, r.Text)
		}
	}
	if r := s.Get(t, "/", bare(other.bare)...); r.StatusCode != 200 {
		t.Errorf("another session of the same user: %d %s", r.StatusCode, r.Text)
	}
	inStore(t, s.Dir, func(a *admin) {
		events, err := a.Events(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind != "session.end" || e.Actor != "user:alice" || e.Outcome != "ok" || e.Detail == "" {
				t.Errorf("the audit trail has %+v", e)
			}
		}
	})
}

func TestALogOutThroughAServiceWithoutASessionIsRefused(t *testing.T) {
	var key string
	s := startPrepared(t, site("test_service"), func(a *admin) {
		a.withPassword()
		key = a.issueNow("ci")
	})
	for name, headers := range map[string][]string{"a key": bearer(key), "a password": basic("alice:" + passphrase)} {
		r := logOut(t, s, headers...)
		expectRefused(t, r, 400, "no_session", "no_session")
		if got := r.Header.Get("WWW-Authenticate"); got != "" {
			t.Errorf("%s: the challenge is '%s'", name, got)
		}
		if r := s.Get(t, "/", headers...); r.StatusCode != 200 {
			t.Errorf("%s is not accepted any more: %d %s", name, r.StatusCode, r.Text)
		}
	}
	expectRefused(t, logOut(t, s), 401, "credential_missing", "none")
}

func TestAServiceAcceptsTheKindsThatItLists(t *testing.T) {
	var key string
	var alice tokens
	s := startPrepared(t, site(endpoint), func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
	})
	for name, test := range map[string]struct {
		headers []string
		method  string
	}{
		"an API key":            {bearer(key), "api_key"},
		"an API key of its own": {[]string{"X-Api-Key", key}, "api_key"},
		"an API key with Basic": {basic("alice:" + key), "api_key"},
		"a bare token":          {bare(alice.bare), "bare_token"},
		"a bare token, Bearer":  {bearer(alice.bare), "bare_token"},
		"an app token":          {bearer(alice.app), "app_token"},
		"a session":             {cookie(alice.web), "session"},
	} {
		r := s.Get(t, "/", test.headers...)
		if want := "alice by " + test.method + ", left: '', known: true"; r.StatusCode != 200 || r.Text != want {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.Text)
		}
	}
	expectRefused(t, s.Get(t, "/", basic("alice:"+passphrase)...), 401, "invalid_token", "not_accepted")
	expectRefused(t, s.Get(t, "/"), 401, "credential_missing", "none")
}

// statement runs one in the database of a server, as another process.
func statement(t *testing.T, s *caddyrun.Server, text string, args ...any) {
	t.Helper()
	db := openDatabase(t, s)
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatal(err)
	}
}

func openDatabase(t *testing.T, s *caddyrun.Server) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.Dir, "auth.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// lastUse is when the store says that the tokens were used last.
func lastUse(t *testing.T, s *caddyrun.Server) time.Time {
	t.Helper()
	db := openDatabase(t, s)
	defer db.Close()
	var micros int64
	if err := db.QueryRowContext(t.Context(), `SELECT max(last_used) FROM tokens`).Scan(&micros); err != nil {
		t.Fatal(err)
	}
	return time.UnixMicro(micros)
}

func TestATokenOfAServiceLivesOnByItsUses(t *testing.T) {
	s := startPrepared(t, site(endpoint), func(a *admin) { a.withPassword() })
	token := func() string {
		t.Helper()
		words := strings.Fields(s.Do(t, http.MethodPost, "/", nil, basic("alice:"+passphrase)...).Text)
		if len(words) != 3 {
			t.Fatal("no log-in")
		}
		return words[1]
	}
	// used lets the server begin anew, with all tokens last used that long ago.
	used := func(ago time.Duration) {
		t.Helper()
		s.Reload(t, "{\n}\nhttp://:0\n")
		statement(t, s, `UPDATE tokens SET last_used = ?`, time.Now().Add(-ago).UnixMicro())
		s.Reload(t, site(endpoint))
	}
	word := token()
	for range 3 {
		used(23*time.Hour + 59*time.Minute)
		before := lastUse(t, s)
		for range 5 {
			if r := s.Get(t, "/", bare(word)...); r.StatusCode != 200 {
				t.Fatalf("within the day: %d %s", r.StatusCode, r.Text)
			}
		}
		if !lastUse(t, s).Equal(before) {
			t.Error("a request has written to the database")
		}
		s.Reload(t, "{\n}\nhttp://:0\n")
		if ago := time.Since(lastUse(t, s)); ago > time.Minute {
			t.Errorf("after the server's end the last use was %s ago", ago)
		}
	}
	used(24*time.Hour + 2*time.Second)
	expectRefused(t, s.Get(t, "/", bare(word)...), 401, "invalid_token", "idle")
}

func TestAServiceSaysSoWhereTheStoreIsDown(t *testing.T) {
	var alice tokens
	s := startPrepared(t, site(endpoint), func(a *admin) {
		a.withPassword()
		alice = a.logIn(day)
	})
	expectDown := func(doing string, r caddyrun.Response) {
		t.Helper()
		if r.StatusCode != 503 || !strings.HasPrefix(r.Text, `["unavailable",`) || r.Header.Get("Retry-After") != "1" || r.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %d %s %v", doing, r.StatusCode, r.Text, r.Header)
		}
	}
	// Without its table the audit trail cannot be written, so nothing can be changed.
	statement(t, s, `ALTER TABLE audit_events RENAME TO gone`)
	expectDown("a log-in that cannot be written", s.Do(t, http.MethodPost, "/", nil, basic("alice:"+passphrase)...))
	expectDown("a log-out that cannot be written", logOut(t, s, bare(alice.bare)...))
	if r := s.Get(t, "/", bare(alice.bare)...); r.StatusCode != 200 {
		t.Errorf("the token whose log-out has failed: %d %s", r.StatusCode, r.Text)
	}
	statement(t, s, `ALTER TABLE gone RENAME TO audit_events`)
	if r := logOut(t, s, bare(alice.bare)...); r.StatusCode != 200 {
		t.Errorf("the log-out, again: %d %s", r.StatusCode, r.Text)
	}
	if err := os.Rename(filepath.Join(s.Dir, "auth.db"), filepath.Join(s.Dir, "away.db")); err != nil {
		t.Fatal(err)
	}
	// For a second the proof of freshness lasts.
	within(t, 3*time.Second, func() bool { return s.Get(t, "/", bare(alice.bare)...).StatusCode == 503 })
	for name, headers := range map[string][]string{"a token": bare(alice.bare), "a guess": bare(strings.Repeat("0", 32)), "a session": cookie(alice.web)} {
		expectDown(name, s.Get(t, "/", headers...))
	}
	expectDown("a log-in", s.Do(t, http.MethodPost, "/", nil, basic("alice:"+passphrase)...))
	expectDown("a log-out", logOut(t, s, bare(alice.bare)...))
	expectRefused(t, s.Get(t, "/"), 401, "credential_missing", "none")
}
