// Package integration_test tests what the plugins do together. They do not import
// one another, so no test of theirs can.
package integration_test

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/sallyport/sallyport"
	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/fake/cced"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// bench is a CCE endpoint over a stand-in daemon, for guests with API keys.
type bench struct {
	*caddyrun.Server
	daemon *cced.Server
	// keys are API keys by name: reader and reader2 (scope read), writer and
	// writer2 (read and write) and remote (read, from 203.0.113.0/24 only) of
	// alice, who has the role ops; bob's key of each scope is called bob. changer
	// (write) and extended (extended) are alice's and have no other scope.
	keys map[string]string
}

// start runs an endpoint with these lines in its block, and gates before it.
func start(t *testing.T, gates, options string) *bench {
	t.Helper()
	b := &bench{daemon: cced.Start(t), keys: map[string]string{}}
	b.Server = caddyrun.Start(t, "{\n}\nhttp://:0\n")
	b.issue(t)
	for name, text := range map[string]string{"password": "secret-1\n", "access": "198.51.100.7:an-office-secret-of-the-tests-000\n"} {
		writeFile(t, filepath.Join(b.Dir, name), text)
	}
	b.Reload(t, b.caddyfile(gates, options))
	return b
}

func (b *bench) caddyfile(gates, options string) string {
	return `{
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
	servers {
		trusted_proxies static 127.0.0.1
		trusted_proxies_strict
	}
}
http://:0 {
	` + gates + `
	cce /v2/cce {
		socket unix/` + b.daemon.Socket() + `
		api_access 198.51.100.7
		access_file {$DIR}/access
		api_user admin
		api_password_file {$DIR}/password
		insecure_plain_http
		` + options + `
	}
}`
}

// issue makes the keys before the server opens the store.
func (b *bench) issue(t *testing.T) {
	t.Helper()
	location, err := store.NewLocation("sqlite", filepath.Join(b.Dir, "auth.db"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := identity.Open(t.Context(), identity.Config{Location: location, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []identity.NewUser{{Username: "alice", Roles: []string{"ops"}}, {Username: "bob"}} {
		if _, err := r.AddUser(t.Context(), "test", u); err != nil {
			t.Fatal(err)
		}
	}
	both := principal.Read | principal.Write
	for _, n := range []identity.NewKey{
		{Username: "alice", Name: "reader", Scopes: principal.Read},
		{Username: "alice", Name: "reader2", Scopes: principal.Read},
		{Username: "alice", Name: "writer", Scopes: both},
		{Username: "alice", Name: "writer2", Scopes: both},
		{Username: "alice", Name: "remote", Scopes: principal.Read, Limits: store.Limits{Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}},
		{Username: "alice", Name: "changer", Scopes: principal.Write},
		{Username: "alice", Name: "extended", Scopes: principal.Extended},
		{Username: "bob", Name: "bob", Scopes: both},
		{Username: "bob", Name: "none"},
	} {
		_, word, err := r.IssueKey(t.Context(), "test", n)
		if err != nil {
			t.Fatal(err)
		}
		b.keys[n.Name] = word.Reveal()
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// as asks with a key, from an address that is not listed. The fields are those of
// the body.
func (b *bench) as(t *testing.T, key, fields string) caddyrun.Response {
	t.Helper()
	return b.ask(t, fields, "203.0.113.5", "Authorization", "Bearer "+b.keys[key])
}

// ask asks from an address.
func (b *bench) ask(t *testing.T, fields, address string, headers ...string) caddyrun.Response {
	t.Helper()
	return b.Do(t, "POST", "/v2/cce", []byte("{"+fields+"}"), append(headers, "X-Forwarded-For", address)...)
}

// since are the lines that came to cced while something was done.
func (b *bench) since(do func()) []string {
	before := len(b.daemon.Lines())
	do()
	return b.daemon.Lines()[before:]
}

// expect holds an answer against an HTTP status and a body without its line end.
func expect(t *testing.T, r caddyrun.Response, status int, body string) {
	t.Helper()
	if got := strings.TrimSuffix(r.Text, "\n"); r.StatusCode != status || got != body {
		t.Errorf("HTTP %d %s\nwant %d %s", r.StatusCode, got, status, body)
	}
}

// data is the data of an answer.
func data(t *testing.T, r caddyrun.Response) map[string]any {
	t.Helper()
	var body struct{ Data map[string]any }
	if err := json.Unmarshal([]byte(r.Text), &body); err != nil || r.StatusCode != 200 {
		t.Fatalf("HTTP %d %s: %v", r.StatusCode, r.Text, err)
	}
	return body.Data
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// endSession ends a session as another client of cced would.
func endSession(t *testing.T, socket, id string) {
	t.Helper()
	directly(t, socket, cscp.AuthKey{User: "admin", SessionID: cscp.Secret(id)}, cscp.EndKey{})
}

// directly carries commands out as another client of cced would, which all have to
// succeed.
func directly(t *testing.T, socket string, commands ...cscp.Command) {
	t.Helper()
	dial := func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "unix", socket) }
	c, err := cscp.Open(t.Context(), dial, cscp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, command := range commands {
		if reply, err := c.Do(t.Context(), command); err != nil || !reply.OK() {
			t.Fatalf("%s: %v", command.Word(), err)
		}
	}
}
