package caddyintelmq_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/bench/cputime"
	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// chain is a site's handlers in this process, called without a network: what they
// cost repeats, which it does not over a socket.
type chain struct {
	server  *caddyhttp.Server
	request *http.Request
	writer  *thrownAway
}

// newChain makes one of requests for a path.
func newChain(tb testing.TB, directives, path string) *chain {
	tb.Helper()
	caddyrun.Start(tb, "{\n\tlog default {\n\t\toutput discard\n\t\tlevel INFO\n\t}\n}\nhttp://:0 {\n"+directives+"\n}")
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
	endpoint := "\tintelmq /intelmq {\n\t\tcommand " + botnet.Command + "\n\t\tallowed_path " + botnet.Path("var/lib/bots") +
		"\n\t\tconfig_dir " + botnet.Path("etc") + "\n\t\tinsecure_no_auth\n\t}"
	for _, way := range []struct {
		name, directives, path string
		status                 int
	}{
		{"respond", "\trespond ok", "/", http.StatusOK},
		{"version", endpoint, "/intelmq/v1/api/version", http.StatusOK},
		{"queues", endpoint, "/intelmq/v1/api/queues", http.StatusOK},
		{"status", endpoint, "/intelmq/v1/api/botnet?action=status&group=botnet", http.StatusOK},
		{"runtime", endpoint, "/intelmq/v1/api/runtime", http.StatusOK},
		{"a bad argument", endpoint, "/intelmq/v1/api/botnet?action=look", http.StatusUnprocessableEntity},
	} {
		b.Run(way.name, func(b *testing.B) {
			c := newChain(b, way.directives, way.path)
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
