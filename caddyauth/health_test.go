package caddyauth_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

// healthAnswer is what monitors get.
type healthAnswer struct {
	Live, Ready bool
	Problems    []string
}

func health(t *testing.T, s *caddyrun.Server, path string) (int, healthAnswer) {
	t.Helper()
	status, text := post(t, s, http.MethodGet, path, "")
	var h healthAnswer
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return status, h
}

// awaitReady waits until the store is loaded.
func awaitReady(t *testing.T, s *caddyrun.Server) {
	t.Helper()
	within(t, 5*time.Second, func() bool {
		status, _ := health(t, s, "/caddyauth/health/ready")
		return status == http.StatusOK
	})
}

func TestHealth(t *testing.T) {
	s := startPrepared(t, withAdmin, func(*admin) {})
	awaitReady(t, s)
	for _, path := range []string{"/caddyauth/health", "/caddyauth/health/ready"} {
		status, h := health(t, s, path)
		if diff := cmp.Diff(healthAnswer{Live: true, Ready: true, Problems: []string{}}, h); status != 200 || diff != "" {
			t.Errorf("%s: %d (-want +got)\n%s", path, status, diff)
		}
	}
	if status, text := post(t, s, "GET", "/caddyauth/health/live", ""); status != 200 || text != `{"live":true}`+"\n" {
		t.Errorf("live: %d %s", status, text)
	}

	file := filepath.Join(s.Dir, "auth.db")
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	within(t, 3*time.Second, func() bool {
		status, _ := health(t, s, "/caddyauth/health/ready")
		return status == http.StatusServiceUnavailable
	})
	for _, path := range []string{"/caddyauth/health", "/caddyauth/health/ready"} {
		status, h := health(t, s, path)
		if diff := cmp.Diff(healthAnswer{Live: true, Problems: []string{"the store cannot be read; see the log"}}, h); status != 503 || diff != "" {
			t.Errorf("%s without the store: %d (-want +got)\n%s", path, status, diff)
		}
	}
	if status, _ := post(t, s, "GET", "/caddyauth/health/live", ""); status != 200 {
		t.Errorf("live without the store: %d", status)
	}
	if err := os.Rename(file+".away", file); err != nil {
		t.Fatal(err)
	}
	within(t, 3*time.Second, func() bool {
		status, h := health(t, s, "/caddyauth/health")
		return status == 200 && h.Ready
	})
}

func TestHealthOfAServerWithoutTheApp(t *testing.T) {
	s := caddyrun.Start(t, "{\n\tadmin unix/{$DIR}/admin.sock\n}\nhttp://:0\n")
	status, h := health(t, s, "/caddyauth/health")
	if diff := cmp.Diff(healthAnswer{Live: true, Problems: []string{"this server has no caddyauth"}}, h); status != 503 || diff != "" {
		t.Errorf("%d (-want +got)\n%s", status, diff)
	}
	for _, path := range []string{"sessions", "lockouts"} {
		if status, text := post(t, s, "GET", "/caddyauth/"+path, ""); status != 404 || !strings.Contains(text, "this server has no caddyauth") {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

func TestMonitoringIsReadByGET(t *testing.T) {
	s := startPrepared(t, withAdmin, func(*admin) {})
	awaitReady(t, s)
	for _, path := range []string{"health", "health/ready", "health/live", "sessions", "lockouts"} {
		for _, method := range []string{"POST", "PUT", "DELETE"} {
			if status, text := post(t, s, method, "/caddyauth/"+path, `{"actor":"x","input":{}}`); status != 405 || !strings.Contains(text, "use GET") {
				t.Errorf("%s %s: %d %s", method, path, status, text)
			}
		}
		if status, text := post(t, s, "HEAD", "/caddyauth/"+path, ""); status != 200 || text != "" {
			t.Errorf("HEAD %s: %d %s", path, status, text)
		}
	}
}

func TestTheAdminAPIListsSessionsAndLockOuts(t *testing.T) {
	var alice tokens
	s := startPrepared(t, strings.Replace(withAdmin, "auth.db\n", "auth.db\n\t\tlogin_failures 2 1m\n", 1), func(a *admin) {
		a.withPassword()
		alice = a.logIn(day)
		if _, err := a.AddUser(t.Context(), "test", identity.NewUser{Username: "bob", Password: passphrase}); err != nil {
			t.Fatal(err)
		}
	})
	for _, name := range []string{"bob", "nobody"} {
		for range 2 {
			expect(t, s.Get(t, "/", basic(name+":guess at it")...), 401, "invalid_token")
		}
	}
	status, text := post(t, s, "GET", "/caddyauth/sessions", "")
	var sessions []store.Session
	if err := json.Unmarshal([]byte(text), &sessions); err != nil || status != 200 {
		t.Fatalf("%d %s: %v", status, text, err)
	}
	if len(sessions) != 1 || sessions[0].ID != alice.id || sessions[0].Username != "alice" || sessions[0].Method != "password" || sessions[0].Address != "192.0.2.77" || len(sessions[0].Tokens) != 3 {
		t.Errorf("sessions %s", text)
	}
	status, lockouts := post(t, s, "GET", "/caddyauth/lockouts", "")
	var list []identity.LockOut
	if err := json.Unmarshal([]byte(lockouts), &list); err != nil || status != 200 {
		t.Fatalf("%d %s: %v", status, lockouts, err)
	}
	got := map[string]int{}
	for _, l := range list {
		got[l.Kind+" "+l.User+" "+l.Source] = l.Failures
		if left := time.Until(l.Until); left < 30*time.Second || left > time.Minute {
			t.Errorf("%+v ends in %s", l, left)
		}
	}
	if diff := cmp.Diff(map[string]int{"locked bob 127.0.0.0/24": 2, "locked  127.0.0.0/24": 2}, got); diff != "" {
		t.Errorf("lock-outs (-want +got):\n%s\n%s", diff, lockouts)
	}
	for what, secret := range map[string]string{
		"app token": alice.app[len("alice:"):], "bare token": alice.bare, "session": alice.web, "password": passphrase,
		"guess": "guess at it", "name that is nobody's": "nobody", "verifier": "erifier", "hash": "argon2",
	} {
		if strings.Contains(text+lockouts, secret) {
			t.Errorf("there is the %s in\n%s\n%s", what, text, lockouts)
		}
	}
	// What they show can be ended by the same API.
	if status, text := post(t, s, "POST", "/caddyauth/user/unlock", `{"actor":"x","input":{"user":"bob"}}`); status != 200 || text != `{"unlocked":true}`+"\n" {
		t.Errorf("unlocking: %d %s", status, text)
	}
	expect(t, s.Get(t, "/", basic("bob:"+passphrase)...), 200, "")
	expect(t, s.Get(t, "/", cookie(alice.web)...), 200, "")
	if status, text := post(t, s, "POST", "/caddyauth/session/revoke", `{"actor":"x","input":{"id":"`+alice.id+`"}}`); status != 200 || text != `{"ended":1}`+"\n" {
		t.Errorf("revoking: %d %s", status, text)
	}
	expect(t, s.Get(t, "/", cookie(alice.web)...), 401, "invalid_token")
	for input, want := range map[string]int{
		`{"id":"` + alice.id + `"}`: 404, `{"id":"x"}`: 404, `{"user":"nobody"}`: 404, `{}`: 400,
	} {
		if status, text := post(t, s, "POST", "/caddyauth/session/revoke", `{"actor":"x","input":`+input+`}`); status != want {
			t.Errorf("revoking %s: %d %s", input, status, text)
		}
	}
}

func TestAPasswordIsSetThroughTheAdminAPI(t *testing.T) {
	s := startPrepared(t, withAdmin, func(*admin) {})
	for input, want := range map[string]string{
		`{"user":"alice","password":"short"}`:              "Password needs to be at least 12 characters",
		`{"user":"alice","password":"password1234"}`:       "Password is too common",
		`{"user":"alice","password":"alicealicealice"}`:    "Password must not be the user name",
		`{"user":"alice","password":""}`:                   "this one is empty",
		`{"user":"alice","passwort":"` + passphrase + `"}`: "unknown field",
	} {
		status, text := post(t, s, "POST", "/caddyauth/user/passwd", `{"actor":"x","input":`+input+`}`)
		if status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", input, status, text)
		}
	}
	if status, text := post(t, s, "POST", "/caddyauth/user/passwd", `{"actor":"x","input":{"user":"nobody","password":"`+passphrase+`"}}`); status != 404 {
		t.Errorf("of nobody: %d %s", status, text)
	}
	status, text := post(t, s, "POST", "/caddyauth/user/passwd", `{"actor":"x","input":{"user":"alice","password":"`+passphrase+`"}}`)
	if status != 200 || strings.Contains(text, passphrase) || strings.Contains(text, "argon2") {
		t.Errorf("%d %s", status, text)
	}
	expect(t, s.Get(t, "/", basic("alice:"+passphrase)...), 200, "")
}
