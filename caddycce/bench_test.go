package caddycce_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/bench/cputime"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

// chain is the endpoint in this process, called without a network: what it costs
// repeats, which it does not over a socket.
type chain struct {
	server  *caddyhttp.Server
	request *http.Request
	text    string
	body    *strings.Reader
	writer  *thrownAway
}

// newChain makes one of requests that a program on this machine sends, with the
// fields and those of its session.
func newChain(tb testing.TB, fields string) *chain {
	tb.Helper()
	e := startEndpoint(tb, "", func(c *cced.Config) { c.Record = false })
	app, err := caddy.ActiveContext().App("http")
	if err != nil {
		tb.Fatal(err)
	}
	c := &chain{
		text: "{" + fields + "," + e.session(tb, "admin", "secret-1") + "}",
		body: strings.NewReader(""), writer: &thrownAway{header: http.Header{}},
	}
	c.request = httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/v2/cce", c.body)
	c.request.RemoteAddr = "127.0.0.1:1234"
	c.request.Header.Set("Content-Type", "application/json")
	for _, server := range app.(*caddyhttp.App).Servers {
		c.server = server
	}
	return c
}

// serve makes one request and returns its status.
func (c *chain) serve() int {
	c.body.Reset(c.text)
	// Caddy wraps what is there.
	c.request.Body = io.NopCloser(c.body)
	clear(c.writer.header)
	c.server.ServeHTTP(c.writer, c.request)
	return c.writer.status
}

// thrownAway is an answer nobody reads. The deadlines are what the connections of
// net/http have as well.
type thrownAway struct {
	header http.Header
	status int
}

func (w *thrownAway) Header() http.Header              { return w.header }
func (w *thrownAway) WriteHeader(status int)           { w.status = status }
func (w *thrownAway) Write(p []byte) (int, error)      { return len(p), nil }
func (w *thrownAway) SetReadDeadline(time.Time) error  { return nil }
func (w *thrownAway) SetWriteDeadline(time.Time) error { return nil }
func (w *thrownAway) EnableFullDuplex() error          { return nil }
func (w *thrownAway) Flush()                           {}

// BenchmarkEndpoint is requests of a program on this machine. The stand-in's time
// is within it.
func BenchmarkEndpoint(b *testing.B) {
	for _, way := range []struct {
		name, fields string
		status       int
	}{
		{"PING", `"cmd":"PING"`, http.StatusAccepted},
		{"GET", `"cmd":"GET","oid":"3"`, http.StatusOK},
		{"FINDX", `"cmd":"FINDX","class":"User"`, http.StatusOK},
		{"GETALL", `"cmd":"GETALL","class":"User"`, http.StatusOK},
	} {
		b.Run(way.name, func(b *testing.B) {
			c := newChain(b, way.fields)
			b.ReportAllocs()
			start := cputime.Used()
			for b.Loop() {
				if status := c.serve(); status != way.status {
					b.Fatal(status)
				}
			}
			cputime.Report(b, start)
		})
	}
}
