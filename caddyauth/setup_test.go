package caddyauth_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/sallyport/sallyport/caddyauth"
	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
	"github.com/sallyport/sallyport/internal/wire"
)

// head is the global part of the Caddyfiles here.
const head = `{
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
}
`

// start runs a site with the given directives, and the user alice (role admin,
// group ops) in its store.
func start(t testing.TB, directives string) (*caddyrun.Server, *admin) {
	t.Helper()
	return startFile(t, head+"http://:0 {\n"+directives+"\n}\n")
}

func startFile(t testing.TB, caddyfile string) (*caddyrun.Server, *admin) {
	t.Helper()
	s := caddyrun.Start(t, caddyfile)
	return s, newAdmin(t, filepath.Join(s.Dir, "auth.db"))
}

// admin changes a store as another process would.
type admin struct {
	*identity.Registry
	t testing.TB
}

func newAdmin(t testing.TB, path string) *admin {
	t.Helper()
	a := openAdmin(t, path)
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// openAdmin is newAdmin for whoever closes it.
func openAdmin(t testing.TB, path string) *admin {
	t.Helper()
	l, err := store.NewLocation("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := identity.Open(t.Context(), identity.Config{Location: l, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.AddUser(t.Context(), "test", identity.NewUser{Username: "alice", Roles: []string{"admin"}, Groups: []string{"ops"}})
	if err != nil && !errors.Is(err, store.ErrExists) {
		t.Fatal(err)
	}
	return &admin{r, t}
}

// issue makes a key of alice and waits until the server s knows it.
func (a *admin) issue(s *caddyrun.Server, name string, with ...func(*identity.NewKey)) string {
	a.t.Helper()
	n := identity.NewKey{Username: "alice", Name: name, Scopes: principal.Read}
	for _, f := range with {
		f(&n)
	}
	_, word, err := a.IssueKey(a.t.Context(), "test", n)
	if err != nil {
		a.t.Fatal(err)
	}
	time.Sleep(propagation)
	return word.Reveal()
}

// propagation is how long another process's change may take.
const propagation = 500 * time.Millisecond

func bearer(key string) []string { return []string{"Authorization", "Bearer " + key} }

func basic(text string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(text))}
}

// expect checks status and code of an answer; an empty code stands for one that
// passed the gate.
func expect(t testing.TB, r caddyrun.Response, status int, code string) {
	t.Helper()
	if r.StatusCode != status {
		t.Errorf("status %d, want %d; body %s", r.StatusCode, status, r.Text)
	}
	if code == "" {
		return
	}
	var body wire.Error
	if err := json.Unmarshal([]byte(r.Text), &body); err != nil {
		t.Fatalf("body '%s': %v", r.Text, err)
	}
	if body.Code != code || body.Message == "" || len(body.ID) != 12 {
		t.Errorf("body %+v, want the code %s", body, code)
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %s", got)
	}
	if got := r.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("cache control %s", got)
	}
}

// raw sends the bytes of a request and returns all that comes back.
func raw(t testing.TB, s *caddyrun.Server, request string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(connection, strings.ReplaceAll(request, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(connection)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// upstream is a server that answers with the headers and trailers it got.
func upstream(t testing.TB) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = json.NewEncoder(w).Encode(map[string]http.Header{"header": r.Header, "trailer": r.Trailer})
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

// seen is what the upstream got.
type seen struct{ Header, Trailer http.Header }

func seenBy(t testing.TB, r caddyrun.Response) (s seen) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Text), &s); err != nil {
		t.Fatalf("the upstream's answer '%s': %v", r.Text, err)
	}
	return s
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func editRoles(roles []string) identity.UserEdit { return identity.UserEdit{Roles: &roles} }

// passphrase is alice's password where she has one.
const passphrase = "Fünf: Kamele im Schnee"

// withPassword gives alice the password.
func (a *admin) withPassword() {
	a.t.Helper()
	if _, err := a.SetPassword(a.t.Context(), "test", "alice", passphrase); err != nil {
		a.t.Fatal(err)
	}
}

// tokens are the words of a session of alice, who has logged in by her
// password: one of each kind.
type tokens struct {
	id             string
	app, bare, web string
}

// logIn begins a session of alice. The server needs as long as propagation to
// know it.
func (a *admin) logIn(ends principal.Lifetime) tokens {
	a.t.Helper()
	s, words, err := a.LogInByPassword(a.t.Context(),
		identity.Attempt{Username: "alice", Password: passphrase, Address: netip.MustParseAddr("192.0.2.77")},
		identity.NewSession{Tokens: []identity.NewToken{
			{Kind: credential.AppToken, Lifetime: ends},
			{Kind: credential.BareToken, Lifetime: ends},
			{Kind: credential.SessionToken, Lifetime: ends},
		}})
	if err != nil {
		a.t.Fatal(err)
	}
	return tokens{id: s.ID, app: words[0].Reveal(), bare: words[1].Reveal(), web: words[2].Reveal()}
}

// day is a lifetime that no test outlives.
var day = principal.Lifetime{Absolute: 24 * time.Hour}

func bare(token string) []string   { return []string{"Authorization", token} }
func cookie(token string) []string { return []string{"Cookie", "__Host-sallyport=" + token} }

// inStore makes what a test needs before the server opens the store, so that
// nobody has to wait for it. Nothing keeps it open afterwards.
func inStore(t testing.TB, dir string, prepare func(*admin)) {
	t.Helper()
	a := openAdmin(t, filepath.Join(dir, "auth.db"))
	prepare(a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// startPrepared is startFile with a store that was prepared.
func startPrepared(t testing.TB, caddyfile string, prepare func(*admin)) *caddyrun.Server {
	t.Helper()
	s := caddyrun.Start(t, "{\n}\nhttp://:0\n")
	inStore(t, s.Dir, prepare)
	s.Reload(t, caddyfile)
	return s
}

// site is a Caddyfile with the store in {$DIR} and these directives.
func site(directives string) string { return head + "http://:0 {\n" + directives + "\n}\n" }
