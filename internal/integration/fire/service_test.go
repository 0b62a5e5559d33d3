package fire_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// serviceFile is a site with endpoints and a gate. The version tells one reload
// from the next.
const serviceFile = `{
	admin unix/{$DIR}/admin.sock
	persist_config off
	grace_period 1s
	caddyauth {
		store sqlite {$DIR}/auth.db
		login_failures 100 60s
	}
	log {
		output file {$DIR}/log.json {
			roll_disabled
		}
	}
}
http:// {
	bind unix/{$DIR}/http.sock
	auth_api /api {
		insecure_plain_http
	}
	handle {
		token_auth
		respond "in {$VERSION}"
	}
}
`

// service is Caddy in a process of its own, and clients of it.
type service struct {
	t *testing.T
	// dir is where it keeps its things; it stays when the process is cut off.
	dir     string
	process *caddyrun.Process
	// site asks the site, api Caddy's admin API.
	site, api *http.Client
}

// newService starts a server with a new store, and waits until it is ready.
func newService(t *testing.T) *service {
	t.Helper()
	s := &service{t: t, dir: t.TempDir()}
	s.site, s.api = s.client("http.sock"), s.client("admin.sock")
	s.start()
	return s
}

func (s *service) client(socket string) *http.Client {
	path := filepath.Join(s.dir, socket)
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Timeout: 20 * time.Second, Transport: transport}
}

// start starts the server anew, and gives the time until it was ready.
func (s *service) start() time.Duration {
	s.t.Helper()
	began := time.Now()
	s.process = caddyrun.StartProcess(s.t, s.dir, strings.ReplaceAll(serviceFile, "{$VERSION}", "0"))
	for {
		if a, err := s.do(s.api, http.MethodGet, "/caddyauth/health/ready", ""); err == nil && a.status == http.StatusOK {
			if a, err := s.do(s.site, http.MethodGet, "/", ""); err == nil && a.status == http.StatusUnauthorized {
				return time.Since(began)
			}
		}
		if time.Since(began) > 20*time.Second {
			s.process.Cut()
			s.t.Fatalf("the server is not ready after 20 s: %s", s.process.Output())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// cut ends the server as kill -9 does.
func (s *service) cut() {
	s.process.Cut()
	for _, c := range []*http.Client{s.site, s.api} {
		c.CloseIdleConnections()
	}
}

// reply is an answer whose body has been read.
type reply struct {
	status int
	text   string
}

// do makes a request with a JSON body, with header names and values in turn.
func (s *service) do(c *http.Client, method, path, body string, headers ...string) (a reply, err error) {
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://127.0.0.1"+path, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	// On a connection that the server is about to close a POST may be lost, and is
	// not sent again.
	r.Close = method == http.MethodPost
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.Do(r)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, string(text)}, err
}

// unexpected is the error of an answer with another status than was expected.
type unexpected struct {
	what string
	want int
	got  reply
}

func (e *unexpected) Error() string {
	return fmt.Sprintf("%s: %d %s, want %d", e.what, e.got.status, e.got.text, e.want)
}

// present asks for a page behind the gate.
func (s *service) present(what, word string, want int) error {
	a, err := s.do(s.site, http.MethodGet, "/", "", "Authorization", "Bearer "+word)
	if err == nil && a.status != want {
		err = &unexpected{what, want, a}
	}
	return err
}

// perform performs an operation by the admin API, and reads its result into out.
func (s *service) perform(operation, input string, out any) error {
	a, err := s.do(s.api, http.MethodPost, "/caddyauth/"+operation, `{"actor":"test","input":`+input+`}`)
	if err == nil && a.status != http.StatusOK {
		err = &unexpected{operation, http.StatusOK, a}
	}
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal([]byte(a.text), out)
}

// issue makes a key of alice.
func (s *service) issue(name string) (key string, err error) {
	var issued struct{ Key string }
	err = s.perform("key/issue", `{"user":"alice","name":"`+name+`"}`, &issued)
	return issued.Key, err
}

func (s *service) revoke(name string) error {
	return s.perform("key/revoke", `{"key":"alice/`+name+`"}`, nil)
}

// logIn begins a session of alice with these fields, and gives the app token.
func (s *service) logIn(fields string) (token string, err error) {
	a, err := s.do(s.site, http.MethodPost, "/api/v1/auth/login", `{"user":"alice",`+fields+`}`)
	if err == nil && a.status != http.StatusOK {
		err = &unexpected{"log-in", http.StatusOK, a}
	}
	if err != nil {
		return "", err
	}
	var body struct {
		Response struct {
			Token string `json:"app_token"`
		} `json:"api_response"`
	}
	err = json.Unmarshal([]byte(a.text), &body)
	return body.Response.Token, err
}

func (s *service) logOut(token string) error {
	a, err := s.do(s.site, http.MethodPost, "/api/v1/auth/logout", "", "Authorization", "Bearer "+token)
	if err == nil && a.status != http.StatusOK {
		err = &unexpected{"log-out", http.StatusOK, a}
	}
	return err
}

// addAlice makes the user of all these.
func (s *service) addAlice() {
	s.t.Helper()
	input, err := json.Marshal(map[string]string{"username": "alice", "password": passwordOf("alice")})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.perform("user/add", string(input), nil); err != nil {
		s.t.Fatal(err)
	}
}

// held is a credential that a server has given, and what became of it.
type held struct {
	what, word string
	// number counts them.
	number int
	// ending is set before its end is asked for, ended when that is acknowledged.
	ending, ended bool
}

// holdings are all credentials that a server has ever given.
type holdings struct {
	mu  sync.Mutex
	all []*held
}

func (hs *holdings) add(what, word string) *held {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := &held{what: what, word: word, number: len(hs.all)}
	hs.all = append(hs.all, h)
	return h
}

// end notes that a credential is being ended by do.
func (hs *holdings) end(h *held, do func() error) error {
	hs.mu.Lock()
	h.ending = true
	hs.mu.Unlock()
	err := do()
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h.ended = err == nil
	return err
}

// verify presents all of them. One whose end was asked for and not acknowledged
// may be either; how many these are is returned.
func (hs *holdings) verify(s *service) (either int) {
	s.t.Helper()
	for _, h := range hs.all {
		want := http.StatusOK
		switch {
		case h.ended:
			want = http.StatusUnauthorized
		case h.ending:
			either++
			if s.present(h.what, h.word, http.StatusOK) == nil {
				continue
			}
			want = http.StatusUnauthorized
		}
		if err := s.present(h.what, h.word, want); err != nil {
			s.t.Error(err)
		}
	}
	return either
}
