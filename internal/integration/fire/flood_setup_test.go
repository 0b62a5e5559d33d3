package fire_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/flood"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// user is the one of the store.
const user = "alice"

// proxy is an address of this machine that the server trusts as a proxy, so that
// whoever calls from there has the client's address that he likes.
const proxy = "127.0.0.2"

// fortress is a Caddy in a process of its own, at its default log level. Its site
// has a gate at /gate, client secrets at /secret, and the endpoints at /api, /cce
// and /intelmq.
type fortress struct {
	dir string
	// address is that of the site, tls that of another one which has a certificate.
	address, tls string
	process      *os.Process
	// admin asks the admin API.
	admin *http.Client
	// key is one of alice's.
	key string
}

const caddyfile = `{
	admin unix/{$DIR}/admin.sock
	persist_config off
	auto_https disable_redirects
	log {
		output file {$DIR}/log.json
	}
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
	servers {
		trusted_proxies static ` + proxy + `
		trusted_proxies_strict
		{$OPTION}
	}
}
https://:{$TLS_PORT} {
	bind 127.0.0.1
	tls {$DIR}/certificate {$DIR}/certificate.key
	auth_api /api
}
http://:{$PORT} {
	bind 127.0.0.1
	auth_api /api {
		insecure_plain_http
	}
	cce /cce {
		socket unix/{$DIR}/cced
	}
	intelmq /intelmq {
		command /bin/false
		insecure_plain_http
	}
	handle /gate {
		token_auth
		respond "in"
	}
	handle /secret {
		client_secret {
			allow 0.0.0.0/0
			secrets_file {$DIR}/secrets
		}
		respond "in"
	}
}
`

// startFortress runs it until the test ends.
func startFortress(t *testing.T) *fortress {
	t.Helper()
	return startFortressWith(t, "")
}

// startFortressWith runs it with one option more for Caddy's servers.
func startFortressWith(t *testing.T, option string) *fortress {
	t.Helper()
	f := &fortress{dir: t.TempDir(), address: freeAddress(t), tls: freeAddress(t)}
	f.key = prepareStore(t, filepath.Join(f.dir, "auth.db"))
	_, port, _ := net.SplitHostPort(f.address)
	_, tlsPort, _ := net.SplitHostPort(f.tls)
	certificate, key := caddyrun.Certificate(t, "127.0.0.1")
	for name, text := range map[string]string{
		"Caddyfile":   strings.NewReplacer("{$DIR}", f.dir, "{$PORT}", port, "{$TLS_PORT}", tlsPort, "{$OPTION}", option).Replace(caddyfile),
		"certificate": certificate, "certificate.key": key,
	} {
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.process = startProcess(t, f.dir, filepath.Join(f.dir, "Caddyfile"))
	f.admin = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(f.dir, "admin.sock"))
	}}}
	t.Cleanup(f.admin.CloseIdleConnections)
	within(t, 30*time.Second, "the server answers", func() bool {
		r, err := f.client().get(t.Context(), "/gate")
		return err == nil && r == http.StatusOK
	})
	return f
}

// freeAddress is one of the loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// prepareStore makes a store with alice, her password and a key.
func prepareStore(t *testing.T, path string) (key string) {
	t.Helper()
	location, err := store.NewLocation("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := identity.Open(t.Context(), identity.Config{Location: location, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.AddUser(t.Context(), "test", identity.NewUser{Username: user}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SetPassword(t.Context(), "test", user, rightPassword); err != nil {
		t.Fatal(err)
	}
	_, word, err := r.IssueKey(t.Context(), "test", identity.NewKey{Username: user, Name: "ci", Scopes: principal.AllScopes})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return word.Reveal()
}

// startProcess runs Caddy in a process of its own until the test ends.
func startProcess(t *testing.T, dir, config string) *os.Process {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(t.Context(), program)
	// testscript.Main looks at the name under which it is called.
	server.Args = []string{"caddy", "run", "--config", config}
	server.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) }
	server.WaitDelay = 10 * time.Second
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	// The test's context ends, and with it the process, before this is called.
	t.Cleanup(func() { _ = server.Wait() })
	return server.Process
}

// flood makes so many requests through the proxy.
func (f *fortress) flood(ctx context.Context, t *testing.T, how flood.Flood, most int, request func(n int) string) flood.Answers {
	t.Helper()
	how.Dial, how.Request = flood.From(proxy, f.address), request
	seen, err := how.Run(ctx, most)
	if err != nil {
		t.Error(err)
	}
	return seen
}

// expectOnly holds that there are so many answers, and none but these.
func expectOnly(t *testing.T, seen flood.Answers, n int, statuses ...int) {
	t.Helper()
	for _, status := range statuses {
		n -= seen.Statuses[status]
	}
	if n != 0 {
		t.Errorf("%d answers are missing or others: %v", n, seen)
	}
}
