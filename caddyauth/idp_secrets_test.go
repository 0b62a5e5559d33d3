package caddyauth_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
	"github.com/sallyport/sallyport/internal/plugin/report"
)

// wiretap stands between a server and its provider, and remembers what they tell each
// other at the token endpoint.
type wiretap struct {
	*httptest.Server
	mu   sync.Mutex
	told map[string]string
}

// newWiretap has its discovery document at /discovery.
func newWiretap(t *testing.T, op *oidcprovider.Provider) *wiretap {
	t.Helper()
	w := &wiretap{told: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /discovery", func(answer http.ResponseWriter, r *http.Request) {
		var document map[string]any
		if err := json.Unmarshal(w.forward(t, r, op.Issuer()+"/.well-known/openid-configuration", ""), &document); err != nil {
			t.Error(err)
		}
		w.mu.Lock()
		w.told["token_endpoint"] = fmt.Sprint(document["token_endpoint"])
		w.mu.Unlock()
		document["token_endpoint"] = w.URL + "/token"
		_ = json.NewEncoder(answer).Encode(document)
	})
	mux.HandleFunc("POST /token", func(answer http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.mu.Lock()
		endpoint := w.told["token_endpoint"]
		w.mu.Unlock()
		got := w.forward(t, r, endpoint, string(sent))
		w.remember(t, string(sent), got)
		answer.Header().Set("Content-Type", "application/json")
		_, _ = answer.Write(got)
	})
	w.Server = httptest.NewServer(mux)
	t.Cleanup(w.Close)
	return w
}

// forward asks the provider in the place of the server. A refusal of it looks like a
// success here, which nobody is misled by.
func (w *wiretap) forward(t *testing.T, r *http.Request, to, body string) []byte {
	q, err := http.NewRequestWithContext(r.Context(), r.Method, to, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return nil
	}
	q.Header = r.Header.Clone()
	q.Header.Del("Accept-Encoding")
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Error(err)
	}
	return text
}

func (w *wiretap) remember(t *testing.T, sent string, got []byte) {
	form, err := url.ParseQuery(sent)
	if err != nil {
		t.Error(err)
	}
	var tokens map[string]any
	if err := json.Unmarshal(got, &tokens); err != nil {
		t.Error(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range []string{"code_verifier", "code", "refresh_token"} {
		if form.Get(name) != "" {
			w.told["sent "+name] = form.Get(name)
		}
	}
	for _, name := range []string{"access_token", "id_token", "refresh_token"} {
		if text, ok := tokens[name].(string); ok {
			w.told["given "+name] = text
		}
	}
}

// secrets is what was told, but for what is none.
func (w *wiretap) secrets() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]string{}
	for name, text := range w.told {
		if name != "token_endpoint" {
			all[name] = text
		}
	}
	return all
}

// secretiveSite has each kind of provider, and writes all logs.
func secretiveSite(op *oidcprovider.Provider, w *wiretap) string {
	log := func(name, encoding string) string {
		return "output file {$DIR}/" + name + "\nformat filter {\nwrap " + encoding + "\nrequest>headers credentials\nresp_headers credentials\nrequest>uri credentials\nuri credentials\nheaders credentials\n}\n"
	}
	return `{
	debug
	metrics
	admin unix/{$DIR}/admin.sock
	log {
		` + log("log.json", "json") + `
	}
	caddyauth {
		store sqlite {$DIR}/auth.db
		` + keycloak(op, forJane, "discovery "+w.URL+"/discovery") + `
		provider legacy {
			issuer https://legacy.example
			audience ops
			secret {env.SHARED_SECRET}
		}
	}
}
http://:0 {
	log one {
		hostnames 127.0.0.1
		` + log("access.json", "json") + `
	}
	log two {
		hostnames 127.0.0.1
		` + log("access.console", "console") + `
	}
	auth_api /api {
		debug
	}
	handle {
		token_auth {
			debug
		}
		respond "in"
	}
}`
}

// TestNoSecretOfAProviderIsInAnyOutput plays log-ins and tokens that come to a good end
// and those that do not, and looks for all that was secret in what was written.
func TestNoSecretOfAProviderIsInAnyOutput(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	t.Setenv("SHARED_SECRET", sharedSecret)
	w := newWiretap(t, op)
	s := caddyrun.Start(t, "{\n}\nhttp://:0\n")
	dir := s.Dir
	s.Reload(t, strings.ReplaceAll(secretiveSite(op, w), "{$DIR}", dir))
	f := &federated{s, newAdmin(t, filepath.Join(dir, "auth.db")), op}

	secrets := map[string]string{"client secret": clientSecretAtProvider, "shared secret": sharedSecret}
	refused := playAll(t, f, secrets)
	maps.Copy(secrets, w.secrets())
	for _, name := range []string{"sent code_verifier", "given id_token", "given refresh_token", "given access_token", "binding", "state", "nonce"} {
		if len(secrets[name]) < 20 {
			t.Fatalf("the %s is '%s'; this test looks for nothing", name, secrets[name])
		}
	}
	written := outputs(t, f, refused, secrets["good token"])
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	for name, line := range map[string]string{
		"log.json": "endpoint decided", "access.json": "code=REDACTED", "access.console": "code=REDACTED",
	} {
		if written[name] = readFile(t, filepath.Join(dir, name)); !strings.Contains(written[name], line) {
			t.Errorf("%s has no %s; this test looks in the wrong place", name, line)
		}
	}
	written["store"] = readFile(t, filepath.Join(dir, "auth.db"))
	for where, text := range written {
		for what, secret := range secrets {
			for form, hidden := range appearances(secret) {
				if strings.Contains(text, hidden) {
					t.Errorf("%s holds the %s %s", where, what, form)
				}
			}
		}
	}
}

// playAll logs in and presents tokens in every way, notes the secrets, and returns the
// ids of what was refused.
func playAll(t *testing.T, f *federated, secrets map[string]string) (refused []string) {
	t.Helper()
	call := func(r caddyrun.Response) caddyrun.Response {
		if r.StatusCode >= 400 {
			refused = append(refused, notedOf(t, r).ErrorID)
		}
		return r
	}
	to := f.begin("keycloak")
	back := f.comeBack(to)
	_, secrets["binding"], _ = strings.Cut(to.cookie, "=")
	sent, err := url.Parse(to.url)
	if err != nil {
		t.Fatal(err)
	}
	secrets["state"], secrets["nonce"], secrets["code"] = back.Get("state"), sent.Query().Get("nonce"), back.Get("code")
	done := call(f.finish(to, back))
	expectStatus(t, done, 200, "")
	secrets["session"] = sessionOf(t, done)
	call(f.finish(to, back))

	another := f.begin("keycloak")
	wrong := f.comeBack(another)
	secrets["another state"], secrets["another code"] = wrong.Get("state"), wrong.Get("code")
	another.cookie = to.cookie
	call(f.finish(another, wrong))
	denied := f.begin("keycloak")
	query, err := f.op.Deny(denied.url)
	if err != nil {
		t.Fatal(err)
	}
	secrets["a third state"] = query.Query().Get("state")
	call(f.finish(denied, query.Query()))

	token := *payload[grant](t, done).RefreshToken
	secrets["first refresh token"] = token
	call(f.refresh(token))
	call(f.refresh(token))
	call(f.Get(t, loginPath+"?provider=keycloak&refresh_token="+token))

	secrets["good token"], secrets["expired token"] = f.token(), f.token(map[string]any{"exp": 1})
	secrets["foreign token"] = f.token(map[string]any{"iss": "https://elsewhere.example"})
	secrets["legacy token"] = f.token(map[string]any{"iss": "https://legacy.example"})
	for _, name := range []string{"good token", "expired token", "foreign token", "legacy token"} {
		for _, path := range []string{"/", "/?access_token=" + secrets[name], "/api/v1/user/whoami"} {
			call(f.Get(t, path, bearer(secrets[name])...))
			call(f.Get(t, path, bearer(secrets[name]+"x")...))
		}
	}
	return refused
}

// outputs is what is not in a file.
func outputs(t *testing.T, f *federated, refused []string, token string) map[string]string {
	t.Helper()
	written := map[string]string{}
	for _, path := range []string{"/config/", "/metrics"} {
		status, text := post(t, f.Server, http.MethodGet, path, "")
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, status, text)
		}
		written[path] = text
	}
	if !strings.Contains(written["/config/"], "keycloak") || !strings.Contains(written["/metrics"], "provider_seconds") {
		t.Error("config and metrics do not tell of providers; this test looks in the wrong place")
	}
	for _, id := range refused {
		noted, found, _ := report.Find(id)
		text, err := json.Marshal(noted)
		if err != nil || !found {
			t.Fatalf("refusal %s: %v, %v", id, found, err)
		}
		written["refusals"] += string(text)
		written["why"] += adminCall(t, f.Server, "refusal/show", map[string]string{"error_id": id})
	}
	if !strings.Contains(written["why"], "token_expired") || !strings.Contains(written["why"], "log_in_not_begun") {
		t.Errorf("the refusals are %s", written["why"])
	}
	written["test"] = adminCall(t, f.Server, "provider/test", map[string]string{"provider": "keycloak", "token": token})
	written["test of another"] = adminCall(t, f.Server, "provider/test", map[string]string{"provider": "legacy", "token": token})
	if !strings.Contains(written["test"], `"passes":true`) || !strings.Contains(written["test of another"], `"passes":false`) {
		t.Errorf("the tests say %s\n%s", written["test"], written["test of another"])
	}
	events, err := f.Events(t.Context(), 1000)
	if err != nil || len(events) == 0 {
		t.Fatalf("%v, %v", events, err)
	}
	written["audit trail"] = fmt.Sprint(events)
	return written
}

// adminCall has an operation performed by the running server, as the commands do.
func adminCall(t *testing.T, s *caddyrun.Server, operation string, input any) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"actor": "test", "input": input})
	if err != nil {
		t.Fatal(err)
	}
	status, text := post(t, s, http.MethodPost, "/caddyauth/"+operation, string(body))
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", operation, status, text)
	}
	return text
}
