package caddyintelmq_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/bench/cputime"
	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// chain is a site's handlers in this process, called without a network: what they
// cost repeats, which it does not over a socket.
type chain struct {
	server  *caddyhttp.Server
	request *http.Request
	writer  *thrownAway
	// credential is put into the request each time, since a gate removes it.
	credential []string
}

// newStore makes a store of callers, and a key of one of them.
func newStore(tb testing.TB) (path, key string) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "auth.db")
	location, err := store.NewLocation("sqlite", path)
	if err != nil {
		tb.Fatal(err)
	}
	registry, err := identity.Open(tb.Context(), identity.Config{Location: location, Create: true})
	if err != nil {
		tb.Fatal(err)
	}
	defer registry.Close()
	if _, err := registry.AddUser(tb.Context(), "test", identity.NewUser{Username: "alice"}); err != nil {
		tb.Fatal(err)
	}
	_, secret, err := registry.IssueKey(tb.Context(), "test", identity.NewKey{Username: "alice", Name: "ci", Scopes: principal.AllScopes})
	if err != nil {
		tb.Fatal(err)
	}
	return path, secret.Reveal()
}

// newChain makes one of requests for a path.
func newChain(tb testing.TB, callers, directives, path string) *chain {
	tb.Helper()
	caddyrun.Start(tb, "{\n\tcaddyauth {\n\t\tstore sqlite "+callers+
		"\n\t}\n\tlog default {\n\t\toutput discard\n\t\tlevel INFO\n\t}\n}\nhttp://:0 {\n"+directives+"\n}")
	app, err := caddy.ActiveContext().App("http")
	if err != nil {
		tb.Fatal(err)
	}
	c := &chain{
		request: httptest.NewRequestWithContext(tb.Context(), http.MethodGet, path, http.NoBody),
		writer:  &thrownAway{header: http.Header{}},
	}
	c.request.RemoteAddr = "127.0.0.1:1234"
	for _, server := range app.(*caddyhttp.App).Servers {
		c.server = server
	}
	return c
}

// serve makes one request and returns its status.
func (c *chain) serve() int {
	if c.credential != nil {
		c.request.Header["Authorization"] = c.credential
	}
	clear(c.writer.header)
	c.writer.status = http.StatusOK
	c.server.ServeHTTP(c.writer, c.request)
	return c.writer.status
}

// thrownAway is an answer nobody reads. WriteString and the deadlines are what the
// connections of net/http have as well.
type thrownAway struct {
	header http.Header
	status int
}

func (w *thrownAway) Header() http.Header               { return w.header }
func (w *thrownAway) WriteHeader(status int)            { w.status = status }
func (w *thrownAway) Write(p []byte) (int, error)       { return len(p), nil }
func (w *thrownAway) WriteString(s string) (int, error) { return len(s), nil }
func (w *thrownAway) SetReadDeadline(time.Time) error   { return nil }
func (w *thrownAway) SetWriteDeadline(time.Time) error  { return nil }
func (w *thrownAway) EnableFullDuplex() error           { return nil }
func (w *thrownAway) Flush()                            {}

// BenchmarkEndpoint is requests for which nobody waits for a process. Beside them
// stands Caddy's own answer, whose cost is within them.
func BenchmarkEndpoint(b *testing.B) {
	botnet := intelmqctl.Start(b)
	callers, key := newStore(b)
	open := "\tintelmq /intelmq {\n\t\tcommand " + botnet.Command + "\n\t\tallowed_path " + botnet.Path("var/lib/bots") +
		"\n\t\tconfig_dir " + botnet.Path("etc") + "\n\t\tinsecure_no_auth\n\t}"
	endpoint := strings.Replace(open, "insecure_no_auth", "", 1)
	for _, way := range []struct {
		name, directives, path, key string
		status                      int
	}{
		{"respond", "\trespond ok", "/", "", http.StatusOK},
		{"respond behind token_auth", "\ttoken_auth\n\trespond ok", "/", key, http.StatusOK},
		{"queues with a key", endpoint, "/intelmq/v1/api/queues", key, http.StatusOK},
		{"version", open, "/intelmq/v1/api/version", "", http.StatusOK},
		{"queues", open, "/intelmq/v1/api/queues", "", http.StatusOK},
		{"status", open, "/intelmq/v1/api/botnet?action=status&group=botnet", "", http.StatusOK},
		{"runtime", open, "/intelmq/v1/api/runtime", "", http.StatusOK},
		{"a bad argument", open, "/intelmq/v1/api/botnet?action=look", "", http.StatusUnprocessableEntity},
	} {
		b.Run(way.name, func(b *testing.B) {
			c := newChain(b, callers, way.directives, way.path)
			if way.key != "" {
				c.credential = []string{"Bearer " + way.key}
			}
			if status := c.serve(); status != way.status {
				b.Fatalf("status is %d, want %d", status, way.status)
			}
			b.ReportAllocs()
			start := cputime.Used()
			for b.Loop() {
				if status := c.serve(); status != way.status {
					b.Fatalf("status is %d, want %d", status, way.status)
				}
			}
			cputime.Report(b, start)
		})
	}
}
