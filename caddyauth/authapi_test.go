package caddyauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// TestHowlersClientConnects sends what howler-client 3.1.0 sends when it is made:
// no log-in, but a GET with a content type and the final Authorization.
func TestHowlersClientConnects(t *testing.T) {
	a := startAPI(t, "")
	key := a.issue(a.Server, "ci")
	for name, authorization := range map[string][]string{
		"auth=(user, password)":     basic("alice:" + alicePassword),
		"apikey=(user, name:word)":  basic("alice:ci:" + key),
		"authenticate=f, app token": bearer(a.logIn(t, "alice", alicePassword).token),
	} {
		r := a.Get(t, "/api/", append(authorization, "Content-Type", "application/json", "Accept", "*/*", "User-Agent", "howler-client/3.1.0")...)
		if versions := payload[[]string](t, r); r.StatusCode != 200 || !cmp.Equal(versions, []string{"v1", "v2"}) {
			t.Errorf("%s: %d %v", name, r.StatusCode, versions)
		}
	}
	expectFailure(t, a.Get(t, "/api/", basic("alice:wrong")...), 401, "invalid_login", "Invalid login information")
}

func TestThePathsBelowTheBase(t *testing.T) {
	a := startAPIFile(t, `{
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
}
http://:0 {
	auth_api /api
	auth_api /second/api/
	handle_path /cut/* {
		auth_api
	}
	handle {
		respond "the application"
	}
}`)
	key := bearer(a.issue(a.Server, "ci"))
	for path, text := range map[string]string{
		"/api":                         "",
		"/api/":                        "",
		"/API/v1/user/whoami":          "",
		"/api/v1/user/whoami":          "",
		"/api/v1/user/whoami/":         "",
		"/second/api/v1/user/whoami":   "",
		"/cut/v1/user/whoami":          "",
		"/api/v1/user/whoami?x=1":      "",
		"/api/v1":                      "Api does not exist (/api/v1)",
		"/api/v1/user/whoami//":        "Api does not exist (/api/v1/user/whoami//)",
		"/api/v1/%75ser/%77hoami":      "",
		"/api/v1/auth%2Fapikey":        "",
		"/api/v1/nothing/%3Cb%3E?q=1":  "Api does not exist (/api/v1/nothing/%3Cb%3E)",
		"/second/api/v2/user/whoami":   "Api does not exist (/second/api/v2/user/whoami)",
		"/cut/nothing":                 "Api does not exist (/cut/nothing)",
		"/api/v1/auth/apikey/a/rotate": "Method not allowed. Use POST.",
	} {
		r := a.Get(t, path, key...)
		switch {
		case text == "":
			expectStatus(t, r, 200, "")
		case strings.HasPrefix(text, "Method"):
			expectFailure(t, r, 405, "method_not_allowed", text)
		default:
			expectFailure(t, r, 404, "not_found", text)
		}
	}
	for _, path := range []string{"/", "/apixyz", "/v1/user/whoami", "/second"} {
		if r := a.Get(t, path, key...); r.Text != "the application" {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.Text)
		}
	}
}

func TestMethods(t *testing.T) {
	a := startAPI(t, "")
	key := bearer(a.issue(a.Server, "ci"))
	r := a.Do(t, "HEAD", "/api/v1/user/whoami", nil, key...)
	if r.StatusCode != 200 || r.Text != "" || r.ContentLength < 100 || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d '%s' %v", r.StatusCode, r.Text, r.Header)
	}
	for path, allow := range map[string]string{
		"/api/v1/auth/login": "GET, HEAD, POST", "/api/v1/auth/apikey": "GET, HEAD, POST", "/api/v1/auth/apikey/x": "DELETE",
		"/api/v1/auth/sessions": "GET, HEAD, DELETE", "/api/v1/user/whoami": "GET, HEAD", "/api/v1/user/password": "POST, PUT",
		"/api/v1/user/alice": "GET, HEAD, POST, PUT, DELETE", "/api/v1/configs/": "GET, HEAD",
	} {
		for _, method := range []string{"OPTIONS", "PATCH", "TRACE"} {
			r := a.Do(t, method, path, nil)
			expectFailure(t, r, 405, "method_not_allowed", "Method not allowed. Use "+allow+".")
			if r.Header.Get("Allow") != allow {
				t.Errorf("%s %s: Allow is '%s'", method, path, r.Header.Get("Allow"))
			}
		}
	}
}

func TestCredentialsOfACall(t *testing.T) {
	a := startAPI(t, "")
	key := a.issue(a.Server, "ci")
	mine := a.logIn(t, "alice", alicePassword)
	for name, headers := range map[string][]string{
		"Basic with a password":       basic("alice:" + alicePassword),
		"Basic with a key":            basic("alice:" + key),
		"Basic with a key and a name": basic("alice:ci:" + key),
		"Basic, other case":           {"Authorization", strings.Replace(basic("ALICE:" + key)[1], "Basic", "bASIC", 1)},
		"Bearer with a key":           bearer(key),
		"Bearer with an app token":    bearer(mine.token),
		"X-Api-Key":                   {"X-Api-Key", key},
		"the cookie":                  {"Cookie", "a=b; __Host-sallyport=" + mine.cookie},
		"the cookie, by another site": {"Cookie", "__Host-sallyport=" + mine.cookie, "Sec-Fetch-Site", "cross-site"},
		"a header and a bad cookie":   append(bearer(key), "Cookie", "__Host-sallyport=x"),
	} {
		t.Run(name, func(t *testing.T) { expectStatus(t, a.whoami(t, headers...), 200, "") })
	}
	forged := key[:20] + flip(key[20:21]) + key[21:]
	const several = "send one credential: one Authorization or one X-Api-Key header"
	for name, test := range map[string]struct {
		headers    []string
		status     int
		code, text string
	}{
		"none":                         {nil, 401, "credential_missing", "No Authorization header present"},
		"an empty header":              {[]string{"Authorization", ""}, 401, "credential_missing", "No Authorization header present"},
		"an empty X-Api-Key":           {[]string{"X-Api-Key", ""}, 400, "invalid_request", "the credential header is empty"},
		"two credentials":              {append(bearer(key), "X-Api-Key", key), 400, "invalid_request", several},
		"two Authorization headers":    {append(bearer(key), basic("alice:"+key)...), 400, "invalid_request", several},
		"more than 8 KiB":              {bearer(strings.Repeat("a", 8<<10)), 400, "invalid_request", "the credential is longer than 8 KiB"},
		"a bare token":                 {[]string{"Authorization", strings.Repeat("0", 32)}, 400, "invalid_request", "Incorrectly formatted Authorization header"},
		"a key without a scheme":       {[]string{"Authorization", key}, 400, "invalid_request", "Incorrectly formatted Authorization header"},
		"another scheme":               {[]string{"Authorization", "Digest x"}, 400, "invalid_request", "Not a valid authentication type for this endpoint."},
		"a forged key as Bearer":       {bearer(forged), 401, "invalid_token", "Invalid token"},
		"a forged key as X-Api-Key":    {[]string{"X-Api-Key", forged}, 401, "invalid_token", "Invalid token"},
		"a forged key as Basic":        {basic("alice:" + forged), 401, "invalid_login", "Invalid login information"},
		"the key of somebody else":     {basic("bob:" + key), 401, "invalid_login", "Invalid login information"},
		"the key by another name":      {basic("alice:cd:" + key), 401, "invalid_login", "API Key does not exist"},
		"a session word as Bearer":     {bearer(mine.cookie), 401, "invalid_token", "Invalid token"},
		"an app token as cookie":       {withCookie(mine.token), 401, "invalid_token", "No authenticated user found"},
		"a cookie of nobody":           {withCookie(strings.Repeat("a", 43)), 401, "invalid_token", "No authenticated user found"},
		"two cookies":                  {[]string{"Cookie", "__Host-sallyport=a; __Host-sallyport=b"}, 400, "invalid_request", "send one session cookie"},
		"a bad header, a good cookie":  {append(bearer("x"), withCookie(mine.cookie)...), 401, "invalid_token", "Invalid token"},
		"a password of more than 1024": {basic("alice:" + strings.Repeat("a", 1025)), 400, "invalid_request", "a password is 1 to 1024 bytes of UTF-8; this one has 1025 bytes"},
		"impersonation":                {append(bearer(key), "X-Impersonating", "Basic x"), 400, "invalid_request", "Basic authentication data must be base64 encoded"},
	} {
		t.Run(name, func(t *testing.T) {
			expectFailure(t, a.whoami(t, test.headers...), test.status, test.code, test.text)
		})
	}
}

func TestAKeyThatIsNotAccepted(t *testing.T) {
	a := startAPI(t, "")
	disabled := a.issue(a.Server, "disabled")
	bound := a.issue(a.Server, "bound", func(n *identity.NewKey) { n.UserAgent = "backup/1" })
	revoked := a.issue(a.Server, "revoked")
	for _, err := range []error{
		second(a.DisableKey(t.Context(), "test", store.KeyRef{UserFold: "alice", Name: "disabled"})),
		second(a.RevokeKey(t.Context(), "test", store.KeyRef{UserFold: "alice", Name: "revoked"}, "")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	waitForStore()
	for _, key := range []string{disabled, bound, revoked} {
		expectFailure(t, a.whoami(t, basic("alice:"+key)...), 401, "invalid_login", "Invalid login information")
		expectFailure(t, a.whoami(t, bearer(key)...), 401, "invalid_token", "Invalid token")
	}
	expectStatus(t, a.whoami(t, append(bearer(bound), "User-Agent", "backup/1")...), 200, "")
}

func TestACallerOfAnEarlierGateNeedsNoOtherCredential(t *testing.T) {
	a := startAPIFile(t, `{
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
}
http://:0 {
	token_auth {
		accept api_key
		audience reports
	}
	auth_api /api
}`)
	key := a.issue(a.Server, "ci", func(n *identity.NewKey) { n.Scopes = principal.AllScopes })
	expectStatus(t, a.whoami(t, bearer(key)...), 200, "")
	// The gate has the audience that this key is bound to, and the endpoints
	// have none.
	bound := a.issue(a.Server, "bound", func(n *identity.NewKey) { n.Audience = []string{"reports"} })
	expectFailure(t, a.whoami(t, bearer(bound)...), 401, "invalid_token", "No authenticated user found")
	expect(t, a.whoami(t, basic("alice:"+alicePassword)...), 401, "invalid_token")
}

func TestPrivilegesAndUserTypes(t *testing.T) {
	a := startAPI(t, "")
	none := bearer(a.issue(a.Server, "none", func(n *identity.NewKey) { n.Scopes = 0 }))
	write := bearer(a.issue(a.Server, "write", func(n *identity.NewKey) { n.Scopes = principal.Write }))
	const noAccess = "You do not have access to this API."
	for _, one := range []struct {
		method, path string
		key          []string
	}{
		{"GET", "/api/", none},
		{"GET", "/api/v1/user/whoami", write},
		{"GET", "/api/v1/user/alice", write},
		{"GET", "/api/v1/auth/apikey", write},
		{"POST", "/api/v1/auth/apikey", write},
		{"DELETE", "/api/v1/auth/apikey/none", write},
		{"POST", "/api/v1/auth/apikey/none/disable", write},
		{"POST", "/api/v1/auth/apikey/none/enable", write},
		{"POST", "/api/v1/auth/apikey/none/rotate", write},
		{"GET", "/api/v1/auth/sessions", write},
		{"DELETE", "/api/v1/auth/sessions", write},
		{"DELETE", "/api/v1/auth/sessions/x", write},
		{"POST", "/api/v1/user/password", write},
		{"POST", "/api/v1/user/carol", write},
		{"PUT", "/api/v1/user/alice", write},
		{"DELETE", "/api/v1/user/alice", write},
	} {
		expectFailure(t, a.Do(t, one.method, one.path, nil, one.key...), 403, "insufficient_scope", noAccess)
	}
	expectStatus(t, a.Get(t, "/api/", write...), 200, "")
	expectFailure(t, a.Do(t, "POST", "/api/v1/user/carol", nil, basic("bob:"+bobPassword)...), 403, "insufficient_scope",
		"/api/v1/user/carol requires one of the following user types: admin")
}

func TestWhoAmI(t *testing.T) {
	a := startAPI(t, "")
	a.issue(a.Server, "ci")
	got := payload[map[string]any](t, a.whoami(t, basic("alice:"+alicePassword)...))
	want := map[string]any{
		"username": "alice", "name": "alice", "email": nil, "groups": []any{"ops"}, "is_active": true, "is_admin": true,
		"roles": []any{"admin"}, "classification": "", "avatar": nil, "api_quota": 25.0,
		"apikeys":         []any{[]any{"ci", []any{"R"}, nil}},
		"favourite_views": []any{}, "favourite_analytics": []any{}, "dashboard": []any{}, "refresh_rate": 15.0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOneUserByName(t *testing.T) {
	a := startAPI(t, "")
	a.issue(a.Server, "ci")
	alice, bob := basic("alice:"+alicePassword), basic("bob:"+bobPassword)
	got := payload[map[string]any](t, a.Get(t, "/api/v1/user/Alice", alice...))
	if got["username"] != "alice" || !cmp.Equal(got["apikeys"], []any{[]any{"ci", []any{}}}) {
		t.Errorf("oneself: %v", got)
	}
	if got := payload[map[string]any](t, a.Get(t, "/api/v1/user/bob", alice...)); got["username"] != "bob" || got["is_admin"] != false {
		t.Errorf("for an administrator: %v", got)
	}
	expectFailure(t, a.Get(t, "/api/v1/user/alice", bob...), 403, "insufficient_scope", "You are not allow to view other users then yourself.")
	expectFailure(t, a.Get(t, "/api/v1/user/carol", bob...), 403, "insufficient_scope", "You are not allow to view other users then yourself.")
	expectFailure(t, a.Get(t, "/api/v1/user/carol", alice...), 404, "not_found", "User carol does not exist")
	expectFailure(t, a.Get(t, "/api/v1/user/a%3Ab", alice...), 404, "not_found", "User a:b does not exist")
}

func TestDebugSaysWhatWasDecided(t *testing.T) {
	a := startAPI(t, "debug")
	key := a.issue(a.Server, "ci")
	expectStatus(t, a.whoami(t, bearer(key)...), 200, "")
	postJSON(t, a.Server, "/api/v1/auth/apikey", `{"name":"very-private"}`, bearer(key)...)
	postJSON(t, a.Server, "/api/v1/auth/login", loginBody("somebody", "swordfish"))
	log := a.Log(t)
	for _, line := range []string{
		`"action":"show oneself","decision":"done","steps":["credential: api_key","caller: proven by api_key","privilege R: true"]`,
		`"action":"make a key","decision":"failed: insufficient_scope, scope","steps":["credential: api_key","caller: proven by api_key","privilege E: false"]`,
		`"action":"log in","decision":"failed: invalid_login, wrong_password","steps":["credential: password"]`,
	} {
		if !strings.Contains(log, line) {
			t.Errorf("the log has no %s", line)
		}
	}
	for _, value := range []string{"very-private", "somebody", "swordfish", key} {
		if strings.Contains(log, value) {
			t.Errorf("the log has '%s'", value)
		}
	}
}

func TestJSONOfAuthAPIIsChecked(t *testing.T) {
	for config, want := range map[string]string{
		`{"handler": "auth_api", "base": "/api/"}`:                                         "base '/api/': write a path such as /api",
		`{"handler": "auth_api", "base": "/api*"}`:                                         "base '/api*': write a path such as /api",
		`{"handler": "auth_api", "base": "api"}`:                                           "base 'api': write a path such as /api",
		`{"handler": "auth_api", "max_key_lifetime": -1}`:                                  "max_key_lifetime -1ns: it must not be negative",
		`{"handler": "auth_api", "app_token_lifetime": {}}`:                                "app_token_lifetime: a lifetime must end",
		`{"handler": "auth_api", "session_lifetime": {"absolute": "1h", "idle": "2h"}}`:    "session_lifetime: the time that it may lie idle",
		`{"handler": "auth_api", "accept": ["password"]}`:                                  "unknown field",
		`{"handler": "auth_api", "session_lifetime": {"absolute": "1h", "absolut": "2h"}}`: "unknown field",
	} {
		if err := validateHandler(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", config, err)
		}
	}
}

func validateHandler(config string) error {
	var c caddy.Config
	err := caddy.StrictUnmarshalJSON([]byte(`{"apps": {"http": {"servers": {"s": {"routes": [{"handle": [`+config+`]}]}}}}}`), &c)
	if err != nil {
		return err
	}
	return caddy.Validate(&c)
}

// second drops what a change returns besides the error.
func second[T any](_ T, err error) error { return err }

func TestASuccessHasNoErrorHeaders(t *testing.T) {
	a := startAPI(t, "")
	r := a.whoami(t, bearer(a.issue(a.Server, "ci"))...)
	for _, name := range []string{"X-Error-Code", "X-Error-Id", "WWW-Authenticate", "Retry-After", "Set-Cookie"} {
		if _, there := r.Header[http.CanonicalHeaderKey(name)]; there {
			t.Errorf("%s is there", name)
		}
	}
}
