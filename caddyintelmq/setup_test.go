package caddyintelmq_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/sallyport/sallyport"
	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// password is that of the user admin.
const password = "Fünf: Kamele im Schnee"

// unauthorized is what scripts compare.
const unauthorized = `{"error":{"Authentication Required":"Please provide valid Token verification credentials"}}`

// api is where most endpoints here have their routes.
const api = "/intelmq/v1/api/"

// bench is an endpoint over a stand-in botnet, with those who ask.
type bench struct {
	*caddyrun.Server
	botnet *intelmqctl.Botnet
	// text is the configuration.
	text string
	// keys are API keys of admin: reader and writer, who reads too, changer, who
	// only writes, and nobody, who may do neither.
	keys map[string]string
	// cookie is the session of admin in a browser.
	cookie string
	// acting is the header by which admin acts as operator.
	acting []string
}

// start runs an endpoint at /intelmq with these lines in its block.
func start(t testing.TB, options string) *bench {
	t.Helper()
	b := prepare(t)
	b.use(t, b.site("", options))
	return b
}

// prepare makes a botnet, and a store with admin in it. The server has no site yet.
func prepare(t testing.TB) *bench {
	t.Helper()
	b := &bench{botnet: intelmqctl.Start(t), keys: map[string]string{}}
	b.Server = caddyrun.Start(t, "{\n}\nhttp://:0\n")
	b.issue(t)
	return b
}

// use runs a configuration from now on.
func (b *bench) use(t testing.TB, text string) {
	t.Helper()
	b.text = text
	b.Reload(t, text)
}

// site is a configuration with one endpoint, and what stands before it.
func (b *bench) site(before, options string) string {
	return b.sites("http://:0 {\n" + before + "\n" + b.endpoint("/intelmq", b.botnet, options) + "\n}\n")
}

// sites is a configuration of these sites, with all that they need.
func (b *bench) sites(text string) string {
	return "{\n\tadmin unix/" + b.adminSocket() + "\n\tmetrics\n\tcaddyauth {\n\t\tstore sqlite {$DIR}/auth.db\n\t}\n}\n" + text
}

// adminSocket has a short name, since the path of a socket must be one.
func (b *bench) adminSocket() string { return b.botnet.Path("admin") }

// endpoint is a block for a botnet.
func (b *bench) endpoint(base string, botnet *intelmqctl.Botnet, options string) string {
	return block(base, "command "+botnet.Command+"\nallowed_path "+botnet.Path("var/lib/bots")+"\n"+options)
}

func block(base, options string) string { return "intelmq " + base + " {\n" + options + "\n}\n" }

// issue makes users and keys before the server opens the store.
func (b *bench) issue(t testing.TB) {
	t.Helper()
	location, err := store.NewLocation("sqlite", filepath.Join(b.Dir, "auth.db"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := identity.Open(t.Context(), identity.Config{Location: location, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.AddUser(t.Context(), "test", identity.NewUser{Username: "admin"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SetPassword(t.Context(), "test", "admin", password); err != nil {
		t.Fatal(err)
	}
	for name, scopes := range map[string]principal.Scopes{
		"reader": principal.Read, "writer": principal.Read | principal.Write, "changer": principal.Write, "nobody": 0,
	} {
		_, word, err := r.IssueKey(t.Context(), "test", identity.NewKey{Username: "admin", Name: name, Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		b.keys[name] = word.Reveal()
	}
	if _, err := r.AddUser(t.Context(), "test", identity.NewUser{Username: "operator"}); err != nil {
		t.Fatal(err)
	}
	_, word, err := r.IssueKey(t.Context(), "test", identity.NewKey{
		Username: "operator", Name: "support", Scopes: principal.Read | principal.Write, Impersonation: true, Agents: []string{"admin"},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.acting = []string{credential.ImpersonatingHeader, "Basic " + base64.StdEncoding.EncodeToString([]byte("operator:support:"+word.Reveal()))}
	_, words, err := r.LogInByPassword(t.Context(), identity.Attempt{Username: "admin", Password: password},
		identity.NewSession{Tokens: []identity.NewToken{{Kind: credential.SessionToken, Lifetime: principal.Lifetime{Absolute: time.Hour}}}})
	if err != nil {
		t.Fatal(err)
	}
	b.cookie = words[0].Reveal()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// by are the headers with which somebody asks: a name of keys, cookie, or nobody at
// all for an empty one.
func (b *bench) by(who string) []string {
	switch who {
	case "":
		return nil
	case "cookie":
		return []string{"Cookie", "__Host-sallyport=" + b.cookie}
	}
	return []string{"Authorization", "Bearer " + b.keys[who]}
}

// as asks for a route of the endpoint at /intelmq.
func (b *bench) as(t testing.TB, who, route string, headers ...string) caddyrun.Response {
	t.Helper()
	return b.Get(t, api+route, append(b.by(who), headers...)...)
}

// post posts to a route of it.
func (b *bench) post(t testing.TB, who, route, body string, headers ...string) caddyrun.Response {
	t.Helper()
	return b.Do(t, http.MethodPost, api+route, []byte(body), append(b.by(who), headers...)...)
}

// form is the type of a form.
var form = []string{"Content-Type", "application/x-www-form-urlencoded"}

// logIn logs admin in and returns the token.
func (b *bench) logIn(t testing.TB) string {
	t.Helper()
	r := b.post(t, "", "login", "username=admin&password="+strings.ReplaceAll(password, " ", "+"), form...)
	return tokenIn(t, r)
}

// tokenIn is the token that a log-in has given.
func tokenIn(t testing.TB, r caddyrun.Response) string {
	t.Helper()
	var answer struct {
		Token string `json:"login_token"`
		User  string `json:"username"`
	}
	if err := json.Unmarshal([]byte(r.Text), &answer); err != nil || r.StatusCode != 200 || answer.Token == "" || answer.User != "admin" {
		t.Fatalf("the log-in: HTTP %d %s", r.StatusCode, r.Text)
	}
	return answer.Token
}

// admin asks the admin API.
func (b *bench) admin(t testing.TB, path string) caddyrun.Response {
	t.Helper()
	return b.adminBy(t, http.MethodGet, path)
}

// adminBy is admin with another method.
func (b *bench) adminBy(t testing.TB, method, path string) caddyrun.Response {
	t.Helper()
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", b.adminSocket())
		},
	}}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return caddyrun.Response{Response: response, Text: string(text)}
}

// outcome is an answer, or why there is none.
type outcome struct {
	status int
	header http.Header
	text   string
	err    error
	took   time.Duration
}

// attempt asks where a test cannot be ended.
func (b *bench) attempt(ctx context.Context, method, path, body string, headers ...string) (o outcome) {
	began := time.Now()
	defer func() { o.took = time.Since(began) }()
	r, err := http.NewRequestWithContext(ctx, method, b.URL+path, strings.NewReader(body))
	if err != nil {
		return outcome{err: err}
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := b.Client.Do(r)
	if err != nil {
		return outcome{err: err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return outcome{status: response.StatusCode, header: response.Header, text: string(text), err: err}
}

// later asks for a route, and gives the answer when it has come.
func (b *bench) later(ctx context.Context, who, route string) <-chan outcome {
	answer := make(chan outcome, 1)
	go func() { answer <- b.attempt(ctx, http.MethodGet, api+route, "", b.by(who)...) }()
	return answer
}

// calls are the calls so far that begin with these arguments, without --type json.
func calls(botnet *intelmqctl.Botnet, words string) (found []intelmqctl.Call) {
	for _, c := range botnet.Calls() {
		line := strings.TrimPrefix(strings.Join(c.Arguments, " "), "--type json ")
		if strings.HasPrefix(line+" ", words+" ") {
			found = append(found, c)
		}
	}
	return found
}

// running is how many of these calls have not ended.
func running(botnet *intelmqctl.Botnet, words string) (n int) {
	for _, c := range calls(botnet, words) {
		if c.End.IsZero() {
			n++
		}
	}
	return n
}

// eventually waits until nothing is wrong.
func eventually(t testing.TB, wrong func() string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		problem := wrong()
		if problem == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Error(problem)
			return
		}
	}
}

// awaitCall waits until such a call runs.
func awaitCall(t testing.TB, botnet *intelmqctl.Botnet, words string) {
	t.Helper()
	eventually(t, func() string {
		if running(botnet, words) == 0 {
			return "no call of '" + words + "' runs"
		}
		return ""
	})
}

// expect holds an answer against a status and a body, without its line end.
func expect(t testing.TB, r caddyrun.Response, status int, body string) {
	t.Helper()
	if got := strings.TrimSuffix(r.Text, "\n"); r.StatusCode != status || got != body {
		t.Errorf("HTTP %d %s\nwant %d %s", r.StatusCode, got, status, body)
	}
}

// expectStatus is expect for whoever does not care for the body.
func expectStatus(t testing.TB, r caddyrun.Response, status int) {
	t.Helper()
	if r.StatusCode != status {
		t.Errorf("HTTP %d %s\nwant %d", r.StatusCode, r.Text, status)
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeFile(t testing.TB, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}
