package caddyauth_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/bench/cputime"
	_ "github.com/sallyport/sallyport/caddyauth" // the gate
	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// chain is a site's handlers in this process, called without a network: what
// they cost repeats, which it does not over a socket.
type chain struct {
	server  *caddyhttp.Server
	request *http.Request
	writer  *thrownAway
	// credential is put into the request each time, since the gate removes it.
	header     string
	credential []string
}

// chains runs sites one after the other in one server with one store.
type chains struct {
	caddy *caddyrun.Server
	store string
	// key opens the gate, and is of a user with roles and groups; revoked does
	// not any more.
	key, revoked string
	// issuer is a provider's, and jwt a token of it that opens the gate.
	issuer, jwt string
}

// newChains makes the store first, so that the server finds all keys in it.
func newChains(tb testing.TB) *chains {
	tb.Helper()
	c := &chains{store: filepath.Join(tb.TempDir(), "auth.db")}
	location, err := store.NewLocation("sqlite", c.store)
	if err != nil {
		tb.Fatal(err)
	}
	registry, err := identity.Open(tb.Context(), identity.Config{Location: location, Create: true})
	if err != nil {
		tb.Fatal(err)
	}
	defer registry.Close()
	user := identity.NewUser{Username: "alice", Roles: []string{"analyst", "admin"}, Groups: []string{"soc"}}
	if _, err := registry.AddUser(tb.Context(), "test", user); err != nil {
		tb.Fatal(err)
	}
	issue := func(name string) string {
		_, secret, err := registry.IssueKey(tb.Context(), "test", identity.NewKey{Username: "alice", Name: name, Scopes: principal.AllScopes})
		if err != nil {
			tb.Fatal(err)
		}
		return secret.Reveal()
	}
	c.key, c.revoked = issue("laptop"), issue("lost")
	if _, err := registry.RevokeKey(tb.Context(), "test", store.KeyRef{UserFold: "alice", Name: "lost"}, "lost"); err != nil {
		tb.Fatal(err)
	}
	c.askProvider(tb)
	c.caddy = caddyrun.Start(tb, c.site(respond))
	return c
}

// askProvider has a provider issue a token that gives as much as the key.
func (c *chains) askProvider(tb testing.TB) {
	tb.Helper()
	op := oidcprovider.Start(tb, oidcprovider.Config{Algorithm: "ES256", Lifetime: time.Hour})
	op.AddUser(oidcprovider.User{Subject: "7a3f", Name: "jane", Groups: []string{"soc"}, Roles: []string{"analyst", "admin"}})
	token, err := op.AccessToken("7a3f", map[string]any{"aud": "ops", "scope": "openid profile"})
	if err != nil {
		tb.Fatal(err)
	}
	c.issuer, c.jwt = op.Issuer(), token
}

// site is a configuration that logs as a server does unless told otherwise, but
// to nowhere.
func (c *chains) site(directives string) string {
	return `{
	caddyauth {
		store sqlite ` + c.store + `
		provider idp {
			issuer ` + c.issuer + `
			audience ops
			role analyst analyst
			role admin admin
			groups_claim groups
			claims preferred_username scope
			auto_create
		}
	}
	log default {
		output discard
		level INFO
	}
}
http://:0 {
	` + directives + `
}`
}

// load makes the site the one that runs. A word that is empty is no credential.
func (c *chains) load(tb testing.TB, directives, header, word string) *chain {
	tb.Helper()
	c.caddy.Reload(tb, c.site(directives))
	app, err := caddy.ActiveContext().App("http")
	if err != nil {
		tb.Fatal(err)
	}
	h := &chain{
		request: httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/", http.NoBody),
		writer:  &thrownAway{header: http.Header{}}, header: header,
	}
	for _, server := range app.(*caddyhttp.App).Servers {
		h.server = server
	}
	// What browsers and proxies send.
	for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "X-Forwarded-For", "User-Agent"} {
		h.request.Header.Set(name, "anything")
	}
	if word != "" {
		h.credential = []string{word}
	}
	return h
}

// serve makes one request and returns its status.
func (h *chain) serve() int {
	if h.credential != nil {
		h.request.Header[h.header] = h.credential
	}
	clear(h.writer.header)
	h.writer.status = http.StatusOK
	h.server.ServeHTTP(h.writer, h.request)
	return h.writer.status
}

// thrownAway is an answer nobody reads.
type thrownAway struct {
	header http.Header
	status int
}

func (w *thrownAway) Header() http.Header         { return w.header }
func (w *thrownAway) WriteHeader(status int)      { w.status = status }
func (w *thrownAway) Write(p []byte) (int, error) { return len(p), nil }

// WriteString and the deadlines are what the connections of net/http have as
// well: Caddy would make errors of their absence.
func (w *thrownAway) WriteString(s string) (int, error) { return len(s), nil }
func (w *thrownAway) SetReadDeadline(time.Time) error   { return nil }
func (w *thrownAway) SetWriteDeadline(time.Time) error  { return nil }
func (w *thrownAway) EnableFullDuplex() error           { return nil }
func (w *thrownAway) Flush()                            {}

const (
	respond = "respond \"ok\""
	gate    = "token_auth\n" + respond
	gateFwd = "token_auth {\nforward_identity X-User\n}\n" + respond
	gateErr = "token_auth {\nerrors caddy\n}\n" + respond
)

// addressGate is a site whose gate lists the address of all requests here.
func addressGate(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "access")
	saveSecrets(tb, path, "192.0.2.0/24:"+officeSecret)
	return "client_secret {\nallow 192.0.2.0/24\nsecrets_file " + path + "\n}\n" + respond
}

// BenchmarkGate compares whole handler chains with bare respond.
func BenchmarkGate(b *testing.B) {
	c := newChains(b)
	for _, way := range []struct {
		name, directives, header, word string
		status                         int
	}{
		{"respond", respond, "Authorization", "Bearer " + c.key, http.StatusOK},
		{"accepted", gate, "Authorization", "Bearer " + c.key, http.StatusOK},
		{"accepted/x-api-key", gate, "X-Api-Key", c.key, http.StatusOK},
		{"accepted/forward_identity", gateFwd, "Authorization", "Bearer " + c.key, http.StatusOK},
		{"accepted/jwt", gate, "Authorization", "Bearer " + c.jwt, http.StatusOK},
		{"accepted/client_secret", addressGate(b), "X-Client-Secret", officeSecret, http.StatusOK},
		{"refused/client_secret", addressGate(b), "", "", http.StatusUnauthorized},
		{"refused/revoked", gate, "Authorization", "Bearer " + c.revoked, http.StatusUnauthorized},
		{"refused/malformed", gate, "Authorization", "Bearer swordfish", http.StatusUnauthorized},
		{"refused/no key", gate, "", "", http.StatusUnauthorized},
		{"refused/errors caddy", gateErr, "", "", http.StatusUnauthorized},
	} {
		b.Run(way.name, func(b *testing.B) {
			h := c.load(b, way.directives, way.header, way.word)
			b.ReportAllocs()
			start := cputime.Used()
			for b.Loop() {
				if status := h.serve(); status != way.status {
					b.Fatal(status)
				}
			}
			cputime.Report(b, start)
		})
	}
}
