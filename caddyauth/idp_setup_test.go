package caddyauth_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/report"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// callback is where the provider keycloak sends browsers back to. Nobody listens there.
const callback = "https://ops.example.org/login?provider=keycloak"

// Secrets of providers, which the Caddyfiles here have from the environment.
const (
	clientSecretAtProvider = "client secret of sallyport"
	sharedSecret           = "a secret of HS256 that has more than 32 bytes"
)

// jane is a user of the provider.
var jane = oidcprovider.User{
	Subject: "7a3f", Name: "jane", Password: "jane-pw", DisplayName: "Jane Doe",
	Email: "jane@example.org", EmailVerified: true,
	Groups: []string{"staff", "netops"}, Roles: []string{"ops-admin"}, Claims: map[string]any{"department": "north"},
}

// newProvider starts a provider with the user jane and the client sallyport.
func newProvider(t testing.TB, c oidcprovider.Config) *oidcprovider.Provider {
	t.Helper()
	t.Setenv("CLIENT_SECRET", clientSecretAtProvider)
	op := oidcprovider.Start(t, c)
	op.AddUser(jane)
	op.AddClient(oidcprovider.Client{
		ID: "sallyport", Secret: clientSecretAtProvider, RedirectURIs: []string{callback}, Audience: []string{"ops"}, Scopes: []string{"api"},
	})
	return op
}

// keycloak are the options of a provider of this name, by which users can log in.
func keycloak(op *oidcprovider.Provider, more ...string) string {
	return "provider keycloak {\n" + strings.Join(append([]string{
		"issuer " + op.Issuer(), "audience ops", "client_id sallyport", "client_secret {env.CLIENT_SECRET}", "redirect_uri " + callback,
		"scopes openid profile email offline_access",
	}, more...), "\n") + "\n}"
}

// tokensOnly are the options of a provider whose tokens are accepted and by which
// nobody logs in.
func tokensOnly(name string, op *oidcprovider.Provider, more ...string) string {
	return "provider " + name + " {\nissuer " + op.Issuer() + "\naudience ops\n" + strings.Join(more, "\n") + "\n}"
}

// forJane links whoever comes with an account of his own.
const forJane = "auto_create user"

// shownCaller tells all that a handler behind a gate can know of a caller.
const shownCaller = "respond `{http.auth.user.id}|{http.auth.user.roles}|{http.auth.user.groups}|{http.auth.user.scopes}|{http.auth.user.method}|{http.auth.user.claims.department}`"

// providerSite is a server with providers, endpoints below /api, and a gate that
// accepts tokens of providers before all else.
func providerSite(providers string, gate ...string) string {
	if len(gate) == 0 {
		gate = []string{"accept jwt api_key app_token session"}
	}
	return `{
	caddyauth {
		store sqlite {$DIR}/auth.db
		` + providers + `
	}
}
http://:0 {
	auth_api /api
	handle /metrics {
		metrics
	}
	handle {
		token_auth {
			` + strings.Join(gate, "\n") + `
		}
		` + shownCaller + `
	}
}`
}

// federated is a server with a provider.
type federated struct {
	*caddyrun.Server
	*admin
	op *oidcprovider.Provider
}

// startFederated runs a site of the provider keycloak with these options, and the user
// alice in its store.
func startFederated(t testing.TB, options ...string) *federated {
	t.Helper()
	op := newProvider(t, oidcprovider.Config{})
	return startFederatedWith(t, op, providerSite(keycloak(op, options...)))
}

func startFederatedWith(t testing.TB, op *oidcprovider.Provider, caddyfile string) *federated {
	t.Helper()
	s, a := startFile(t, caddyfile)
	return &federated{s, a, op}
}

// in is f for a subtest.
func (f *federated) in(t testing.TB) *federated {
	return &federated{f.Server, &admin{f.Registry, t}, f.op}
}

// token is an access token about jane for this server, with these claims besides.
func (f *federated) token(claims ...map[string]any) string {
	f.t.Helper()
	return tokenOf(f.t, f.op, jane.Subject, claims...)
}

func tokenOf(t testing.TB, op *oidcprovider.Provider, subject string, claims ...map[string]any) string {
	t.Helper()
	all := map[string]any{"aud": "ops"}
	for _, more := range claims {
		maps.Copy(all, more)
	}
	word, err := op.AccessToken(subject, all)
	if err != nil {
		t.Fatal(err)
	}
	return word
}

// ask presents a token at the gate.
func (f *federated) ask(token string) caddyrun.Response {
	f.t.Helper()
	return f.Get(f.t, "/", bearer(token)...)
}

// expectCaller checks that a token passes, and what shownCaller tells of who has it.
func (f *federated) expectCaller(token, want string) {
	f.t.Helper()
	r := f.ask(token)
	expect(f.t, r, 200, "")
	if r.Text != want {
		f.t.Errorf("got  '%s'\nwant '%s'", r.Text, want)
	}
}

// expectRefused checks that a token is refused, and the cause that administrators see.
func (f *federated) expectRefused(token string, status int, code, cause string) {
	f.t.Helper()
	expectCause(f.t, f.ask(token), status, code, cause)
}

// expectCause is expect with the cause that administrators see.
func expectCause(t testing.TB, r caddyrun.Response, status int, code, cause string) {
	t.Helper()
	expect(t, r, status, code)
	if r.StatusCode < 400 {
		return
	}
	if got := notedOf(t, r).Cause; got != cause {
		t.Errorf("the cause is '%s', want '%s'", got, cause)
	}
}

// notedOf is what is remembered of a refusal.
func notedOf(t testing.TB, r caddyrun.Response) report.Noted {
	t.Helper()
	id := r.Header.Get("X-Error-Id")
	if id == "" {
		var body struct {
			ID string `json:"error_id"`
		}
		if err := json.Unmarshal([]byte(r.Text), &body); err != nil {
			t.Fatalf("%d '%s': %v", r.StatusCode, r.Text, err)
		}
		id = body.ID
	}
	noted, found, _ := report.Find(id)
	if !found {
		t.Fatalf("%d '%s' is not remembered", r.StatusCode, r.Text)
	}
	return noted
}

// account is a user of the store.
func (f *federated) account(name string) store.User {
	f.t.Helper()
	u, err := f.User(f.t.Context(), name)
	if err != nil {
		f.t.Fatal(err)
	}
	return u
}

// usernames lists all accounts.
func (f *federated) usernames() (names []string) {
	f.t.Helper()
	users, err := f.Users(f.t.Context(), "", 100)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, u := range users {
		names = append(names, u.Username)
	}
	return names
}

// addUser makes an account.
func (f *federated) addUser(n identity.NewUser) {
	f.t.Helper()
	if _, err := f.AddUser(f.t.Context(), "test", n); err != nil {
		f.t.Fatal(err)
	}
}

// link links a subject of the provider with an account, and waits until the server
// knows it.
func (f *federated) link(username, subject string) {
	f.t.Helper()
	if err := f.LinkIdentity(f.t.Context(), "test", username, "keycloak", f.op.Issuer(), subject); err != nil {
		f.t.Fatal(err)
	}
	time.Sleep(propagation)
}

// key makes a key with these scopes for an account.
func (f *federated) key(username, name string, scopes principal.Scopes) string {
	f.t.Helper()
	return f.issue(f.Server, name, func(n *identity.NewKey) { n.Username, n.Scopes = username, scopes })
}

// flow is a log-in that has begun.
type flow struct {
	// url is where the browser is sent to, cookie the one that it has got.
	url, cookie string
}

// begin begins a log-in at the provider of this name.
func (f *federated) begin(name string) flow {
	f.t.Helper()
	r := f.Get(f.t, loginPath+"?provider="+name)
	if r.StatusCode != 302 {
		f.t.Fatalf("%d %s", r.StatusCode, r.Text)
	}
	pair, _, _ := strings.Cut(r.Header.Get("Set-Cookie"), ";")
	return flow{r.Header.Get("Location"), pair}
}

// comeBack logs jane in at the provider, and returns the query of the callback.
func (f *federated) comeBack(to flow) url.Values {
	f.t.Helper()
	back, err := f.op.LogIn(to.url, jane.Name, jane.Password)
	if err != nil {
		f.t.Fatal(err)
	}
	return back.Query()
}

// finish brings back what the provider has sent.
func (f *federated) finish(to flow, query url.Values) caddyrun.Response {
	f.t.Helper()
	return f.Get(f.t, loginPath+"?"+query.Encode(), "Cookie", to.cookie)
}

// grant is what a log-in by a provider gives.
type grant struct {
	AppToken     string   `json:"app_token"`
	Provider     string   `json:"provider"`
	RefreshToken *string  `json:"refresh_token"`
	Privileges   []string `json:"privileges"`
}

// logInAtProvider logs jane in.
func (f *federated) logInAtProvider() (grant, caddyrun.Response) {
	f.t.Helper()
	to := f.begin("keycloak")
	r := f.finish(to, f.comeBack(to))
	expectStatus(f.t, r, 200, "")
	return payload[grant](f.t, r), r
}

// asked is how often a provider was asked this question: keys, code or refresh.
func (f *federated) asked(t *testing.T, question string) (times int) {
	t.Helper()
	for name, value := range scrape(t, f.Server) {
		if strings.HasPrefix(name, "caddy_caddyauth_provider_seconds_count{") && strings.Contains(name, `question="`+question+`"`) {
			times += int(value)
		}
	}
	return times
}
