package caddyauth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// howlerClient does what howler-client 3.1.0 does, as was seen by running it against a
// server that writes down what it gets.
type howlerClient struct {
	server  *caddyrun.Server
	headers []string
	// xsrf is what the client sends back once a server has set the cookie.
	xsrf string
}

// The ways to give it credentials.
func byPair(user, password string) string { return "Basic " + encoded(user+":"+password) }
func byAPIKey(user, key string) string    { return "Basic " + encoded(user+":"+key) }
func byText(text string) string {
	if strings.Contains(text, ".") {
		return "Bearer " + text
	}
	return "Basic " + text
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// connect is what it does before all else: it asks for the versions, and makes no
// log-in. Headers are pairs that the program has given it besides.
func connect(t testing.TB, s *caddyrun.Server, authorization string, headers ...string) (*howlerClient, string) {
	t.Helper()
	c := &howlerClient{server: s, headers: append([]string{
		"Authorization", authorization, "Content-Type", "application/json", "Accept", "*/*", "User-Agent", "python-requests/2.32.3",
	}, headers...)}
	versions, failed := c.do(t, "GET", "/api/", "")
	if failed != "" {
		return c, failed
	}
	var list []string
	if err := json.Unmarshal(versions, &list); err != nil || !slices.Contains(list, "v1") {
		t.Fatalf("the versions are %s, %v", versions, err)
	}
	return c, ""
}

// do asks and gives the payload, nil for 204. failed is the message of a failure as the
// client shows it, or its bytes where they are not what it knows.
func (c *howlerClient) do(t testing.TB, method, path, body string) (payload json.RawMessage, failed string) {
	t.Helper()
	headers := c.headers
	if c.xsrf != "" {
		headers = append(slices.Clip(headers), "X-XSRF-TOKEN", c.xsrf)
	}
	r := c.server.Do(t, method, path, []byte(body), headers...)
	for _, cookie := range r.Cookies() {
		if cookie.Name == "XSRF-TOKEN" {
			c.xsrf = cookie.Value
		}
	}
	switch r.StatusCode {
	case 502, 503, 504:
		t.Fatalf("%s %s: the client repeats %d for ever", method, path, r.StatusCode)
	case 204:
		if r.Text != "" {
			t.Errorf("%s %s: a 204 with the body %s", method, path, r.Text)
		}
		return nil, ""
	}
	var answer map[string]json.RawMessage
	if err := json.Unmarshal([]byte(r.Text), &answer); err != nil {
		t.Fatalf("%s %s: the client crashes at %s: %v", method, path, r.Text, err)
	}
	if r.StatusCode == 200 {
		return answer["api_response"], ""
	}
	return nil, messageOf(t, answer, r.Text)
}

// messageOf is what the client makes of a failure: the message, if all keys are there,
// the payload is not null, and none of its keys has "error" in its name.
func messageOf(t testing.TB, answer map[string]json.RawMessage, bytes string) (message string) {
	t.Helper()
	payload := answer["api_response"]
	if answer["api_error_message"] == nil || answer["api_server_version"] == nil || payload == nil || string(payload) == "null" {
		return bytes
	}
	var keys map[string]any
	_ = json.Unmarshal(payload, &keys)
	for key := range keys {
		if strings.Contains(key, "error") {
			return bytes
		}
	}
	if err := json.Unmarshal(answer["api_error_message"], &message); err != nil {
		t.Error(err)
	}
	return message
}

func TestHowlersClientConnectsInEachOfItsWays(t *testing.T) {
	s := startAPI(t, "")
	key := s.makeKey(t, `{"name":"devkey","priv":["R","W"]}`, basic("bob:"+bobPassword)...)
	token := s.logIn(t, "bob", bobPassword).token
	for name, test := range map[string]struct {
		authorization, failed string
	}{
		"auth=(user, password)":    {byPair("bob", bobPassword), ""},
		"apikey=(user, name:key)":  {byAPIKey("bob", "devkey:"+key), ""},
		"auth=base64 of a pair":    {byText(encoded("bob:" + bobPassword)), ""},
		"authenticate=function":    {"Bearer " + token, ""},
		"auth=a JWT":               {byText("e30.e30.e30"), "Something went wrong when decoding your key. Please reauthenticate."},
		"a wrong password":         {byPair("bob", "wrong"), "Invalid login information"},
		"a key under another name": {byAPIKey("bob", "other:"+key), "API Key does not exist"},
		"a key that is none":       {byAPIKey("bob", "devkey:none"), "Invalid login information"},
	} {
		c, failed := connect(t, s.Server, test.authorization)
		if failed != test.failed {
			t.Errorf("%s: '%s', want '%s'", name, failed, test.failed)
		}
		if test.failed != "" {
			continue
		}
		whoami, failed := c.do(t, "GET", "/api/v1/user/whoami", "")
		if failed != "" || !strings.Contains(string(whoami), `"username":"bob"`) {
			t.Errorf("%s: whoami %s %s", name, whoami, failed)
		}
		if c.xsrf != "" {
			t.Errorf("%s: a client without cookies got a token against forged requests", name)
		}
	}
}

func TestHowlersClientActsAsAnotherUserByAnExtraHeader(t *testing.T) {
	s := startAPI(t, "")
	owner, _ := connect(t, s.Server, byPair("bob", bobPassword))
	made, failed := owner.do(t, "POST", "/api/v1/auth/apikey", `{"name": "ops", "priv": "RI", "agents": ["alice"], "expiry_date": null}`)
	var answer struct {
		APIKey string `json:"apikey"`
	}
	if err := json.Unmarshal(made, &answer); err != nil || failed != "" || !strings.HasPrefix(answer.APIKey, "impersonate_ops:") {
		t.Fatalf("%s, '%s', %v", made, failed, err)
	}
	c, failed := connect(t, s.Server, byPair("alice", alicePassword), "X-Impersonating", byAPIKey("bob", answer.APIKey))
	whoami, failedToo := c.do(t, "GET", "/api/v1/user/whoami", "")
	if failed+failedToo != "" || !strings.Contains(string(whoami), `"username":"bob"`) {
		t.Errorf("whoami %s '%s' '%s'", whoami, failed, failedToo)
	}
	if gone, failed := owner.do(t, "DELETE", "/api/v1/auth/apikey/impersonate_ops", ""); gone != nil || failed != "" {
		t.Errorf("deleted: %s '%s'", gone, failed)
	}
	if _, failed := c.do(t, "GET", "/api/v1/user/whoami", ""); failed != "No impersonated user found" {
		t.Errorf("without the key: '%s'", failed)
	}
}

// TestHowlersClientReadsTheMessageOfEachFailure also holds that no limit is a 503.
func TestHowlersClientReadsTheMessageOfEachFailure(t *testing.T) {
	s := startAPI(t, "")
	alice, _ := connect(t, s.Server, byPair("alice", alicePassword))
	for name, test := range map[string]struct {
		method, path, body, want string
	}{
		"an unknown path":         {"GET", "/api/v1/nothing", "", "Api does not exist (/api/v1/nothing)"},
		"another method":          {"PATCH", "/api/v1/user/whoami", "", "Method not allowed. Use GET, HEAD."},
		"a body that is no JSON":  {"POST", "/api/v1/auth/apikey", "{", "No data block provided or data block not in JSON format.'"},
		"a body of another form":  {"POST", "/api/v1/auth/apikey", "[]", "Invalid data format"},
		"a key that is not there": {"DELETE", "/api/v1/auth/apikey/none", "", "Api key does not exist"},
		"a user who is not there": {"GET", "/api/v1/user/nobody", "", "User nobody does not exist"},
		"too large a body":        {"POST", "/api/v1/auth/apikey", strings.Repeat(" ", 70<<10), "The body is longer than 64 KiB."},
	} {
		if _, failed := alice.do(t, test.method, test.path, test.body); failed != test.want {
			t.Errorf("%s: '%s', want '%s'", name, failed, test.want)
		}
	}
	nobody := &howlerClient{server: s.Server}
	if _, failed := nobody.do(t, "GET", "/api/", ""); failed != "No Authorization header present" {
		t.Errorf("without a credential: '%s'", failed)
	}
	const locked = "Maximum password retry of 5 was reached. This account is locked for the next "
	last := ""
	for range 30 {
		_, last = connect(t, s.Server, byPair("bob", "wrong"))
	}
	if last != "Too many attempts. Try again later." && !strings.HasPrefix(last, locked) {
		t.Errorf("after many wrong passwords: '%s'", last)
	}
	r := s.Get(t, "/api/", "Authorization", byPair("bob", "wrong"))
	if r.StatusCode != http.StatusTooManyRequests && r.StatusCode != http.StatusUnauthorized {
		t.Errorf("a limit is answered with %d", r.StatusCode)
	}
}
