package caddyauth_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// reloads is how often the configuration is loaded anew under load.
const reloads = 200

// reloading is a server on a port that stays the same, with a gate and a bare
// route beside it.
func reloading(port int) string {
	return head + `http://:` + strconv.Itoa(port) + ` {
	route /metrics {
		metrics
	}
	route /bare {
		respond "in"
	}
	route {
		token_auth
		respond "in"
	}
}
`
}

// load is a client that asks again and again.
type load struct {
	path    string
	headers []string
	want    int
	// fresh makes a connection for each request.
	fresh bool

	answers, cut, retries atomic.Int64
}

// run asks until ctx ends.
func (l *load) run(ctx context.Context, t *testing.T, url string) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: l.fresh}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		status, err := l.ask(t.Context(), client, url)
		if err != nil {
			l.cut.Add(1)
		}
		for tries := 0; err != nil && tries < 10; tries++ {
			l.retries.Add(1)
			status, err = l.ask(t.Context(), client, url)
		}
		switch {
		case err != nil:
			t.Errorf("%s: ten tries, and then %v", l.path, err)
		case status != l.want:
			t.Errorf("%s: status %d, want %d", l.path, status, l.want)
		}
		l.answers.Add(1)
		// What is measured is the reloads, not how much the machine can do.
		time.Sleep(time.Millisecond)
	}
}

func (l *load) ask(ctx context.Context, client *http.Client, url string) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+l.path, nil)
	if err != nil {
		return 0, err
	}
	for i := 0; i < len(l.headers); i += 2 {
		r.Header.Add(l.headers[i], l.headers[i+1])
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// TestManyReloadsUnderLoad reloads back to back while clients with every kind of
// credential ask. Caddy itself cuts a few connections when it is reloaded so
// often, so that a bare route is measured in the same run: a cut connection must
// succeed when it is tried again, and the gate must not have more of them.
func TestManyReloadsUnderLoad(t *testing.T) {
	port := freePort(t)
	text := reloading(port)
	var clients []*load
	s := startPrepared(t, text, func(a *admin) {
		a.withPassword()
		key, alice := a.issueNow("ci"), a.logIn(day)
		clients = []*load{
			{path: "/", headers: bearer(key), want: 200},
			{path: "/", headers: bearer(flip(key)), want: 401},
			{path: "/", headers: bearer(alice.app), want: 200},
			{path: "/", headers: cookie(alice.web), want: 200},
			{path: "/", headers: basic("alice:" + passphrase), want: 200},
			{path: "/", headers: bearer(key), want: 200, fresh: true},
			{path: "/", headers: cookie(alice.web), want: 200, fresh: true},
			{path: "/bare", headers: bearer(key), want: 200, fresh: true},
			{path: "/bare", headers: cookie(alice.web), want: 200, fresh: true},
		}
	})
	// What is made once is made before it is counted.
	for _, c := range clients {
		expect(t, s.Get(t, c.path, c.headers...), c.want, "")
	}
	s.Reload(t, text)
	s.Client.CloseIdleConnections()
	goroutines, files := settled(t, runtime.NumGoroutine), settled(t, openFiles(t, ""))
	database := openFiles(t, filepath.Join(s.Dir, "auth.db"))()

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var running sync.WaitGroup
	for _, c := range clients {
		running.Go(func() { c.run(ctx, t, s.URL) })
	}
	began, last := time.Now(), scrape(t, s)
	for i := range reloads {
		s.Reload(t, strings.Replace(text, `"in"`, fmt.Sprintf(`"in %d"`, i), 2))
		awaitAnswers(t, clients)
		if i%20 != 0 {
			continue
		}
		last = notFalling(t, last, retried(t, s))
		if n := openFiles(t, filepath.Join(s.Dir, "auth.db"))(); n > database {
			t.Errorf("reload %d: the database is open %d times, was %d", i, n, database)
		}
	}
	took := time.Since(began)
	stop()
	running.Wait()
	judge(t, clients, took)
	notFalling(t, last, retried(t, s))
	if n := strings.Count(s.Log(t), `"keys loaded"`); n != 1 {
		t.Errorf("the store was loaded %d times", n)
	}
	s.Client.CloseIdleConnections()
	within(t, 10*time.Second, func() bool { return runtime.NumGoroutine() <= goroutines })
	within(t, 10*time.Second, func() bool { return openFiles(t, "")() <= files })
	t.Logf("%d goroutines before, %d after; %d files before, %d after", goroutines, runtime.NumGoroutine(), files, openFiles(t, "")())
}

// awaitAnswers waits until each client has been answered by the configuration
// that was loaded last.
func awaitAnswers(t *testing.T, clients []*load) {
	t.Helper()
	enough := make([]int64, len(clients))
	for i, c := range clients {
		// The next answer may be one that the configuration before had begun.
		enough[i] = c.answers.Load() + 2
	}
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(time.Millisecond) {
		if !slices.ContainsFunc(clients, func(c *load) bool { return c.answers.Load() < enough[slices.Index(clients, c)] }) {
			return
		}
	}
	t.Fatal("a client got no answer for ten seconds")
}

// judge holds what the clients of the gate saw against those of the bare route.
func judge(t *testing.T, clients []*load, took time.Duration) {
	t.Helper()
	var gate, bare, total int64
	for _, c := range clients {
		total += c.answers.Load()
		if c.answers.Load() < reloads {
			t.Errorf("%s with %.20s was answered %d times in %d reloads", c.path, c.headers, c.answers.Load(), reloads)
		}
		switch {
		case c.path == "/bare":
			bare += c.cut.Load()
		case c.fresh:
			gate += c.cut.Load()
		}
		t.Logf("%-5s fresh %-5v want %d: %d answers, %d cut, %d retries", c.path, c.fresh, c.want, c.answers.Load(), c.cut.Load(), c.retries.Load())
	}
	t.Logf("%d reloads in %s, %d answers; of fresh connections the gate had %d cut, the bare route %d", reloads, took.Round(time.Millisecond), total, gate, bare)
	// Both have as many connections; what chance does to two such numbers stays
	// within four standard deviations of their difference.
	if difference := gate - bare; difference > 4 && difference*difference > 16*(gate+bare) {
		t.Errorf("the gate had %d connections cut, the bare route %d", gate, bare)
	}
}

// retried scrapes, once more if the connection was cut.
func retried(t *testing.T, s *caddyrun.Server) series {
	t.Helper()
	ask := load{path: "/metrics"}
	for range 10 {
		if _, err := ask.ask(t.Context(), s.Client, s.URL); err == nil {
			return scrape(t, s)
		}
	}
	t.Fatal("no metrics after ten tries")
	return nil
}

// notFalling demands that no counter has fallen.
func notFalling(t *testing.T, before, after series) series {
	t.Helper()
	for name, value := range before {
		isCounter := strings.Contains(name, "_total") || strings.Contains(name, "_count") || strings.Contains(name, "_sum") || strings.Contains(name, "_bucket")
		if now, there := after[name]; isCounter && (!there || now < value) {
			t.Errorf("%s fell from %v to %v", name, value, now)
		}
	}
	return after
}

// settled is a number when it has stopped falling.
func settled(t *testing.T, count func() int) int {
	t.Helper()
	least := count()
	for same := 0; same < 10; same++ {
		time.Sleep(20 * time.Millisecond)
		if n := count(); n < least {
			least, same = n, 0
		}
	}
	return least
}

// openFiles counts the files that this process has open, of one path or of all;
// where the system does not tell it is none.
func openFiles(t *testing.T, path string) func() int {
	return func() int {
		t.Helper()
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return 0
		}
		n := 0
		for _, entry := range entries {
			if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && (path == "" || target == path) {
				n++
			}
		}
		return n
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestSessionsAndTokensOutliveARestart(t *testing.T) {
	var key string
	var alice, ended tokens
	s := startPrepared(t, oneGate, func(a *admin) {
		a.withPassword()
		key, alice, ended = a.issueNow("ci"), a.logIn(day), a.logIn(day)
	})
	for range 2 {
		for kind, headers := range credentials(key, alice) {
			if r := s.Get(t, "/", headers...); r.StatusCode != 200 {
				t.Errorf("%s: %d %s", kind, r.StatusCode, r.Text)
			}
		}
		// Nothing keeps the store open now.
		s.Reload(t, "{\n}\nhttp://:0\n")
		if n := openFiles(t, filepath.Join(s.Dir, "auth.db"))(); n != 0 {
			t.Fatalf("the database is open %d times", n)
		}
		inStore(t, s.Dir, func(a *admin) {
			if _, err := a.EndSessions(t.Context(), "test", "nobody"); err == nil {
				t.Error("sessions of nobody were ended")
			}
			if err := a.EndSession(t.Context(), "test", "", ended.id); err != nil && !strings.Contains(err.Error(), "not found") {
				t.Error(err)
			}
		})
		s.Reload(t, oneGate)
		expect(t, s.Get(t, "/", cookie(ended.web)...), 401, "invalid_token")
	}
}

func TestNoKindPassesWhenTheStoreIsGone(t *testing.T) {
	var key string
	var alice tokens
	s := startPrepared(t, oneGate, func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
	})
	sent := credentials(key, alice)
	for _, headers := range sent { // the password is remembered from now on
		expect(t, s.Get(t, "/", headers...), 200, "")
	}
	file := filepath.Join(s.Dir, "auth.db")
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	within(t, 3*time.Second, func() bool { return s.Get(t, "/", bearer(key)...).StatusCode == http.StatusServiceUnavailable })
	sent["a wrong password"] = basic("alice:wrong")
	sent["a wrong session"] = cookie(flip(alice.web))
	for _, headers := range sent {
		r := s.Get(t, "/", headers...)
		expect(t, r, 503, "unavailable")
		if r.Header.Get("Retry-After") == "" || r.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("headers %v", r.Header)
		}
	}
	if err := os.Rename(file+".away", file); err != nil {
		t.Fatal(err)
	}
	within(t, 3*time.Second, func() bool { return s.Get(t, "/", bearer(key)...).StatusCode == http.StatusOK })
	for kind, headers := range credentials(key, alice) {
		if r := s.Get(t, "/", headers...); r.StatusCode != 200 {
			t.Errorf("%s: %d %s", kind, r.StatusCode, r.Text)
		}
	}
}
