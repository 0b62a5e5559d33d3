package caddyauth_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

func unixClient(socket string) *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
}

// post asks the admin API of s.
func post(t *testing.T, s *caddyrun.Server, method, path, body string) (int, string) {
	t.Helper()
	client := unixClient(filepath.Join(s.Dir, "admin.sock"))
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

const withAdmin = `{
	admin unix/{$DIR}/admin.sock
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
}
http://:0 {
	token_auth
	respond "in"
}
`

func TestChangesThroughTheAdminAPICountAtOnce(t *testing.T) {
	s, _ := startFile(t, withAdmin)
	for range 20 {
		status, text := post(t, s, "POST", "/caddyauth/key/issue", `{"actor":"os:root","input":{"user":"alice","name":"ci","scopes":["read"]}}`)
		var issued struct{ Key, ID string }
		if err := json.Unmarshal([]byte(text), &issued); status != 200 || err != nil {
			t.Fatalf("%d %s %v", status, text, err)
		}
		expect(t, s.Get(t, "/", bearer(issued.Key)...), 200, "")
		if status, text = post(t, s, "POST", "/caddyauth/key/revoke", `{"actor":"os:root","input":{"key":"alice/ci"}}`); status != 200 {
			t.Fatalf("%d %s", status, text)
		}
		expect(t, s.Get(t, "/", bearer(issued.Key)...), 401, "invalid_token")
	}
}

func TestAfterAReloadThatFailedTheAdminAPIWorksOnTheServerAsItWas(t *testing.T) {
	s, a := startFile(t, withAdmin)
	key := a.issue(s, "ci")
	// Another program has the port, which shows only when the apps start.
	taken := upstream(t)
	bad := strings.Replace(withAdmin, "auth.db\n", "auth.db\n\t\tkey_prefix evil\n", 1)
	bad = strings.Replace(bad, "http://:0", "http://:0, http://:"+taken[strings.LastIndex(taken, ":")+1:], 1)
	for range 3 {
		if err := s.Load(t, bad); err == nil {
			t.Fatal("the configuration was taken")
		}
		if status, text := post(t, s, "POST", "/caddyauth/key/issue", `{"actor":"x","input":{"user":"alice","name":"cd"}}`); status != 200 || !strings.Contains(text, `"key":"sly_`) {
			t.Fatalf("issuing: %d %s", status, text)
		}
		if status, text := post(t, s, "POST", "/caddyauth/key/revoke", `{"actor":"x","input":{"key":"alice/cd"}}`); status != 200 {
			t.Fatalf("revoking: %d %s", status, text)
		}
	}
	expect(t, s.Get(t, "/", bearer(key)...), 200, "")
}

func TestTheStoreLogsWhereTheNewestConfigurationLogs(t *testing.T) {
	s, _ := startFile(t, oneGate)
	s.Reload(t, strings.Replace(oneGate, "{\n", "{\n\tlog {\n\t\toutput file {$DIR}/second.json\n\t}\n", 1))
	file := filepath.Join(s.Dir, "auth.db")
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	within(t, 3*time.Second, func() bool {
		return strings.Contains(readFile(t, filepath.Join(s.Dir, "second.json")), "the store cannot be read")
	})
}

func TestWhatTheAdminAPIRefuses(t *testing.T) {
	s, _ := startFile(t, withAdmin)
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"another method":     {"GET", "/caddyauth/key/list", ``, 405, "use POST"},
		"a view mistyped":    {"GET", "/caddyauth/session", ``, 404, "there is no '/caddyauth/session'; GET has /caddyauth/health, /caddyauth/health/live, /caddyauth/health/ready, /caddyauth/lockouts, /caddyauth/sessions"},
		"nothing at all":     {"DELETE", "/caddyauth/", ``, 404, "there is no '/caddyauth/'; GET has "},
		"no body":            {"POST", "/caddyauth/key/list", ``, 400, "body: EOF"},
		"no JSON":            {"POST", "/caddyauth/key/list", `x`, 400, "body: "},
		"no input":           {"POST", "/caddyauth/key/list", `{"actor":"x"}`, 400, "input: EOF"},
		"an unknown field":   {"POST", "/caddyauth/key/issue", `{"input":{"user":"alice","name":"x","netwroks":[]}}`, 400, `input: json: unknown field "netwroks"`},
		"an unknown action":  {"POST", "/caddyauth/key/steal", `{"input":{}}`, 400, "operation 'key/steal' is unknown"},
		"a bad value":        {"POST", "/caddyauth/key/issue", `{"input":{"user":"alice","name":"a b"}}`, 400, "key name 'a b': use"},
		"a user who is none": {"POST", "/caddyauth/user/show", `{"input":{"user":"bob"}}`, 404, "user 'bob': not found"},
		"keys of none":       {"POST", "/caddyauth/key/list", `{"input":{"user":"bob"}}`, 404, "user 'bob': not found"},
		"a second alice":     {"POST", "/caddyauth/user/add", `{"actor":"x","input":{"username":"ALICE"}}`, 409, "user 'ALICE' exists already"},
		"nobody who asks":    {"POST", "/caddyauth/user/add", `{"input":{"username":"bob"}}`, 400, "the actor is missing"},
		"a huge body":        {"POST", "/caddyauth/user/add", `{"actor":"` + strings.Repeat("x", 8<<20) + `"}`, 400, "request body too large"},
	} {
		status, text := post(t, s, test.method, test.path, test.body)
		var failure struct{ Error string }
		if err := json.Unmarshal([]byte(text), &failure); err != nil || status != test.status || !strings.Contains(failure.Error, test.want) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

func TestAServerWithoutTheAppSaysSo(t *testing.T) {
	s := caddyrun.Start(t, "{\n\tadmin unix/{$DIR}/admin.sock\n}\nhttp://:0\n")
	if status, text := post(t, s, "POST", "/caddyauth/store/info", `{"input":{}}`); status != 404 || !strings.Contains(text, "this server has no caddyauth") {
		t.Errorf("%d %s", status, text)
	}
}
