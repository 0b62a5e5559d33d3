package caddyauth_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

const oneGate = head + `http://:0 {
	token_auth
	respond "in"
}
`

func TestWithoutSettingsTheStoreIsInCaddysDataDirectory(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", dir)
	s := caddyrun.Start(t, `http://:0 {
	token_auth
	respond "in"
}`)
	expect(t, s.Get(t, "/"), 401, "credential_missing")
	a := newAdmin(t, filepath.Join(dir, "caddy", "sallyport", "auth.db"))
	expect(t, s.Get(t, "/", bearer(a.issue(s, "ci"))...), 200, "")
	if _, err := os.Stat(filepath.Join(dir, "caddy", "sallyport", "pepper")); err != nil {
		t.Error(err)
	}
}

func TestValidatingOpensAndMakesNothing(t *testing.T) {
	dir := t.TempDir()
	config, err := caddyrun.Adapt(strings.ReplaceAll(oneGate, "{$DIR}", dir))
	if err != nil {
		t.Fatal(err)
	}
	var c caddy.Config
	if err := caddy.StrictUnmarshalJSON(config, &c); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&c); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("validating has made %v, %v", entries, err)
	}
}

func TestSettingsAreCheckedBeforeTheStart(t *testing.T) {
	t.Setenv("EMPTY", "")
	for name, test := range map[string]struct{ options, want string }{
		"a variable that is not set":      {"store sqlite {env.NO_SUCH_VARIABLE}", "store: "},
		"a variable that is empty":        {"store sqlite {env.EMPTY}", "store: "},
		"a pepper file that is not named": {"pepper_file {env.EMPTY}", "pepper_file: "},
		"a file that is not there":        {"key_prefix {file./no/such/file}", "key_prefix: "},
		"a bad prefix":                    {"key_prefix NO", "key prefix 'NO': use 2 to 16 lower-case letters and digits, a letter first"},
	} {
		config, err := caddyrun.Adapt("{\ncaddyauth {\n" + test.options + "\n}\n}\n")
		if err != nil {
			t.Fatal(err)
		}
		var c caddy.Config
		if err := caddy.StrictUnmarshalJSON(config, &c); err != nil {
			t.Fatal(err)
		}
		if err := caddy.Validate(&c); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlaceholdersInSettings(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("STORE", filepath.Join(dir, "from-env.db"))
	prefix := filepath.Join(dir, "prefix")
	if err := os.WriteFile(prefix, []byte("ops1"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AUDIENCE", "reports")
	caddyrun.Start(t, `{
	caddyauth {
		store sqlite {env.STORE}
		pepper_file {env.STORE}.pepper
		key_prefix {file.`+prefix+`}
	}
}
http://:0 {
	token_auth {
		audience {env.AUDIENCE}
	}
}`)
	for _, name := range []string{"from-env.db", "from-env.db.pepper"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatStopsTheStart(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(store, pepper string) error
		want  string
	}{
		"the pepper is missing":   {func(_, pepper string) error { return os.Remove(pepper) }, "is missing, but its store is there: put it back from a backup"},
		"the pepper is wrong":     {func(_, pepper string) error { return os.WriteFile(pepper, []byte(strings.Repeat("ab", 32)), 0o600) }, "wrong pepper: store"},
		"the store is gone":       {func(store, _ string) error { return os.Remove(store) }, "but its pepper is there"},
		"the store is cut off":    {func(store, _ string) error { return os.Truncate(store, 0) }, "is empty: it was cut off or never was a store"},
		"the store is no store":   {func(store, _ string) error { return os.WriteFile(store, []byte(strings.Repeat("x", 1000)), 0o600) }, "file is not a database"},
		"the store's folder gone": {func(store, _ string) error { return os.RemoveAll(filepath.Dir(store)) }, "cannot be made"},
	} {
		t.Run(name, func(t *testing.T) {
			file := strings.ReplaceAll(oneGate, "{$DIR}/auth.db", "{$DIR}/data/auth.db")
			s := caddyrun.Start(t, "{\n}\nhttp://:0\n")
			data := filepath.Join(s.Dir, "data")
			if err := os.Mkdir(data, 0o700); err != nil {
				t.Fatal(err)
			}
			s.Reload(t, file)
			s.Reload(t, "{\n}\nhttp://:0\n")
			if err := test.spoil(filepath.Join(data, "auth.db"), filepath.Join(data, "pepper")); err != nil {
				t.Fatal(err)
			}
			err := s.Load(t, file)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), data) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestTheGateClosesWhenTheStoreIsGoneAndOpensWhenItIsBack(t *testing.T) {
	s, a := startFile(t, oneGate)
	key := a.issue(s, "ci")
	expect(t, s.Get(t, "/", bearer(key)...), 200, "")
	file := filepath.Join(s.Dir, "auth.db")
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	within(t, 3*time.Second, func() bool { return s.Get(t, "/", bearer(key)...).StatusCode == http.StatusServiceUnavailable })
	r := s.Get(t, "/", bearer("x")...)
	expect(t, r, 503, "unavailable")
	if r.Header.Get("Retry-After") == "" || r.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("headers %v", r.Header)
	}
	expect(t, s.Get(t, "/"), 401, "credential_missing")
	if err := os.Rename(file+".away", file); err != nil {
		t.Fatal(err)
	}
	within(t, 3*time.Second, func() bool { return s.Get(t, "/", bearer(key)...).StatusCode == http.StatusOK })
	// The keys are checked again a moment before the log says so.
	within(t, 3*time.Second, func() bool {
		log := s.Log(t)
		return strings.Contains(log, "the store cannot be read; keys are not checked until it can") && strings.Contains(log, "the store is back")
	})
}

// within waits until something is so.
func within(t *testing.T, limit time.Duration, so func() bool) {
	t.Helper()
	for began := time.Now(); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > limit {
			t.Fatalf("it is not so after %s", limit)
		}
	}
}

func TestAReloadKeepsTheStoreOpen(t *testing.T) {
	s, a := startFile(t, oneGate)
	key := a.issue(s, "ci")
	opened := strings.Count(s.Log(t), `"keys loaded"`)
	for i := range 5 {
		s.Reload(t, strings.Replace(oneGate, `"in"`, fmt.Sprintf(`"in %d"`, i), 1))
		// No waiting: what is in memory is there at once.
		if r := s.Get(t, "/", bearer(key)...); r.Text != fmt.Sprintf("in %d", i) {
			t.Fatalf("after reload %d: %d %s", i, r.StatusCode, r.Text)
		}
	}
	if n := strings.Count(s.Log(t), `"keys loaded"`); n != opened || n != 1 {
		t.Errorf("the store was loaded %d times", n)
	}
	// A new prefix needs no new store.
	s.Reload(t, strings.Replace(oneGate, "auth.db\n", "auth.db\n\t\tkey_prefix ops1\n", 1))
	expect(t, s.Get(t, "/", bearer(key)...), 200, "")
}

func TestAReloadThatFailsLeavesTheServerAsItWas(t *testing.T) {
	s, a := startFile(t, oneGate)
	key := a.issue(s, "ci")
	if err := s.Load(t, strings.Replace(oneGate, "respond", "no_such_directive", 1)); err == nil {
		t.Fatal("the configuration was taken")
	}
	if err := s.Load(t, strings.Replace(oneGate, "token_auth\n", "token_auth {\n audience {env.NO_SUCH_VARIABLE}\n}\n", 1)); err == nil {
		t.Fatal("the configuration was taken")
	}
	expect(t, s.Get(t, "/", bearer(key)...), 200, "")
}

func TestStoppingClosesTheStore(t *testing.T) {
	s, _ := startFile(t, oneGate)
	s.Reload(t, "{\n}\nhttp://:0\n")
	// The last connection of a process takes these files away; ours in this
	// test has none open for writing.
	for _, name := range []string{"auth.db", "pepper"} {
		if err := os.Rename(filepath.Join(s.Dir, name), filepath.Join(s.Dir, "moved."+name)); err != nil {
			t.Fatal(err)
		}
	}
	s.Reload(t, oneGate)
	if _, err := os.Stat(filepath.Join(s.Dir, "auth.db")); err != nil {
		t.Errorf("the store was not opened anew: %v", err)
	}
	if strings.Count(s.Log(t), "a new store was made") != 2 {
		t.Error("the log does not say that a new store was made")
	}
}

func TestTheFilesOfTheStoreAreForTheServerAlone(t *testing.T) {
	s, _ := startFile(t, oneGate)
	err := filepath.WalkDir(s.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasPrefix(entry.Name(), "auth.db") && entry.Name() != "pepper" {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("%s has mode %o", entry.Name(), info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheProviderForCaddysOwnHandler(t *testing.T) {
	s, a := startFile(t, oneGate)
	key := a.issue(s, "ci")
	err := caddy.Load([]byte(`{
	"admin": {"disabled": true, "config": {"persist": false}},
	"storage": {"module": "file_system", "root": "`+s.Dir+`/caddy"},
	"logging": {"logs": {"default": {"writer": {"output": "file", "filename": "`+s.LogFile()+`"}}}},
	"apps": {
		"caddyauth": {"store": {"engine": "sqlite", "path": "`+s.Dir+`/auth.db"}},
		"http": {"servers": {"s": {"listen": ["127.0.0.1:0"], "routes": [{"handle": [
			{"handler": "authentication", "providers": {
				"token": {"require": {"roles": ["admin"]}, "forward_identity": "X-User"},
				"http_basic": {"accounts": [{"username": "bob", "password": "$2a$04$z7xy7N7sRd3jwoDFnc0v9.y5VhSbvdfwy8VhqUTQxtQ3Oa4jQz9jy"}]}
			}},
			{"handler": "static_response", "body": "{http.auth.user.id} {http.auth.user.roles} {http.auth.user.method} '{http.request.header.Authorization}' {http.request.header.X-User}"}
		]}]}}}
	}
}`), true)
	if err != nil {
		t.Fatal(err)
	}
	s.URL = "http://" + caddyrun.ListenAddress(t)
	if r := s.Get(t, "/", append(bearer(key), "X-User", "root")...); r.Text != "alice admin api_key '' alice" {
		t.Errorf("with a key: %d %s", r.StatusCode, r.Text)
	}
	r := s.Get(t, "/", bearer("x")...)
	if r.StatusCode != 401 || !strings.Contains(strings.Join(r.Header.Values("WWW-Authenticate"), " "), "Bearer") && !strings.Contains(strings.Join(r.Header.Values("WWW-Authenticate"), " "), "Basic") {
		t.Errorf("with a wrong key: %d %v", r.StatusCode, r.Header)
	}
	roles := []string{}
	if _, err := a.EditUser(t.Context(), "test", "alice", editRoles(roles)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	if r := s.Get(t, "/", bearer(key)...); r.StatusCode != 401 {
		t.Errorf("without the role: %d", r.StatusCode)
	}
	// When it cannot be found out who is asking nobody passes either.
	if err := os.Rename(filepath.Join(s.Dir, "auth.db"), filepath.Join(s.Dir, "away")); err != nil {
		t.Fatal(err)
	}
	within(t, 3*time.Second, func() bool {
		return strings.Contains(s.Log(t), "auth provider returned error") || s.Get(t, "/", bearer(key)...).StatusCode != 401
	})
	if !strings.Contains(s.Log(t), "unavailable: not_fresh") {
		t.Error("the log does not say why")
	}
}

func TestJSONIsCheckedAsTheCaddyfileIs(t *testing.T) {
	for config, want := range map[string]string{
		`{"handler": "token_auth", "accept": ["saml"]}`:                                             "accept 'saml' is unknown",
		`{"handler": "token_auth", "errors": "html"}`:                                               "errors 'html' is unknown",
		`{"handler": "token_auth", "require": {"scopes": ["x"]}}`:                                   "scope 'x' is unknown",
		`{"handler": "token_auth", "identity_headers": ["*"]}`:                                      "identity header '*'",
		`{"handler": "token_auth", "optionl": true}`:                                                "unknown field",
		`{"handler": "authentication", "providers": {"token": {"accept": ["saml"]}}}`:               "accept 'saml' is unknown",
		`{"handler": "authentication", "providers": {"token": {"forward_identity": "Connection"}}}`: "covers Connection",
	} {
		var c caddy.Config
		err := errors.Join(
			caddy.StrictUnmarshalJSON([]byte(`{"apps": {"http": {"servers": {"s": {"routes": [{"handle": [`+config+`]}]}}}}}`), &c),
			caddy.Validate(&c))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", config, err)
		}
	}
}
