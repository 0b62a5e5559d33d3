package caddyauth_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/plugin/report"
)

const everyRefusal = `{
	admin unix/{$DIR}/admin.sock
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
}
http://:0 {
	log {
		output file {$DIR}/access.json
	}
	auth_api /api
	handle /gate {
		token_auth
	}
	handle /errors {
		token_auth {
			errors caddy
		}
	}
	handle /secret {
		client_secret {
			allow 127.0.0.1
			secrets_file {$DIR}/access
		}
	}
	handle_errors {
		respond "{http.error.id}"
	}
}`

// TestTheErrorIDIsTheSameEverywhere holds answer, access log and memory together.
func TestTheErrorIDIsTheSameEverywhere(t *testing.T) {
	s, _ := startFile(t, everyRefusal)
	ids := map[string]string{}
	for path, module := range map[string]string{
		"/api/v1/user/whoami": "http.handlers.auth_api", "/gate": "http.handlers.token_auth",
		"/errors": "http.handlers.token_auth", "/secret": "http.handlers.client_secret",
	} {
		r := s.Get(t, path)
		id := r.Header.Get("X-Error-Id")
		switch path {
		case "/errors":
			id = r.Text
		case "/gate", "/secret":
			id = between(t, r.Text, `"error_id":"`, `"`)
		}
		n, ok, _ := report.Find(id)
		if !ok || n.Module != module || n.Cause != "none" || n.Code != "credential_missing" && path != "/api/v1/user/whoami" || n.Status != 401 || n.ClientIP.String() != "127.0.0.1" {
			t.Errorf("%s: '%s' is remembered: %v, as %+v", path, id, ok, n)
		}
		ids[path] = id
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(readFile(t, filepath.Join(s.Dir, "access.json"))) {
		path := between(t, line, `"uri":"`, `"`)
		if want := `"error_id":"` + ids[path] + `","refused":"none"`; !strings.Contains(line, want) {
			t.Errorf("%s: the access log has no %s:\n%s", path, want, line)
		}
		delete(ids, path)
	}
	if len(ids) > 0 {
		t.Errorf("not in the access log: %v", ids)
	}
}

// TestRefusalsAreToldWithoutAStore asks for one while the configuration has no store,
// and for others that are wrong.
func TestRefusalsAreToldWithoutAStore(t *testing.T) {
	s, _ := startFile(t, everyRefusal)
	id := between(t, s.Get(t, "/gate").Text, `"error_id":"`, `"`)
	s.Reload(t, "{\n\tadmin unix/"+s.Dir+"/admin.sock\n}\nhttp://:0 {\n\trespond ok\n}\n")
	for _, c := range []struct {
		name, method, body string
		status             int
		text               string
	}{
		{"one that is there", http.MethodPost, `{"input": {"error_id": "` + strings.ToLower(id) + `"}}`, 200, `"cause":"none","means":"No credential.","change":"Let the client send a credential`},
		{"one that is not", http.MethodPost, `{"input": {"error_id": "AAAAAAAAAAAA"}}`, 404, "ask the other node, or look into the access log"},
		{"what is no id", http.MethodPost, `{"input": {"error_id": "x"}}`, 400, "12 letters and digits"},
		{"another field", http.MethodPost, `{"input": {"id": "x"}}`, 400, "unknown field"},
		{"by GET", http.MethodGet, "", 405, "use POST"},
	} {
		status, text := post(t, s, c.method, "/caddyauth/refusal/show", c.body)
		if status != c.status || !strings.Contains(text, c.text) {
			t.Errorf("%s: %d %s", c.name, status, text)
		}
	}
}
