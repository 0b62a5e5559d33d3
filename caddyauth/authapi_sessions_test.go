package caddyauth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/credential"
)

const (
	sessionsPath = "/api/v1/auth/sessions"
	logoutPath   = "/api/v1/auth/logout"
	passwordPath = "/api/v1/user/password"
)

func TestALogOutEndsTheCookieAndTheToken(t *testing.T) {
	a := startAPI(t, "")
	for _, way := range []string{"cookie", "token"} {
		mine, other := a.logIn(t, "alice", alicePassword), a.logIn(t, "alice", alicePassword)
		headers := withCookie(mine.cookie)
		if way == "token" {
			headers = bearer(mine.token)
		}
		r := a.Do(t, "POST", logoutPath, nil, headers...)
		expectStatus(t, r, 200, "")
		if string(readEnvelope(t, r).Response) != `{"success":true}` || !cleared(r) {
			t.Errorf("by %s: %s, cookies %v", way, r.Text, r.Header.Values("Set-Cookie"))
		}
		expectFailure(t, a.whoami(t, withCookie(mine.cookie)...), 401, "invalid_token", "No authenticated user found")
		expectFailure(t, a.whoami(t, bearer(mine.token)...), 401, "invalid_token", "Invalid token")
		expectFailure(t, a.Do(t, "POST", logoutPath, nil, headers...), 401, "invalid_token", map[string]string{
			"cookie": "No authenticated user found", "token": "Invalid token",
		}[way])
		expectStatus(t, a.whoami(t, withCookie(other.cookie)...), 200, "")
		expectStatus(t, a.whoami(t, bearer(other.token)...), 200, "")
	}
}

// cleared reports whether an answer takes both cookies away.
func cleared(r caddyrun.Response) bool {
	return slices.Equal(r.Header.Values("Set-Cookie"), []string{
		"__Host-sallyport=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
		"XSRF-TOKEN=; Path=/; Max-Age=0; Secure; SameSite=Lax",
	})
}

func TestThereIsNothingToLogOutWithAKeyOrAPassword(t *testing.T) {
	a := startAPI(t, "")
	const text = "This credential has no session that could end. Log out with the app token or the session cookie."
	expectFailure(t, a.Do(t, "POST", logoutPath, nil, basic("alice:"+alicePassword)...), 400, "invalid_request", text)
	expectFailure(t, a.Do(t, "POST", logoutPath, nil, bearer(a.issue(a.Server, "ci"))...), 400, "invalid_request", text)
}

func TestACookieChangesNothingForOtherSites(t *testing.T) {
	a := startAPI(t, "")
	mine := a.logIn(t, "alice", alicePassword)
	const text = "a session opens this only to pages of this site; programs send an Authorization header"
	for _, one := range [][2]string{{"POST", logoutPath}, {"POST", keysPath}, {"DELETE", sessionsPath}, {"POST", passwordPath}, {"PUT", passwordPath}} {
		for _, from := range [][]string{nil, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}} {
			headers := append([]string{"Cookie", "__Host-sallyport=" + mine.cookie}, from...)
			expectFailure(t, a.Do(t, one[0], one[1], nil, headers...), 403, "cross_origin", text)
		}
	}
	own := []string{"Cookie", "__Host-sallyport=" + mine.cookie, "Origin", a.URL, "X-XSRF-TOKEN", credential.XSRFToken(mine.cookie)}
	expectStatus(t, a.Do(t, "POST", logoutPath, nil, own...), 200, "")
}

type sessionAnswer struct {
	ID, Method, Address, Created, Expires string
	KeyID                                 string   `json:"key_id"`
	UserAgent                             string   `json:"user_agent"`
	LastUsed                              string   `json:"last_used"`
	Privileges                            []string `json:"privileges"`
	Current                               bool
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	a := startAPI(t, "")
	key := a.issue(a.Server, "ci")
	mine := a.logIn(t, "alice", alicePassword, "User-Agent", "browser/1")
	other := a.logIn(t, "alice", alicePassword)
	expectStatus(t, postJSON(t, a.Server, loginPath, `{"user":"alice","apikey":"`+key+`"}`), 200, "")
	bobs := a.logIn(t, "bob", bobPassword)

	list := payload[[]sessionAnswer](t, a.Get(t, sessionsPath, withCookie(mine.cookie)...))
	if len(list) != 3 {
		t.Fatalf("the sessions are %+v", list)
	}
	var others []string
	for _, s := range list {
		if s.Created == "" || s.LastUsed == "" || s.Expires == "" || s.Address != "127.0.0.1" {
			t.Errorf("the session is %+v", s)
		}
		switch {
		case s.Current && s.UserAgent == "browser/1" && s.Method == "password" && len(s.Privileges) == 3:
		case s.Method == "api_key" && s.KeyID != "" && strings.Join(s.Privileges, "") == "R" && !s.Current:
		case s.Method == "password" && !s.Current:
			others = append(others, s.ID)
		default:
			t.Errorf("the session is %+v", s)
		}
	}
	if len(others) != 1 {
		t.Fatalf("the other sessions are %v", others)
	}

	// Nobody ends those of somebody else, and nobody learns of them.
	expectFailure(t, a.Do(t, "DELETE", sessionsPath+"/"+others[0], nil, bearer(bobs.token)...), 404, "not_found", "Session does not exist")
	expectFailure(t, a.Do(t, "DELETE", sessionsPath+"/nothing", nil, bearer(bobs.token)...), 404, "not_found", "Session does not exist")
	r := a.Do(t, "DELETE", sessionsPath+"/"+others[0], nil, withCookie(mine.cookie)...)
	if r.StatusCode != 204 || len(r.Cookies()) != 0 {
		t.Errorf("another session: %d %v", r.StatusCode, r.Header)
	}
	expectFailure(t, a.whoami(t, bearer(other.token)...), 401, "invalid_token", "Invalid token")
	expectStatus(t, a.whoami(t, bearer(mine.token)...), 200, "")

	r = a.Do(t, "DELETE", sessionsPath, nil, withCookie(mine.cookie)...)
	expectStatus(t, r, 200, "")
	if !strings.Contains(r.Text, `"ended":2`) || !cleared(r) {
		t.Errorf("all sessions: %s %v", r.Text, r.Header)
	}
	expectFailure(t, a.whoami(t, bearer(mine.token)...), 401, "invalid_token", "Invalid token")
	expectStatus(t, a.whoami(t, bearer(bobs.token)...), 200, "")
	expectStatus(t, a.whoami(t, bearer(key)...), 200, "")
}

func TestEndingTheSessionInUseTakesTheCookieAway(t *testing.T) {
	a := startAPI(t, "")
	mine := a.logIn(t, "alice", alicePassword)
	list := payload[[]sessionAnswer](t, a.Get(t, sessionsPath, withCookie(mine.cookie)...))
	if r := a.Do(t, "DELETE", sessionsPath+"/"+list[0].ID, nil, withCookie(mine.cookie)...); r.StatusCode != 204 || !cleared(r) {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
}

func TestAChangeOfThePassword(t *testing.T) {
	a := startAPI(t, "")
	const changed = "amber river canyon 55"
	mine, other := a.logIn(t, "alice", alicePassword), a.logIn(t, "alice", alicePassword)
	change := func(old, text string, headers ...string) caddyrun.Response {
		return postJSON(t, a.Server, passwordPath, `{"old_password":"`+old+`","new_password":"`+text+`"}`, headers...)
	}
	expectFailure(t, change("wrong", changed, bearer(mine.token)...), 403, "invalid_login", "The old password is wrong.")
	expectFailure(t, change(strings.Repeat("a", 1025), changed, bearer(mine.token)...), 403, "invalid_login", "The old password is wrong.")
	expectFailure(t, change(alicePassword, "short", bearer(mine.token)...), 400, "weak_password", "Password needs to be at least 12 characters")
	expectFailure(t, change(alicePassword, "password1234", bearer(mine.token)...), 400, "weak_password", "Password is too common")
	expectFailure(t, change(alicePassword, strings.Repeat("a", 1025), bearer(mine.token)...), 400, "weak_password",
		"a password is 1 to 1024 bytes of UTF-8; this one has 1025 bytes")
	expectFailure(t, change("", changed, bearer(mine.token)...), 400, "invalid_request", "Invalid data format")
	expectFailure(t, a.Do(t, "PUT", passwordPath, []byte(`x`), bearer(mine.token)...), 400, "invalid_request", "No data block provided or data block not in JSON format.'")
	expectStatus(t, a.whoami(t, withCookie(mine.cookie)...), 200, "")

	r := change(alicePassword, changed, withCookie(mine.cookie)...)
	expectStatus(t, r, 200, "")
	if !cleared(r) {
		t.Errorf("the cookie of the session that has ended: %v", r.Header.Values("Set-Cookie"))
	}
	for _, one := range []login{mine, other} {
		expectFailure(t, a.whoami(t, bearer(one.token)...), 401, "invalid_token", "Invalid token")
		expectFailure(t, a.whoami(t, withCookie(one.cookie)...), 401, "invalid_token", "No authenticated user found")
	}
	expectFailure(t, a.whoami(t, basic("alice:"+alicePassword)...), 401, "invalid_login", "Invalid login information")
	expectStatus(t, a.whoami(t, basic("alice:"+changed)...), 200, "")
}

func TestSessionsOutliveTheServer(t *testing.T) {
	a := startAPI(t, "")
	mine := a.logIn(t, "alice", alicePassword)
	a.Reload(t, apiSite("session_lifetime 1h"))
	expectStatus(t, a.whoami(t, withCookie(mine.cookie)...), 200, "")
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	a.Reload(t, apiSite(""))
	expectStatus(t, a.whoami(t, withCookie(mine.cookie)...), 200, "")
	expectStatus(t, a.whoami(t, bearer(mine.token)...), 200, "")
	if r := a.Do(t, http.MethodPost, logoutPath, nil, withCookie(mine.cookie)...); r.StatusCode != 200 {
		t.Errorf("log-out after a restart: %d", r.StatusCode)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	a.Reload(t, apiSite(""))
	expectFailure(t, a.whoami(t, withCookie(mine.cookie)...), 401, "invalid_token", "No authenticated user found")
}
