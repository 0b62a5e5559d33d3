package caddyauth_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

const loginPath = "/api/v1/auth/login"

func TestALogInByPasswordGivesATokenAndACookie(t *testing.T) {
	a := startAPI(t, "session_lifetime 12h")
	r := postJSON(t, a.Server, loginPath, loginBody("ALICE", alicePassword))
	expectStatus(t, r, 200, "")
	cookies := r.Header.Values("Set-Cookie")
	if len(cookies) != 2 {
		t.Fatalf("the cookies are %v", cookies)
	}
	word, attributes, _ := strings.Cut(cookies[0], "; ")
	if attributes != "Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax" || len(word) != len("__Host-sallyport=")+43 {
		t.Errorf("the cookie is %s", cookies[0])
	}
	got := payload[map[string]any](t, r)
	token, _ := got["app_token"].(string)
	if !strings.HasPrefix(token, "alice:") || !cmp.Equal(got["privileges"], []any{"R", "W", "E"}) {
		t.Errorf("the answer is %v", got)
	}
	expectStatus(t, a.whoami(t, bearer(token)...), 200, "")
	expectStatus(t, a.whoami(t, withCookie(strings.TrimPrefix(word, "__Host-sallyport="))...), 200, "")
}

func TestALogInByKeyGivesATokenThatIsWorthNoMore(t *testing.T) {
	a := startAPI(t, "")
	key := a.issue(a.Server, "ci", func(n *identity.NewKey) { n.Scopes = principal.Read | principal.Write })
	logIn := func(field string) caddyrun.Response {
		return postJSON(t, a.Server, loginPath, `{"user":"alice","refresh_token":"mine","apikey":"`+field+`"}`)
	}
	r := logIn("ci:" + key)
	got := payload[map[string]any](t, r)
	if !cmp.Equal(got["privileges"], []any{"R", "W"}) || got["refresh_token"] != "mine" || got["provider"] != nil {
		t.Errorf("the answer is %v", got)
	}
	if len(r.Cookies()) != 0 {
		t.Error("it has set a cookie")
	}
	token := got["app_token"].(string)
	expectStatus(t, a.whoami(t, bearer(token)...), 200, "")
	expectFailure(t, postJSON(t, a.Server, "/api/v1/auth/apikey", `{}`, bearer(token)...), 403, "insufficient_scope", "You do not have access to this API.")

	expectStatus(t, logIn(key), 200, "")
	expectFailure(t, logIn("cd:"+key), 401, "invalid_login", "API Key does not exist")
	expectFailure(t, logIn("ci:"), 401, "invalid_login", "Invalid login information")
	expectFailure(t, logIn("ci:"+flip(key)), 401, "invalid_login", "Invalid login information")
	expectFailure(t, postJSON(t, a.Server, loginPath, `{"user":"bob","apikey":"ci:`+key+`"}`), 401, "invalid_login", "Invalid login information")

	// The token ends with the key.
	if _, err := a.DisableKey(t.Context(), "test", store.KeyRef{UserFold: "alice", Name: "ci"}); err != nil {
		t.Fatal(err)
	}
	waitForStore()
	expectFailure(t, a.whoami(t, bearer(token)...), 401, "invalid_token", "Invalid token")
	expectFailure(t, logIn("ci:"+key), 401, "invalid_login", "Invalid login information")
}

func TestALogInTakesForms(t *testing.T) {
	a := startAPI(t, "")
	form := func(body string) caddyrun.Response {
		return a.Do(t, "POST", loginPath+"/", []byte(body), "Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	}
	expectStatus(t, form("user=alice&password=violet+anvil%20parade+17"), 200, "")
	expectFailure(t, form("user=alice&password=x"), 401, "invalid_login", "Invalid login information")
	expectFailure(t, form("user=alice&user=bob&password=x"), 400, "invalid_request", "Invalid data format")
}

func TestBodiesThatAreRefused(t *testing.T) {
	a := startAPI(t, "")
	jsonType := []string{"Content-Type", "application/json"}
	const noJSON = "No data block provided or data block not in JSON format.'"
	for name, test := range map[string]struct {
		body       string
		headers    []string
		status     int
		code, text string
	}{
		"not JSON":     {"{", jsonType, 400, "invalid_request", noJSON},
		"a list":       {"[]", jsonType, 400, "invalid_request", "Invalid data format"},
		"a number":     {`{"user":1,"password":"x"}`, jsonType, 400, "invalid_request", "Invalid data format"},
		"another type": {`{"user":"alice"}`, []string{"Content-Type", "text/plain"}, 400, "invalid_request", noJSON},
		"compressed":   {"\x1f\x8b\x08", append([]string{"Content-Encoding", "gzip"}, jsonType...), 400, "invalid_request", noJSON},
		"longer than 64 KiB": {
			`{"user":"alice","password":"` + strings.Repeat("a", 64<<10) + `"}`, jsonType, 413, "too_large",
			"The body is longer than 64 KiB.",
		},
		"a password of 2 KiB": {
			loginBody("alice", strings.Repeat("a", 2<<10)), jsonType, 400, "invalid_request",
			"a password is 1 to 1024 bytes of UTF-8; this one has 2048 bytes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			expectFailure(t, a.Do(t, "POST", loginPath, []byte(test.body), test.headers...), test.status, test.code, test.text)
		})
	}
	answer := raw(t, a.Server, "POST "+loginPath+" HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\nConnection: close\n\nzz\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 400 ") || !strings.Contains(answer, "The body cannot be read.") {
		t.Errorf("a body that cannot be read: %s", answer)
	}
}

func TestCredentialsInTheQueryAreRefused(t *testing.T) {
	a := startAPI(t, "")
	const text = "Credentials are not accepted in the query string."
	expectFailure(t, a.Get(t, loginPath+"?user=alice&password=x"), 400, "invalid_request", text)
	expectFailure(t, postJSON(t, a.Server, loginPath+"?Password=x", loginBody("alice", alicePassword)), 400, "invalid_request", text)
	expectFailure(t, postJSON(t, a.Server, "/api/v1/user/password?old_password=x", `{}`, basic("alice:"+alicePassword)...), 400, "invalid_request", text)
}

func TestWhateverIsWrongTheAnswerIsTheSame(t *testing.T) {
	a := startAPI(t, "")
	for _, name := range []string{"disabled", "passwordless"} {
		n := identity.NewUser{Username: name}
		if name == "disabled" {
			n.Password = "granite lemon wednesday 3"
		}
		if _, err := a.AddUser(t.Context(), "test", n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.DisableUser(t.Context(), "test", "disabled"); err != nil {
		t.Fatal(err)
	}
	waitForStore()
	visible := func(r caddyrun.Response) http.Header {
		t.Helper()
		h := r.Header.Clone()
		for _, changing := range []string{"X-Error-Id", "Date"} {
			h.Del(changing)
		}
		h.Set("Body", r.Text)
		h.Set("Status", r.Status)
		return h
	}
	ways := map[string]func(user, password string) caddyrun.Response{
		"log-in": func(user, password string) caddyrun.Response {
			return postJSON(t, a.Server, loginPath, loginBody(user, password))
		},
		"Basic": func(user, password string) caddyrun.Response { return a.whoami(t, basic(user+":"+password)...) },
	}
	for way, ask := range ways {
		want := visible(ask("alice", "a wrong password"))
		for user, password := range map[string]string{
			"nobody": "a wrong password", "disabled": "granite lemon wednesday 3", "passwordless": "a wrong password",
			"no user name/": "a wrong password",
		} {
			if diff := cmp.Diff(want, visible(ask(user, password))); diff != "" {
				t.Errorf("%s, %s (-wrong password +this):\n%s", way, user, diff)
			}
		}
	}
}

func TestPagesOfOtherSitesCannotLogIn(t *testing.T) {
	a := startAPI(t, "")
	body := loginBody("alice", alicePassword)
	host := strings.TrimPrefix(a.URL, "http://")
	for name, headers := range map[string][]string{
		"another site":            {"Sec-Fetch-Site", "cross-site"},
		"a sibling":               {"Sec-Fetch-Site", "same-site"},
		"another origin":          {"Origin", "https://evil.example"},
		"a file or a sandbox":     {"Origin", "null"},
		"another port":            {"Origin", "http://127.0.0.1:1"},
		"with a foreign referrer": {"Origin", "https://evil.example", "Referer", a.URL + "/"},
	} {
		r := postJSON(t, a.Server, loginPath, body, headers...)
		expectFailure(t, r, 403, "cross_origin", "Pages of another site cannot log in here.")
		if len(r.Cookies()) != 0 {
			t.Errorf("%s: a cookie was set", name)
		}
	}
	for _, headers := range [][]string{nil, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}, {"Origin", "http://" + host}} {
		expectStatus(t, postJSON(t, a.Server, loginPath, body, headers...), 200, "")
	}
}

func TestALogInNeverTakesACookieOver(t *testing.T) {
	a := startAPI(t, "")
	chosen := strings.Repeat("a", 43)
	first := a.logIn(t, "alice", alicePassword, "Cookie", "__Host-sallyport="+chosen)
	second := a.logIn(t, "alice", alicePassword, "Cookie", "__Host-sallyport="+first.cookie)
	if first.cookie == chosen || first.cookie == second.cookie || first.token == second.token {
		t.Error("a word was used twice")
	}
	expectFailure(t, a.whoami(t, withCookie(chosen)...), 401, "invalid_token", "No authenticated user found")
	expectStatus(t, a.whoami(t, withCookie(first.cookie)...), 200, "")
}

func TestPasswordsNeedAnEncryptedConnection(t *testing.T) {
	site := func(trusted, options string) string {
		return `{
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
	` + trusted + `
}
http://:0 {
	auth_api /api {
		` + options + `
	}
}`
	}
	const trusted = "servers {\n\t\ttrusted_proxies static 127.0.0.0/8\n\t\ttrusted_proxies_strict\n\t}"
	const text = "Credentials are not accepted over plain HTTP. Use https."
	a := startAPIFile(t, site(trusted, ""))
	key := a.issue(a.Server, "ci")
	forwarded := []string{"X-Forwarded-For", "192.0.2.9"}
	refused := func() {
		t.Helper()
		expectFailure(t, postJSON(t, a.Server, loginPath, loginBody("alice", alicePassword), forwarded...), 403, "insecure_transport", text)
		expectFailure(t, postJSON(t, a.Server, loginPath, `{"user":"alice","apikey":"ci:`+key+`"}`, forwarded...), 403, "insecure_transport", text)
		expectFailure(t, a.whoami(t, append(basic("alice:"+alicePassword), forwarded...)...), 403, "insecure_transport", text)
		full := a.issue(a.Server, "n"+strconv.FormatInt(time.Now().UnixNano(), 36), func(n *identity.NewKey) { n.Scopes = principal.AllScopes })
		expectFailure(t, postJSON(t, a.Server, "/api/v1/user/password", `{}`, append(bearer(full), forwarded...)...), 403, "insecure_transport", text)
		// What guards itself may pass.
		expectStatus(t, a.whoami(t, append(bearer(key), forwarded...)...), 200, "")
	}
	// Behind a proxy of ours the client is elsewhere; behind a stranger's
	// somebody has passed the request on.
	refused()
	a.Reload(t, site("", ""))
	refused()
	expectStatus(t, a.whoami(t, basic("alice:"+alicePassword)...), 200, "")
	a.Reload(t, site(trusted, "insecure_plain_http"))
	r := postJSON(t, a.Server, loginPath, loginBody("alice", alicePassword), forwarded...)
	expectStatus(t, r, 200, "")
	sessions := payload[[]map[string]any](t, a.Get(t, "/api/v1/auth/sessions", basic("alice:"+alicePassword)...))
	if len(sessions) != 1 || sessions[0]["address"] != "192.0.2.9" {
		t.Errorf("the session is %v", sessions)
	}
}

func TestBrakes(t *testing.T) {
	a := startAPIFile(t, strings.Replace(apiSite(""), "auth.db\n", "auth.db\n\t\tlogin_failures 2 60s\n", 1))
	key := a.issue(a.Server, "ci")
	mine := a.logIn(t, "alice", alicePassword)
	locked := func(r caddyrun.Response) {
		t.Helper()
		wait := r.Header.Get("Retry-After")
		expectFailure(t, r, 401, "too_many_attempts", "Maximum password retry of 2 was reached. This account is locked for the next "+wait+" seconds...")
		if seconds, err := strconv.Atoi(wait); err != nil || seconds < 50 || seconds > 60 {
			t.Errorf("Retry-After is '%s'", wait)
		}
	}
	for range 2 {
		expectFailure(t, postJSON(t, a.Server, loginPath, loginBody("alice", "wrong")), 401, "invalid_login", "Invalid login information")
	}
	locked(postJSON(t, a.Server, loginPath, loginBody("alice", "wrong")))
	locked(postJSON(t, a.Server, loginPath, loginBody("alice", alicePassword)))
	locked(a.whoami(t, basic("alice:"+alicePassword)...))
	locked(postJSON(t, a.Server, "/api/v1/user/password", `{"old_password":"x","new_password":"amber river canyon 55"}`, bearer(mine.token)...))

	// Nobody can log alice out, nor keep her keys from working.
	expectStatus(t, a.whoami(t, bearer(mine.token)...), 200, "")
	expectStatus(t, a.whoami(t, basic("alice:ci:"+key)...), 200, "")
	expectStatus(t, postJSON(t, a.Server, loginPath, `{"user":"alice","apikey":"ci:`+key+`"}`), 200, "")

	for i := range 6 {
		postJSON(t, a.Server, loginPath, loginBody("nobody"+strconv.Itoa(i), "wrong"))
	}
	r := postJSON(t, a.Server, loginPath, loginBody("bob", bobPassword))
	expectFailure(t, r, 429, "too_many_attempts", "Too many attempts. Try again later.")
	expectFailure(t, a.whoami(t, basic("bob:"+bobPassword)...), 429, "too_many_attempts", "Too many attempts. Try again later.")
}

// TestAFloodOfLogIns shows that a server with more log-ins than it can compute
// hashes for refuses some, and answers all else.
func TestAFloodOfLogIns(t *testing.T) {
	a := startAPI(t, "")
	key := bearer(a.issue(a.Server, "ci"))
	var mu sync.Mutex
	statuses := map[int]int{}
	var clients sync.WaitGroup
	for i := range 300 {
		clients.Go(func() {
			user, password := "alice", alicePassword
			if i%3 != 0 {
				user, password = "nobody"+strconv.Itoa(i), "wrong"+strconv.Itoa(i)
			}
			r := postJSON(t, a.Server, loginPath, loginBody(user, password))
			mu.Lock()
			defer mu.Unlock()
			statuses[r.StatusCode]++
		})
	}
	longest := time.Duration(0)
	for range 20 {
		began := time.Now()
		expectStatus(t, a.whoami(t, key...), 200, "")
		longest = max(longest, time.Since(began))
	}
	clients.Wait()
	t.Logf("statuses %v, a request by key took at most %s", statuses, longest)
	for status := range statuses {
		if status != 200 && status != 401 && status != 429 {
			t.Errorf("%d answers %d", statuses[status], status)
		}
	}
	if statuses[429] == 0 || longest > 10*time.Second {
		t.Errorf("statuses %v, a request by key took %s", statuses, longest)
	}
}

// TestAKeyThatLogsInAgainAndAgain: each log-in is written down for ever.
func TestAKeyThatLogsInAgainAndAgain(t *testing.T) {
	a := startAPI(t, "")
	key := a.issue(a.Server, "ci")
	logIn := func() caddyrun.Response {
		return postJSON(t, a.Server, loginPath, `{"user":"alice","apikey":"ci:`+key+`"}`)
	}
	for range 60 {
		expectStatus(t, logIn(), 200, "")
	}
	r := logIn()
	expectFailure(t, r, 429, "too_many_attempts", "Too many attempts. Try again later.")
	if wait, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 60 {
		t.Errorf("Retry-After is '%s'", r.Header.Get("Retry-After"))
	}
	// The key itself goes on.
	expectStatus(t, a.whoami(t, bearer(key)...), 200, "")
	expectStatus(t, postJSON(t, a.Server, loginPath, loginBody("alice", alicePassword)), 200, "")
}

func TestAnAppTokenEnds(t *testing.T) {
	a := startAPI(t, "app_token_lifetime 1s")
	mine := a.logIn(t, "alice", alicePassword)
	expectStatus(t, a.whoami(t, bearer(mine.token)...), 200, "")
	time.Sleep(1100 * time.Millisecond)
	expectFailure(t, a.whoami(t, bearer(mine.token)...), 401, "invalid_token", "Invalid token")
	expectStatus(t, a.whoami(t, withCookie(mine.cookie)...), 200, "")
}

// waitForStore waits until the server knows what this process has changed.
func waitForStore() { time.Sleep(propagation) }
