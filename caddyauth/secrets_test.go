package caddyauth_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/principal"
)

// word is a secret that is no API key.
const word = "Correct-Horse-Battery-Staple"

// credentialForms are the ways in which a credential comes with a request, or is
// put into a wrong place. Each new one gets a line here.
var credentialForms = []struct {
	name string
	// put puts a secret into a request.
	put func(r *http.Request, secret string)
	// secrets are put one after the other; nil stands for API keys: good ones,
	// and some that are refused.
	secrets []string
}{
	{"a key as Bearer", header("Authorization", "Bearer "), nil},
	{"a key in X-Api-Key", header("X-Api-Key", ""), nil},
	{"a key as Basic", basicHeader("Authorization", "alice:"), nil},
	{"a key as Basic with its name", basicHeader("Authorization", "alice:good:"), nil},
	{"a key without a scheme", header("Authorization", ""), nil},
	{"a key with another scheme", header("Authorization", "Digest "), nil},
	{"a key as Basic that is no base64", header("Authorization", "Basic !"), nil},
	{"two keys", both(header("Authorization", "Bearer "), header("X-Api-Key", "")), nil},
	{"a key in X_Api_Key", header("X_Api_Key", ""), nil},
	{"a key in x.api.key", header("x.api.key", ""), nil},
	{"a key in a wrong header", header("X-Token", "token="), nil},
	{"a key as Bearer in a wrong header", header("X-Authorization", "Bearer "), nil},
	{"a key as Basic in a wrong header", basicHeader("X-Authorization", "alice:"), nil},
	{"a key in User-Agent", header("User-Agent", "backup/1.0 "), nil},
	{"a key in the query", query("page", ""), nil},
	{"a key in the query, encoded", query("page", "a/b?c="), nil},
	{"a key in the path", func(r *http.Request, secret string) { r.URL.Path += "/" + secret }, nil},
	{"a key as the method", func(r *http.Request, secret string) { r.Method = secret }, nil},
	{"a key as the host", func(r *http.Request, secret string) { r.Host = secret + ".example.org" }, nil},
	{"a key in Referer", header("Referer", "https://example.org/?q="), nil},
	{"a password as Basic", basicHeader("Authorization", "alice:"), []string{word}},
	{"a token as Bearer", header("Authorization", "Bearer "), []string{word}},
	{"a password in the query", query("user=alice&password", ""), []string{word, "a b&c=d%" + word}},
	{"an access token in the query", query("access_token", ""), []string{word}},
	{"a code in the query", both(query("code", ""), query("state", "")), []string{word}},
	{"a token in a URL in the query", query("next", "https://example.org/?a=1&token="), []string{word}},
	{"a password in a URL in the query", query("next", "https://alice:"), []string{word + "@example.org/"}},
	{"a token in Referer", header("Referer", "https://example.org/?a=1&token="), []string{word}},
	{"a query that cannot be parsed", func(r *http.Request, secret string) { r.URL.RawQuery = "a=%zz;b=" + secret }, []string{word}},
	{"a cookie", header("Cookie", "__Host-sallyport="), []string{word}},
	{"a client secret", header("X-Client-Secret", ""), []string{word}},
	{"a client secret with an underscore", header("X_Client_Secret", ""), []string{word}},
	{"a client secret in a header of its own", header("X-My-Secret", ""), []string{word}},
	{"somebody else's token", header("X-Impersonating", ""), []string{word}},
	{"a token against forgery", header("X-XSRF-TOKEN", ""), []string{word}},
	{"a proxy's password", basicHeader("Proxy-Authorization", "alice:"), []string{word}},
}

// header puts a secret into a header, whose name is sent as it stands here.
func header(name, before string) func(*http.Request, string) {
	return func(r *http.Request, secret string) { r.Header[name] = append(r.Header[name], before+secret) }
}

func basicHeader(name, before string) func(*http.Request, string) {
	return func(r *http.Request, secret string) { r.Header[name] = []string{basic(before + secret)[1]} }
}

// query adds a parameter to the query.
func query(name, before string) func(*http.Request, string) {
	return func(r *http.Request, secret string) {
		if r.URL.RawQuery != "" {
			r.URL.RawQuery += "&"
		}
		r.URL.RawQuery += name + "=" + url.QueryEscape(before+secret)
	}
}

func both(one, two func(*http.Request, string)) func(*http.Request, string) {
	return func(r *http.Request, secret string) {
		one(r, secret)
		two(r, secret)
	}
}

// everyAnswer has a path for each kind of answer, and writes logs, set up as
// Caddyfile.example does, in each encoding.
const everyAnswer = `(hidden) {
	output file {$DIR}/{args[0]}
	format filter {
		wrap {args[1]}
		request>headers credentials X-My-Secret
		resp_headers credentials
		request>uri credentials
		request>host credentials
		request>method credentials
		uri credentials
		headers credentials
	}
}
{
	debug
	metrics
	admin unix/{$DIR}/admin.sock
	caddyauth {
		store sqlite {env.SALLYPORT_TEST_STORE}
		pepper_file {file.{$DIR}/name_of_pepper}
	}
	log {
		import hidden log.json json
	}
	log also {
		import hidden log.console console
	}
}
http://:0 {
	log one {
		hostnames 127.0.0.1
		import hidden access.json json
	}
	log two {
		hostnames 127.0.0.1
		import hidden access.console console
	}
	header Set-Cookie "session={env.SALLYPORT_TEST_SECRET}"
	header Location "https://example.org/cb?code={env.SALLYPORT_TEST_SECRET}&state=1#access_token={env.SALLYPORT_TEST_SECRET}"
	auth_api /api {
		debug
	}
	route /in* {
		token_auth {
			debug
		}
		respond "in"
	}
	route /office* {
		client_secret {
			allow 127.0.0.1
			secrets_file {$DIR}/access
			failures 100 60s
			debug
		}
		token_auth {
			optional
		}
		respond "in"
	}
	route /write* {
		token_auth {
			require scope write
		}
		respond "in"
	}
	route /missing* {
		token_auth
		error 404
	}
	route /broken* {
		token_auth
		error 500
	}
	route /caddy* {
		token_auth {
			errors caddy
		}
		error 500
	}
	route {
		token_auth {
			forward_credential
		}
		reverse_proxy 127.0.0.1:1 {
			header_up X-Client-Secret {env.SALLYPORT_TEST_SECRET}
			header_up X-My-Secret {file.{$DIR}/secret}
		}
	}
}`

// TestNoSecretIsInAnyOutput drives every form of credential through every kind
// of answer, and then looks for the secrets in everything that was written.
func TestNoSecretIsInAnyOutput(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SALLYPORT_TEST_STORE", filepath.Join(dir, "auth.db"))
	t.Setenv("SALLYPORT_TEST_SECRET", word)
	for name, text := range map[string]string{"name_of_pepper": filepath.Join(dir, "pepper"), "secret": word} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := caddyrun.Start(t, strings.ReplaceAll(everyAnswer, "{$DIR}", dir))
	s.Dir = dir
	a := newAdmin(t, filepath.Join(dir, "auth.db"))
	a.withPassword()
	good := a.issue(s, "good")
	expired := a.issue(s, "expired", func(n *identity.NewKey) { n.Expires = time.Now().Add(time.Second) })
	never := a.issue(s, "never", func(n *identity.NewKey) { n.Scopes = principal.Write; n.UserAgent = "x" })
	forged := good[:30] + strings.Repeat("Z", 10) + good[40:]
	time.Sleep(time.Second)

	statuses := map[int]int{}
	people := logInEveryWay(t, s, good, statuses)
	visitAll(t, s, []string{good, expired, never, forged}, statuses)
	written := map[string]string{"arguments": strings.Join(os.Args, " ")}
	for _, path := range []string{"/config/", "/metrics"} {
		status, text := post(t, s, http.MethodGet, path, "")
		if status != http.StatusOK || !strings.Contains(text, map[string]string{"/config/": "token_auth", "/metrics": "caddy_http"}[path]) {
			t.Fatalf("%s: %d %s", path, status, text)
		}
		written[path] = text
	}
	visitAdmin(t, s, good)
	if err := os.Rename(filepath.Join(dir, "auth.db"), filepath.Join(dir, "away.db")); err != nil {
		t.Fatal(err)
	}
	within(t, 3*time.Second, func() bool {
		return s.Get(t, "/in", bearer(good)...).StatusCode == http.StatusServiceUnavailable
	})
	visitAll(t, s, []string{good, forged}, statuses)
	for _, status := range []int{200, 400, 401, 403, 404, 429, 500, 502, 503} {
		if statuses[status] == 0 {
			t.Errorf("there was no answer %d: %v", status, statuses)
		}
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	for name, lines := range map[string][]string{
		"log.json":       {"http.log.error", "request refused", `"X-Api-Key":["REDACTED"]`, `"uri":"/config/?key=REDACTED"`},
		"log.console":    {"http.log.error", "request refused", `"X-Api-Key": ["REDACTED"]`},
		"access.json":    {"/in", "/caddy", `"X_api_key":["REDACTED"]`},
		"access.console": {"/in", "/caddy", `"X_api_key": ["REDACTED"]`},
	} {
		written[name] = readFile(t, filepath.Join(dir, name))
		for _, line := range lines {
			if !strings.Contains(written[name], line) {
				t.Errorf("%s has no %s; this test looks in the wrong place", name, line)
			}
		}
	}
	written["refusals"] = refusalsIn(t, written["access.json"])
	pepper := strings.TrimSpace(readFile(t, filepath.Join(dir, "pepper")))
	secrets := map[string]string{"good key": good, "expired key": expired, "bound key": never, "forged key": forged, "pepper": pepper, "word": word}
	maps.Copy(secrets, people)
	for where, text := range written {
		for what, secret := range secrets {
			for form, hidden := range appearances(secret) {
				if strings.Contains(text, hidden) {
					_, behind, _ := strings.Cut(text, hidden)
					t.Errorf("%s holds the %s %s, in front of '%.200s'", where, what, form, behind)
				}
			}
		}
	}
}

// refusalsIn is what the server remembers of the refusals in an access log.
func refusalsIn(t *testing.T, access string) string {
	t.Helper()
	ids := regexp.MustCompile(`"error_id":"(\w+)","refused":("[^"]*")`).FindAllStringSubmatch(access, -1)
	if len(ids) < 100 {
		t.Fatalf("the access log has %d refusals; this test looks in the wrong place", len(ids))
	}
	var all strings.Builder
	for _, id := range ids {
		noted, ok, _ := report.Find(id[1])
		text, err := json.Marshal(noted)
		if err != nil || !ok || !strings.Contains(string(text), `"cause":`+id[2]) {
			t.Fatalf("refusal '%s' is remembered: %v, as %s, %v", id[1], ok, text, err)
		}
		all.Write(text)
	}
	return all.String()
}

// visitAll sends every form of credential to every path.
func visitAll(t *testing.T, s *caddyrun.Server, keys []string, statuses map[int]int) {
	t.Helper()
	for _, form := range credentialForms {
		secrets := form.secrets
		if secrets == nil {
			secrets = keys
		}
		for _, secret := range secrets {
			for _, path := range []string{"/in", "/write", "/missing", "/broken", "/caddy", "/proxy", "/office", "/api/v1/user/whoami"} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				form.put(r, secret)
				answer, err := s.Client.Do(r)
				if err != nil {
					t.Fatalf("%s: %v", form.name, err)
				}
				statuses[answer.StatusCode]++
				if err := answer.Body.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// visitAdmin sends a key to the admin API in a URL and in headers. It writes a
// line about each request, with fields of other names than those of servers.
func visitAdmin(t *testing.T, s *caddyrun.Server, key string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/config/?key="+key, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"X-Api-Key": {key}, "X-Client-Secret": {word}, "User-Agent": {"backup/1.0 " + key}}
	client := unixClient(filepath.Join(s.Dir, "admin.sock"))
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v", answer.StatusCode, err)
	}
}

// logInEveryWay logs in, out and wrongly in every way there is, uses what it gets,
// and returns all secrets that were sent or given.
func logInEveryWay(t *testing.T, s *caddyrun.Server, key string, statuses map[int]int) map[string]string {
	t.Helper()
	const other = "Vier: Dromedare im Regen"
	secrets := map[string]string{"password": passphrase, "new password": other, "client secret": clientSecretIn(t, filepath.Join(s.Dir, "access"))}
	call := func(method, path, contentType, body string, headers ...string) caddyrun.Response {
		r := s.Do(t, method, path, []byte(body), append(headers, "Content-Type", contentType)...)
		statuses[r.StatusCode]++
		return r
	}
	const (
		login = "/api/v1/auth/login"
		json  = "application/json"
		form  = "application/x-www-form-urlencoded"
	)
	begun := call("POST", login, json, `{"user": "alice", "password": "`+passphrase+`"}`)
	secrets["app token"] = between(t, begun.Text, `"app_token":"alice:`, `"`)
	secrets["session"] = between(t, strings.Join(begun.Header.Values("Set-Cookie"), "\n"), "__Host-sallyport=", ";")
	app, web := []string{"Authorization", "Bearer alice:" + secrets["app token"]}, cookie(secrets["session"])
	call("POST", login, form, url.Values{"user": {"alice"}, "password": {passphrase}}.Encode())
	call("POST", login, json, `{"user": "alice", "apikey": "good:`+key+`"}`)
	for _, path := range []string{"/in", "/write", "/missing", "/broken", "/caddy", "/proxy", "/api", "/api/v1/user/whoami", "/api/v1/auth/sessions", "/api/nothing"} {
		for _, headers := range [][]string{app, web, basic("alice:" + passphrase), {"X-Client-Secret", secrets["client secret"]}} {
			call("GET", path, json, "", headers...)
		}
	}
	call("GET", "/office", json, "", "X-Client-Secret", secrets["client secret"])
	call("POST", "/api/v1/auth/logout", json, "", append(web, "Origin", "https://elsewhere.example")...)
	call("GET", login+"?user=alice&password="+url.QueryEscape(passphrase), json, "")
	made := call("POST", "/api/v1/auth/apikey", json, `{"name": "made", "priv": "R"}`, app...)
	secrets["key that was made"] = between(t, made.Text, `"apikey":"made:`, `"`)
	turned := call("POST", "/api/v1/auth/apikey/made/rotate", json, "", app...)
	secrets["key that was rotated"] = between(t, turned.Text, `"apikey":"made:`, `"`)
	call("PUT", "/api/v1/user/password", json, `{"old_password": "`+passphrase+`", "new_password": "`+other+`"}`, basic("alice:"+passphrase)...)
	call("POST", "/api/v1/auth/logout", json, "", app...)
	for range 8 {
		call("POST", login, json, `{"user": "alice", "password": "`+word+`"}`)
		call("POST", login, form, "user=alice&password="+word)
		call("GET", "/in", json, "", basic("alice:"+word)...)
	}
	call("POST", login, json, `{"user": "alice", "password": "`+word)
	return secrets
}

// clientSecretIn reads the one secret of a file that the start has made.
func clientSecretIn(t *testing.T, path string) string {
	t.Helper()
	return between(t, readFile(t, path), "127.0.0.1:", "\n")
}

// between is what stands in a text after one mark and before the next.
func between(t *testing.T, text, before, after string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, before)
	inside, _, closed := strings.Cut(rest, after)
	if !found || !closed || inside == "" {
		t.Fatalf("there is nothing between '%s' and '%s'", before, after)
	}
	return inside
}

// appearances are the ways in which a secret may be read from a text. Base64
// looks another one by where in its text the secret begins.
func appearances(secret string) map[string]string {
	m := map[string]string{
		"in the clear":   secret,
		"in hexadecimal": hex.EncodeToString([]byte(secret)),
		"in a query":     url.QueryEscape(secret),
		"in a path":      url.PathEscape(secret),
	}
	// Tokens of providers may have a _ anywhere.
	if _, isKey := credential.ParseKey(secret); isKey {
		_, body, _ := strings.Cut(secret, "_")
		m["without its prefix"] = body
		m["without its id"] = body[12:]
	}
	for offset, name := range []string{"in base64", "in base64 from the second byte", "in base64 from the third byte"} {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + secret))
		m[name] = text[4 : len(text)-4]
	}
	return m
}

func TestTheAccessLogTellsWhoAndWhyNot(t *testing.T) {
	s, a := startFile(t, `{
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
}
http://:0 {
	log {
		output file {$DIR}/access.json
	}
	token_auth
	respond "in"
}`)
	key := a.issue(s, "ci")
	expect(t, s.Get(t, "/", bearer(key)...), 200, "")
	refused := s.Get(t, "/", bearer("swordfish")...)
	id := strings.Split(refused.Text, `"error_id":"`)[1][:12]
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	access := readFile(t, filepath.Join(s.Dir, "access.json"))
	if !strings.Contains(access, `"user_id":"alice"`) {
		t.Errorf("the user is not in the access log: %s", access)
	}
	if !strings.Contains(access, `"error_id":"`+id+`","refused":"malformed"`) {
		t.Errorf("the cause of %s is not in the access log: %s", id, access)
	}
	if !strings.Contains(s.Log(t), id) {
		t.Errorf("the first refusal is not in the log")
	}
}
