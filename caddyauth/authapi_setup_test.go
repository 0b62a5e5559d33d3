package caddyauth_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
)

// envelope is the body of every answer of auth_api.
type envelope struct {
	Response json.RawMessage `json:"api_response"`
	Message  *string         `json:"api_error_message"`
	Warnings []string        `json:"api_warning"`
	Version  string          `json:"api_server_version"`
	Status   int             `json:"api_status_code"`
}

// readEnvelope demands what holds for every answer with a body.
func readEnvelope(t testing.TB, r caddyrun.Response) envelope {
	t.Helper()
	var e envelope
	if err := json.Unmarshal([]byte(r.Text), &e); err != nil {
		t.Fatalf("%d '%s': %v", r.StatusCode, r.Text, err)
	}
	if e.Response == nil || string(e.Response) == "null" || e.Message == nil || e.Warnings == nil || e.Version == "" || e.Status != r.StatusCode {
		t.Errorf("%d: no envelope: %s", r.StatusCode, r.Text)
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type '%s'", got)
	}
	if got := r.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("cache control '%s'", got)
	}
	return e
}

// expectStatus checks status and text of an answer; an empty text is a success.
func expectStatus(t testing.TB, r caddyrun.Response, status int, text string) {
	t.Helper()
	e := readEnvelope(t, r)
	if r.StatusCode != status || *e.Message != text {
		t.Errorf("got  %d '%s'\nwant %d '%s'", r.StatusCode, *e.Message, status, text)
	}
}

// expectFailure checks what holds for every failure besides.
func expectFailure(t testing.TB, r caddyrun.Response, status int, code, text string) {
	t.Helper()
	expectStatus(t, r, status, text)
	if got := r.Header.Get("X-Error-Code"); got != code {
		t.Errorf("code '%s', want '%s'", got, code)
	}
	if id := r.Header.Get("X-Error-Id"); len(id) != 12 {
		t.Errorf("error id '%s'", id)
	}
	if challenges := r.Header.Values("WWW-Authenticate"); (status == 401) != (len(challenges) > 0) {
		t.Errorf("%d with the challenges %v", status, challenges)
	}
	if wait := r.Header.Get("Retry-After"); (status == 429 || status == 503) && wait == "" {
		t.Errorf("%d without Retry-After", status)
	}
	if e := readEnvelope(t, r); string(e.Response) != `{"success":false}` {
		t.Errorf("the payload of a failure is %s", e.Response)
	}
}

// payload reads what a success has brought.
func payload[T any](t testing.TB, r caddyrun.Response) (v T) {
	t.Helper()
	if err := json.Unmarshal(readEnvelope(t, r).Response, &v); err != nil {
		t.Fatalf("%s: %v", r.Text, err)
	}
	return v
}

// postJSON sends JSON.
func postJSON(t testing.TB, s *caddyrun.Server, path, body string, headers ...string) caddyrun.Response {
	t.Helper()
	return s.Do(t, "POST", path, []byte(body), append([]string{"Content-Type", "application/json"}, headers...)...)
}

// api is a server with endpoints, and two users with passwords: alice, an
// administrator, and bob.
type api struct {
	*caddyrun.Server
	*admin
}

const (
	alicePassword = "violet anvil parade 17"
	bobPassword   = "marble otter sunday 94"
)

func startAPI(t *testing.T, options string) *api { return startAPIFile(t, apiSite(options)) }

func startAPIFile(t *testing.T, caddyfile string) *api {
	t.Helper()
	s, a := startFile(t, caddyfile)
	if _, err := a.SetPassword(t.Context(), "test", "alice", alicePassword); err != nil {
		t.Fatal(err)
	}
	if _, err := a.AddUser(t.Context(), "test", identity.NewUser{Username: "bob", Password: bobPassword, Roles: []string{"user"}}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	return &api{s, a}
}

// login is what a log-in has given.
type login struct {
	token, cookie string
}

func loginBody(user, password string) string {
	body, _ := json.Marshal(map[string]string{"user": user, "password": password})
	return string(body)
}

// logIn logs in by password.
func (a *api) logIn(t testing.TB, user, password string, headers ...string) login {
	t.Helper()
	r := postJSON(t, a.Server, "/api/v1/auth/login", loginBody(user, password), headers...)
	expectStatus(t, r, 200, "")
	token := payload[struct {
		Token string `json:"app_token"`
	}](t, r).Token
	for _, c := range r.Cookies() {
		if c.Name == "__Host-sallyport" {
			return login{token, c.Value}
		}
	}
	t.Fatal("the log-in has set no cookie")
	return login{}
}

// withCookie are the headers of a page of the site itself.
func withCookie(word string) []string {
	return []string{"Cookie", "__Host-sallyport=" + word, "Sec-Fetch-Site", "same-origin", "X-XSRF-TOKEN", credential.XSRFToken(word)}
}

// makeKey makes a key over HTTP and returns its word.
func (a *api) makeKey(t testing.TB, body string, headers ...string) string {
	t.Helper()
	r := postJSON(t, a.Server, "/api/v1/auth/apikey", body, headers...)
	expectStatus(t, r, 200, "")
	return wordOf(t, r)
}

// wordOf reads the key of an answer `name:word`.
func wordOf(t testing.TB, r caddyrun.Response) string {
	t.Helper()
	_, word, found := strings.Cut(payload[struct{ APIKey string }](t, r).APIKey, ":")
	if !found {
		t.Fatalf("no key: %s", r.Text)
	}
	return word
}

func (a *api) whoami(t testing.TB, headers ...string) caddyrun.Response {
	t.Helper()
	return a.Get(t, "/api/v1/user/whoami", headers...)
}
