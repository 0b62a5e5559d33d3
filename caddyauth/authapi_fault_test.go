package caddyauth_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
)

// everyCall makes each call once, with a word by which each kind of credential
// is sent.
func (a *api) everyCall(t *testing.T, headers []string) (answers []caddyrun.Response) {
	t.Helper()
	for _, one := range [][3]string{
		{"GET", "/api/", ""},
		{"GET", "/api/v1/user/whoami", ""},
		{"GET", "/api/v1/user/bob", ""},
		{"GET", keysPath, ""},
		{"POST", keysPath, `{"name":"n` + time.Now().Format("150405.000000") + `","priv":"R"}`},
		{"POST", keysPath + "/none/disable", ""},
		{"POST", keysPath + "/none/enable", ""},
		{"POST", keysPath + "/none/rotate", ""},
		{"DELETE", keysPath + "/none", ""},
		{"GET", sessionsPath, ""},
		{"DELETE", sessionsPath + "/none", ""},
		{"POST", passwordPath, `{"old_password":"swordfish sunday 12","new_password":"amber river canyon 55"}`},
		{"POST", loginPath, loginBody("alice", alicePassword)},
	} {
		answers = append(answers, a.Do(t, one[0], one[1], []byte(one[2]), append([]string{"Content-Type", "application/json"}, headers...)...))
	}
	return answers
}

func TestWithoutTheStoreNobodyIsLetInAndNobodyIsToldWhy(t *testing.T) {
	a := startAPI(t, "")
	key := bearer(a.issue(a.Server, "ci", func(n *identity.NewKey) { n.Scopes = principal.AllScopes }))
	mine := a.logIn(t, "alice", alicePassword)
	if err := os.Rename(filepath.Join(a.Dir, "auth.db"), filepath.Join(a.Dir, "away.db")); err != nil {
		t.Fatal(err)
	}
	// For a second the proof of freshness lasts.
	within(t, 3*time.Second, func() bool { return a.Get(t, "/api/", key...).StatusCode == 503 })
	for _, headers := range [][]string{key, bearer(mine.token), withCookie(mine.cookie), basic("alice:" + alicePassword)} {
		for _, r := range a.everyCall(t, headers) {
			expectFailure(t, r, 503, "unavailable", "Credentials cannot be checked now.")
			if strings.Contains(r.Text, a.Dir) {
				t.Errorf("the answer has a path of the server: %s", r.Text)
			}
		}
	}
	// What needs nobody is answered all the same.
	expectFailure(t, a.Get(t, "/api/v1/nothing"), 404, "not_found", "Api does not exist (/api/v1/nothing)")
	expectFailure(t, a.Get(t, "/api/v1/user/whoami"), 401, "credential_missing", "No Authorization header present")
}

// TestNoSecretOfTheEndpointsIsInAnyOutput looks for passwords, keys, tokens and
// cookies in logs, and in the bodies of failures.
func TestNoSecretOfTheEndpointsIsInAnyOutput(t *testing.T) {
	a := startAPIFile(t, strings.Replace(strings.Replace(apiSite("debug"),
		"{\n", "{\n\tdebug\n", 1), "http://:0 {\n", "http://:0 {\n\tlog {\n\t\toutput file {$DIR}/access.json\n\t}\n", 1))
	key := a.issue(a.Server, "ci", func(n *identity.NewKey) { n.Scopes = principal.AllScopes })
	mine := a.logIn(t, "alice", alicePassword)
	made := a.makeKey(t, `{"name":"made","priv":"R"}`, bearer(key)...)
	secrets := []string{key, mine.cookie, mine.token, made, alicePassword, "swordfish sunday 12", "amber river canyon 55"}
	var bodies strings.Builder
	note := func(list ...caddyrun.Response) {
		for _, r := range list {
			if r.StatusCode >= 400 {
				bodies.WriteString(r.Text)
			}
		}
	}
	for _, headers := range [][]string{
		bearer(key), bearer(mine.token), withCookie(mine.cookie), basic("alice:" + alicePassword), basic("alice:ci:" + key),
		basic("alice:swordfish sunday 12"), bearer(key + "x"),
		{"Authorization", key},
		append(bearer(key), bearer(mine.token)...),
	} {
		note(a.everyCall(t, headers)...)
	}
	note(
		postJSON(t, a.Server, loginPath, loginBody("alice", "swordfish sunday 12")),
		postJSON(t, a.Server, loginPath, `{"user":"alice","apikey":"ci:`+key+`x"}`),
		postJSON(t, a.Server, loginPath, `{"user":"alice","password":"swordfish sunday 12","apikey":"ci:`+key+`"}`),
		postJSON(t, a.Server, loginPath, `{"user":"alice","password":"swordfish sunday 12"`),
	)
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	log, access := a.Log(t), readFile(t, filepath.Join(a.Dir, "access.json"))
	if !strings.Contains(log, "request refused") || !strings.Contains(log, "endpoint decided") || strings.Count(access, "\n") < 100 || bodies.Len() < 1000 {
		t.Fatal("the logs are not those of this test")
	}
	for where, text := range map[string]string{"log": log, "access log": access, "bodies of failures": bodies.String()} {
		for _, secret := range secrets {
			for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte("alice:" + secret)), strings.ReplaceAll(secret, " ", "%20")} {
				if strings.Contains(text, form) {
					t.Errorf("the %s hold '%s'", where, form)
				}
			}
		}
	}
}

func TestTheLogTellsWhoAndWhyNot(t *testing.T) {
	a := startAPIFile(t, strings.Replace(apiSite(""), "http://:0 {\n", "http://:0 {\n\tlog {\n\t\toutput file {$DIR}/access.json\n\t}\n", 1))
	r := postJSON(t, a.Server, loginPath, loginBody("alice", "wrong"))
	id := r.Header.Get("X-Error-Id")
	a.logIn(t, "bob", bobPassword)
	a.whoami(t, basic("alice:"+alicePassword)...)
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	access := readFile(t, filepath.Join(a.Dir, "access.json"))
	for _, part := range []string{`"user_id":"bob"`, `"user_id":"alice"`, `"error_id":"` + id + `","refused":"wrong_password"`} {
		if !strings.Contains(access, part) {
			t.Errorf("the access log has no %s", part)
		}
	}
	if !strings.Contains(a.Log(t), id) {
		t.Error("the first failure is not in the log")
	}
}

func TestMetricsOfTheEndpoints(t *testing.T) {
	a := startAPIFile(t, strings.Replace(apiSite(""), "{\n", "{\n\tadmin unix/{$DIR}/admin.sock\n", 1))
	counts := func() map[string]string {
		status, text := post(t, a.Server, "GET", "/metrics", "")
		if status != 200 {
			t.Fatalf("metrics: %d", status)
		}
		found := map[string]string{}
		for _, m := range regexp.MustCompile(`(?m)^(caddy_caddyauth_\w+_total\{[^}]*\}) (\d+)$`).FindAllStringSubmatch(text, -1) {
			found[m[1]] = m[2]
		}
		return found
	}
	before := counts()
	a.logIn(t, "alice", alicePassword)
	postJSON(t, a.Server, loginPath, loginBody("alice", "wrong"))
	postJSON(t, a.Server, loginPath, `{}`)
	a.whoami(t, bearer("x")...)
	for range 7 {
		a.whoami(t, basic("bob:wrong")...)
	}
	after := counts()
	for _, name := range []string{
		`caddy_caddyauth_logins_total{method="password",result="accepted"}`,
		`caddy_caddyauth_logins_total{method="password",result="invalid_login"}`,
		`caddy_caddyauth_logins_total{method="none",result="credential_missing"}`,
		`caddy_caddyauth_checks_total{method="api_key",result="invalid_token"}`,
		`caddy_caddyauth_checks_total{method="password",result="invalid_token"}`,
		`caddy_caddyauth_checks_total{method="password",result="too_many_attempts"}`,
		`caddy_caddyauth_brakes_total{reason="locked"}`,
	} {
		if after[name] == before[name] || after[name] == "" {
			t.Errorf("%s is %s after %s", name, after[name], before[name])
		}
	}
}
