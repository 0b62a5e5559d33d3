package caddycce_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/sallyport/sallyport/caddycce"
	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

// proxyAddress is the loopback address of the proxy that the tests' servers
// trust: requests from it come from wherever X-Forwarded-For says, all others
// from this machine.
const proxyAddress = "127.0.0.9"

// office is a listed address, stranger is not.
const office, stranger = "198.51.100.7", "203.0.113.5"

// officeSecret is the client secret of office.
const officeSecret = "an-office-secret-of-the-tests-000"

// endpoint is one over a stand-in daemon.
type endpoint struct {
	*caddyrun.Server
	daemon *cced.Server
	proxy  *http.Client
	// text is the configuration.
	text string
	// files is the folder of the files access and password, the same for all
	// configurations of a test.
	files string
	// reloads counts those that were made to look anew.
	reloads int
}

// startEndpoint runs one, with lines of the cce block besides those that every
// endpoint here has.
func startEndpoint(t testing.TB, options string, daemon ...cced.Option) *endpoint {
	t.Helper()
	e := &endpoint{daemon: cced.Start(t, daemon...)}
	e.text = e.caddyfile(t, options)
	e.Server = caddyrun.Start(t, e.text)
	e.proxy = clientFrom(proxyAddress)
	return e
}

// caddyfile writes the configuration of an endpoint, and its files.
func (e *endpoint) caddyfile(t testing.TB, options string) string {
	t.Helper()
	if e.files == "" {
		e.files = t.TempDir()
		writeFile(t, filepath.Join(e.files, "access"), office+":"+officeSecret+"\n")
		writeFile(t, filepath.Join(e.files, "password"), "secret-1\n")
	}
	return `{
	servers {
		trusted_proxies static ` + proxyAddress + `
		trusted_proxies_strict
	}
}
http://:0 {
	cce /v2/cce {
		socket unix/` + e.daemon.Socket() + `
		api_access ` + office + `
		access_file ` + e.files + `/access
		api_user admin
		api_password_file ` + e.files + `/password
		insecure_plain_http
		` + options + `
	}
}`
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeCertificate writes a certificate for names and addresses, and its key.
func writeCertificate(t testing.TB, dir string, hosts ...string) (certificate, key string) {
	t.Helper()
	certificate, key = filepath.Join(dir, "certificate"), filepath.Join(dir, "key")
	chain, private := caddyrun.Certificate(t, hosts...)
	writeFile(t, certificate, chain)
	writeFile(t, key, private)
	return certificate, key
}

// clientFrom makes a client whose connections come from an address of this
// machine.
func clientFrom(address string) *http.Client {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, target string) (net.Conn, error) {
			return d.DialContext(ctx, network, target)
		},
		MaxIdleConnsPerHost: 64,
	}}
}

// reply is an answer of the endpoint. Object is nil if it is none.
type reply struct {
	*http.Response
	Text   string
	Status int
	Object map[string]any
}

// local posts a body from this machine.
func (e *endpoint) local(t testing.TB, body string, headers ...string) reply {
	t.Helper()
	return post(t, e.Client, e.URL+"/v2/cce", body, headers...)
}

// from posts a body from another address.
func (e *endpoint) from(t testing.TB, address, body string, headers ...string) reply {
	t.Helper()
	return post(t, e.proxy, e.URL+"/v2/cce", body, append(headers, "X-Forwarded-For", address)...)
}

func post(t testing.TB, client *http.Client, url, body string, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return do(t, client, r)
}

func do(t testing.TB, client *http.Client, r *http.Request) reply {
	t.Helper()
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := reply{Response: response, Text: string(text)}
	var object struct {
		Status int            `json:"status"`
		Data   map[string]any `json:"data"`
	}
	if json.Unmarshal(text, &object) == nil {
		a.Status, a.Object = object.Status, object.Data
	}
	return a
}

// session logs a user in from this machine and returns the fields that say so.
func (e *endpoint) session(t testing.TB, user, password string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"cmd": "AUTH", "user": user, "password": password})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := e.local(t, string(body)).Object["sessionid"].(string)
	if id == "" {
		t.Fatalf("user '%s' got no session", user)
	}
	return `"user":"` + user + `","sessionid":"` + id + `"`
}

// token logs in from the office and returns the field that says so.
func (e *endpoint) token(t testing.TB) string {
	t.Helper()
	token, _ := e.from(t, office, `{"cmd":"LOGIN"}`, "X-Client-Secret", officeSecret).Object["token"].(string)
	if token == "" {
		t.Fatal("LOGIN gave no token")
	}
	return `"token":"` + token + `"`
}

// expect holds an answer against an HTTP status and a body without its line end.
func (r reply) expect(t testing.TB, status int, body string) {
	t.Helper()
	if got := strings.TrimSuffix(r.Text, "\n"); r.StatusCode != status || got != body {
		t.Errorf("HTTP %d %s\nwant %d %s", r.StatusCode, got, status, body)
	}
}
