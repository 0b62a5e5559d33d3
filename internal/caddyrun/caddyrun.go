// Package caddyrun runs a Caddyfile as a real server inside a test.
//
//	server := caddyrun.Start(t, `{
//		caddyauth {
//			store sqlite {$DIR}/auth.db
//		}
//	}
//	http://:0 {
//		token_auth
//		respond "welcome"
//	}`)
//	server.Get(t, "/", "Authorization", "Bearer "+key)
//
// The server listens on a free port of the loopback, keeps nothing outside the
// test's directory, and has no admin API. When it ends, or gets another
// configuration, requests have a second to end, or the grace_period of the
// Caddyfile. Caddy has one configuration in a process, so tests that use this
// package must not be parallel.
package caddyrun

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // every directive that a Caddyfile may use
)

// Server is a running Caddy.
type Server struct {
	// Dir is the test's directory, {$DIR} in the Caddyfile.
	Dir string
	// URL is http://127.0.0.1:port of the first listener.
	URL string
	// Client does not follow redirects and gives up after 20 seconds.
	Client *http.Client
}

// Start runs a Caddyfile until the test ends. {$DIR} in it stands for a
// directory of the test's own. Its site addresses should be `http://:0`.
func Start(tb testing.TB, text string) *Server {
	tb.Helper()
	s := &Server{
		Dir: tb.TempDir(),
		Client: &http.Client{
			Timeout:       20 * time.Second,
			Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	tb.Cleanup(func() {
		s.Client.CloseIdleConnections()
		if err := caddy.Stop(); err != nil {
			tb.Errorf("stopping: %v", err)
		}
	})
	s.Reload(tb, text)
	return s
}

// Reload replaces the configuration, as `caddy reload` does. The port changes.
func (s *Server) Reload(tb testing.TB, text string) {
	tb.Helper()
	if err := s.Load(tb, text); err != nil {
		tb.Fatalf("loading the configuration: %v", err)
	}
	s.URL = "http://" + ListenAddress(tb)
}

// Load loads a configuration and returns Caddy's error.
func (s *Server) Load(tb testing.TB, text string) error {
	tb.Helper()
	config, err := Adapt(strings.ReplaceAll(text, "{$DIR}", s.Dir))
	if err != nil {
		return err
	}
	return caddy.Load(s.contain(tb, config), true)
}

// Adapt turns a Caddyfile into JSON.
func Adapt(text string) ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Testfile"})
	return config, err
}

// contain adds what keeps a server inside the test: loopback only, no admin API
// unless one is configured, storage and log in the test's directory.
func (s *Server) contain(tb testing.TB, config []byte) []byte {
	tb.Helper()
	var c map[string]any
	if err := json.Unmarshal(config, &c); err != nil {
		tb.Fatal(err)
	}
	if c["admin"] == nil {
		c["admin"] = map[string]any{"disabled": true}
	}
	object(c, "admin")["config"] = map[string]any{"persist": false}
	c["storage"] = map[string]any{"module": "file_system", "root": filepath.Join(s.Dir, "caddy")}
	defaultLog := object(object(object(c, "logging"), "logs"), "default")
	if defaultLog["writer"] == nil {
		defaultLog["writer"] = map[string]any{"output": "file", "filename": s.LogFile()}
		defaultLog["level"] = "DEBUG"
	}
	if apps, ok := c["apps"].(map[string]any); ok {
		if app, ok := apps["http"].(map[string]any); ok {
			if app["grace_period"] == nil {
				app["grace_period"] = "1s"
			}
			bindLoopback(app)
		}
	}
	contained, err := json.Marshal(c)
	if err != nil {
		tb.Fatal(err)
	}
	return contained
}

// object returns the object under a name, which it adds if there is none.
func object(in map[string]any, name string) map[string]any {
	o, ok := in[name].(map[string]any)
	if !ok {
		o = map[string]any{}
		in[name] = o
	}
	return o
}

func bindLoopback(app map[string]any) {
	servers, _ := app["servers"].(map[string]any)
	for _, value := range servers {
		server, _ := value.(map[string]any)
		listen, _ := server["listen"].([]any)
		for i, address := range listen {
			if text, ok := address.(string); ok && strings.HasPrefix(text, ":") {
				listen[i] = "127.0.0.1" + text
			}
		}
	}
}

// ListenAddress finds the address of the running server's first listener.
func ListenAddress(tb testing.TB) string {
	tb.Helper()
	app, err := caddy.ActiveContext().App("http")
	if err != nil {
		tb.Fatal(err)
	}
	for _, server := range app.(*caddyhttp.App).Servers {
		for _, listener := range server.Listeners() {
			return listener.Addr().String()
		}
	}
	tb.Fatal("the configuration has no listener")
	return ""
}

// LogFile is the file that gets the whole log, unless the Caddyfile configures
// the default logger.
func (s *Server) LogFile() string { return filepath.Join(s.Dir, "log.json") }

// Log returns what has been logged so far.
func (s *Server) Log(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile(s.LogFile())
	if err != nil && !os.IsNotExist(err) {
		tb.Fatal(err)
	}
	return string(text)
}

// Response is an answer whose body has been read.
type Response struct {
	*http.Response
	Text string
}

// Get asks for a path, with header names and values in turn.
func (s *Server) Get(tb testing.TB, path string, headers ...string) Response {
	tb.Helper()
	return s.Do(tb, http.MethodGet, path, nil, headers...)
}

// Do makes a request, with header names and values in turn.
func (s *Server) Do(tb testing.TB, method, path string, body []byte, headers ...string) Response {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header[http.CanonicalHeaderKey(headers[i])] = append(r.Header[http.CanonicalHeaderKey(headers[i])], headers[i+1])
	}
	response, err := s.Client.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return Response{response, string(text)}
}
