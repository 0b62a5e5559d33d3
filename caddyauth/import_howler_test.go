package caddyauth_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"github.com/sallyport/sallyport/caddyauth"
	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/store"
)

// howlerUser is an account of testdata/howler/imported.json.
type howlerUser struct {
	Username string   `json:"username"`
	Password string   `json:"password"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	Types    []string `json:"types"`
	Groups   []string `json:"groups"`
	Keys     []struct {
		Name   string   `json:"name"`
		Priv   string   `json:"priv"`
		Expiry string   `json:"expiry"`
		Agents []string `json:"agents"`
	} `json:"keys"`
}

func howlerUsers(t *testing.T) []howlerUser {
	t.Helper()
	var file struct {
		Users []howlerUser `json:"users"`
	}
	if err := json.Unmarshal([]byte(readFile(t, "testdata/howler/imported.json")), &file); err != nil {
		t.Fatal(err)
	}
	return file.Users
}

// howlerExport writes the documents of the accounts as howler's database has them.
func howlerExport(t *testing.T) (path string) {
	t.Helper()
	hash := func(text string) string {
		raw, err := bcrypt.GenerateFromPassword([]byte(text), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	var documents []map[string]any
	for _, u := range howlerUsers(t) {
		keys := map[string]any{}
		for _, k := range u.Keys {
			key := map[string]any{"acl": strings.Split(k.Priv, ""), "password": hash(u.Password), "agents": k.Agents}
			if k.Expiry != "" {
				key["expiry_date"] = strings.ReplaceAll(k.Expiry, "<year 3000>", "3000-01-01T00:00:00Z")
			}
			keys[k.Name] = key
		}
		documents = append(documents, map[string]any{
			"uname": u.Username, "name": u.Name, "email": u.Email, "type": u.Types, "groups": u.Groups,
			"is_active": true, "api_quota": 25, "password": hash(u.Password), "apikeys": keys,
		})
	}
	text, err := json.Marshal(documents)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "users.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// importHowler imports the accounts into the store of a running server.
func importHowler(t *testing.T, s *caddyrun.Server, a *admin) {
	t.Helper()
	users, left, err := caddyauth.ReadHowler(howlerExport(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"key admin/expired: it has expired 2023-05-30T05:12:28Z",
		"end of key admin/not_expired: it ends 2106-02-07T06:28:14Z, since times end there",
	}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	if _, err := a.ImportUsers(t.Context(), "os:root", users); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
}

func TestUsersOfHowlerGoOnWithTheirKeysAndPasswords(t *testing.T) {
	s, a := startFile(t, apiSite(""))
	importHowler(t, s, a)
	for _, u := range howlerUsers(t) {
		credentials := map[string]int{u.Password: 200}
		for _, k := range u.Keys {
			switch {
			case k.Name == "expired":
				credentials["expired:"+u.Password] = 401
			case strings.Contains(k.Priv, "I"):
				credentials[k.Name+":"+u.Password] = 403
			case strings.Contains(k.Priv, "R"):
				credentials[k.Name+":"+u.Password] = 200
			default:
				// The user's own record is for those who may read.
				credentials[k.Name+":"+u.Password] = 403
			}
		}
		for credential, want := range credentials {
			for _, when := range []string{"first", "again"} {
				r := s.Get(t, "/api/v1/user/whoami", basic(u.Username+":"+credential)...)
				if r.StatusCode != want {
					t.Errorf("%s:%s %s: %d, want %d: %s", u.Username, credential, when, r.StatusCode, want, r.Text)
				}
				if want != 200 {
					continue
				}
				me := payload[struct {
					Username string   `json:"username"`
					Name     string   `json:"name"`
					Roles    []string `json:"roles"`
				}](t, r)
				if me.Username != u.Username || u.Name != "" && me.Name != u.Name || len(me.Roles) != len(u.Types) {
					t.Errorf("%s:%s is %+v", u.Username, credential, me)
				}
			}
		}
		for _, k := range u.Keys {
			if k.Name == "expired" || strings.Contains(k.Priv, "I") {
				continue
			}
			body, _ := json.Marshal(map[string]string{"user": u.Username, "apikey": k.Name + ":" + u.Password})
			got := payload[struct {
				Privileges []string `json:"privileges"`
			}](t, postJSON(t, s, "/api/v1/auth/login", string(body)))
			if strings.Join(got.Privileges, "") != k.Priv {
				t.Errorf("a log-in by %s/%s has %v, not %s", u.Username, k.Name, got.Privileges, k.Priv)
			}
		}
	}
	left, err := a.ImportedLeft(t.Context())
	if err != nil || left.Passwords != 0 || left.Keys != 0 {
		t.Errorf("%+v, %v: not all hashes are replaced", left, err)
	}
}

func TestTheFirstUseMayBeALogIn(t *testing.T) {
	s, a := startFile(t, apiSite(""))
	importHowler(t, s, a)
	for _, when := range []string{"first", "again"} {
		r := postJSON(t, s, "/api/v1/auth/login", `{"user": "user", "apikey": "devkey:user"}`)
		if r.StatusCode != 200 {
			t.Errorf("%s: %d %s", when, r.StatusCode, r.Text)
		}
	}
	for _, wrong := range []string{"devkey:wrong", "nokey:user"} {
		expectFailure(t, postJSON(t, s, "/api/v1/auth/login", `{"user": "user", "apikey": "`+wrong+`"}`), 401, "invalid_login", "Invalid login information")
	}
}

func TestAgentsOfHowlerActByTheirKeys(t *testing.T) {
	s, a := startFile(t, apiSite(""))
	importHowler(t, s, a)
	acting := func(agent, key string) caddyrun.Response {
		return s.Get(t, "/api/v1/user/whoami", append([]string{"X-Impersonating", basic("user:" + key)[1]}, basic(agent)...)...)
	}
	for _, when := range []string{"first", "again"} {
		r := acting("goose:goose", "impersonate_admin:user")
		if r.StatusCode != 200 || !strings.Contains(r.Text, `"username":"user"`) {
			t.Errorf("%s: %d %s", when, r.StatusCode, r.Text)
		}
	}
	for agent, key := range map[string]string{
		"huey:huey": "impersonate_admin:user", "admin:admin": "impersonate_potato:user",
	} {
		if r := acting(agent, key); r.StatusCode != 403 {
			t.Errorf("%s by %s: %d %s", agent, key, r.StatusCode, r.Text)
		}
	}
	if r := acting("goose:goose", "impersonate_admin:wrong"); r.StatusCode != 401 {
		t.Errorf("a wrong secret: %d %s", r.StatusCode, r.Text)
	}
}

// Until it is proven nobody knows whether it is a key or a password, and a gate takes
// each only where it accepts it.
func TestGatesTakeAKeyByNameForAKey(t *testing.T) {
	s, a := start(t, `
	handle /keys {
		token_auth {
			accept api_key
		}
	}
	handle /passwords {
		token_auth {
			accept password
		}
	}
	handle /both {
		token_auth
	}
	handle /tokens {
		token_auth {
			accept app_token
		}
	}
	respond "{http.auth.user.id} {http.auth.user.method}"`)
	before := s.Get(t, "/keys", basic("user:devkey:user")...)
	expect(t, before, 401, "invalid_token")
	importHowler(t, s, a)
	for _, test := range []struct {
		path, credential string
		status           int
	}{
		// First uses are refused where keys are, and go on elsewhere.
		{"/passwords", "user:devkey:user", 401},
		{"/tokens", "user:devkey:user", 401},
		{"/keys", "user:devkey:user", 200},
		{"/keys", "user:devkey:user", 200},
		{"/both", "user:devkey:user", 200},
		{"/passwords", "user:devkey:user", 401},
		{"/tokens", "user:devkey:user", 401},
		{"/both", "admin:readonly:admin", 200},
		{"/both", "goose:goose", 200},
		{"/passwords", "goose:goose", 200},
		{"/keys", "goose:goose", 401},
		{"/keys", "goose:nokey:goose", 401},
		{"/both", "goose:nokey:goose", 401},
		{"/both", "user:devkey:wrong", 401},
	} {
		r := s.Get(t, test.path, basic(test.credential)...)
		if r.StatusCode != test.status {
			t.Errorf("%s with %s: %d, want %d: %s", test.path, test.credential, r.StatusCode, test.status, r.Text)
		}
		if test.status == 401 {
			expect(t, r, 401, "invalid_token")
		}
	}
}

// A name that is guessed and one that is right get the same answer.
func TestNobodyLearnsTheNamesOfKeys(t *testing.T) {
	s, a := startFile(t, apiSite(""))
	importHowler(t, s, a)
	if r := s.Get(t, "/api/v1/user/whoami", basic("user:devkey:user")...); r.StatusCode != 200 {
		t.Fatal(r.Text)
	}
	for _, credential := range []string{"user:devkey:x", "admin:readonly:x", "admin:nokey:x", "nobody:devkey:x", "admin:expired:admin", "user:impersonate_admin:x"} {
		expectFailure(t, s.Get(t, "/api/v1/user/whoami", basic(credential)...), 401, "invalid_login", "Invalid login information")
	}
}

func TestALockOutStopsFirstUsesOnly(t *testing.T) {
	s, a := startFile(t, apiSite(""))
	importHowler(t, s, a)
	whoami := func(credential string) caddyrun.Response {
		return s.Get(t, "/api/v1/user/whoami", basic(credential)...)
	}
	if r := whoami("admin:devkey:admin"); r.StatusCode != 200 {
		t.Fatal(r.Text)
	}
	for range 10 {
		whoami("admin:wrong")
	}
	if r := whoami("admin:readonly:admin"); r.StatusCode != 401 || !strings.Contains(r.Text, "This account is locked") {
		t.Errorf("a first use: %d %s", r.StatusCode, r.Text)
	}
	if r := whoami("admin:devkey:admin"); r.StatusCode != 200 {
		t.Errorf("a key that was used: %d %s", r.StatusCode, r.Text)
	}
	var kinds []string
	events, err := a.Events(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		kinds = append(kinds, e.Kind+" "+e.Actor)
	}
	if diff := cmp.Diff([]string{"login.lock brakes", "key.replace_hash user:admin"}, kinds[:2]); diff != "" {
		t.Errorf("audit trail (-want +got):\n%s", diff)
	}
	k, err := a.Key(t.Context(), store.KeyRef{UserFold: "admin", Name: "readonly"})
	if err != nil || k.ImportedHash == "" {
		t.Errorf("%+v, %v", k, err)
	}
}
