package cce_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

// safeSchema has a class with what only administrators may read, in the main
// namespace and in another one.
const safeSchema = `<SCHEMA NAME="Safes" VENDOR="lab" VERSION="1.0">
<class name="Safe" namespace="" version="1.0" createacl="ruleAdmin" destroyacl="ruleAdmin">
  <property name="name"  type="account" readacl="ruleAll" writeacl="ruleAdmin"/>
  <property name="place" type="scalar" optional="1" readacl="ruleAll" writeacl="ruleAdmin"/>
  <property name="code"  type="scalar" optional="1" readacl="ruleAdmin" writeacl="ruleAdmin"/>
</class>
<class name="Safe" namespace="Inner" version="1.0">
  <property name="code" type="scalar" optional="1" readacl="ruleAdmin" writeacl="ruleAdmin"/>
  <property name="tray" type="scalar" optional="1" readacl="ruleAll" writeacl="ruleAdmin"/>
</class>
</SCHEMA>`

// withSafes adds three safes, 9 to 11. By their codes they stand in another
// order than by their numbers.
func withSafes(c *cced.Config) {
	c.Schemas = []string{cced.BaseSchema, cced.LabSchema, safeSchema}
	c.Setup = append(append([]string(nil), cced.DefaultSetup...),
		`CREATE Safe name = "a" place = "hall" code = "300"`,
		`CREATE Safe name = "b" place = "attic" code = "100"`,
		`CREATE Safe name = "c" place = "cellar" code = "200"`,
		`SET 9 . Inner code = "30" tray = "3"`,
		`SET 10 . Inner code = "10" tray = "1"`,
		`SET 11 . Inner code = "20" tray = "2"`,
	)
}

// bench is a runner over a stand-in daemon.
type bench struct {
	t      testing.TB
	daemon *cced.Server
	runner *cce.Runner

	mu sync.Mutex
	// now is the time of the queues.
	now time.Time
	// before is called before a line is sent to the daemon.
	before func(line string)
}

func startRunner(t testing.TB, options ...cced.Option) *bench {
	t.Helper()
	b := &bench{t: t, daemon: cced.Start(t, options...), now: time.Unix(1_000_000, 0)}
	pool := cscp.NewPool(cscp.PoolConfig{Dial: b.dial, Limits: cscp.Limits{MaxWait: 10 * time.Second}})
	t.Cleanup(pool.Close)
	b.runner = &cce.Runner{Pool: pool, Queues: cce.NewQueues(b.time)}
	return b
}

func (b *bench) time() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// onSend sets what happens before a line is sent that begins with a word. It
// happens once.
func (b *bench) onSend(word string, do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before = func(line string) {
		if strings.HasPrefix(line, word) {
			b.mu.Lock()
			b.before = nil
			b.mu.Unlock()
			do()
		}
	}
}

func (b *bench) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	stream, err := d.DialContext(ctx, "unix", b.daemon.Socket())
	if err != nil {
		return nil, err
	}
	return &watched{stream, b}, nil
}

// watched is a stream of a bench.
type watched struct {
	net.Conn
	bench *bench
}

// Write implements net.Conn.
func (w *watched) Write(line []byte) (int, error) {
	w.bench.mu.Lock()
	before := w.bench.before
	w.bench.mu.Unlock()
	if before != nil {
		before(string(line))
	}
	return w.Conn.Write(line)
}

// asker is a caller of a bench.
type asker struct {
	*cce.Caller
	bench *bench
}

func (b *bench) logIn(user string) *asker {
	b.t.Helper()
	session, err := b.runner.Pool.LogIn(b.t.Context(), user, cscp.Secret(cced.DefaultPasswords[user]))
	if err != nil {
		b.t.Fatal(err)
	}
	return &asker{&cce.Caller{Session: session}, b}
}

// run asks for what a body says.
func (a *asker) run(body string) (*cceapi.Answer, error) {
	a.bench.t.Helper()
	request, err := cceapi.Parse([]byte(body))
	if err != nil {
		a.bench.t.Fatalf("%s: %v", body, err)
	}
	return a.bench.runner.Run(a.bench.t.Context(), a.Caller, request)
}

// expect holds the answer to a body against an HTTP status and a text without
// its line end.
func (a *asker) expect(body string, status int, want string) {
	a.bench.t.Helper()
	answer, err := a.run(body)
	if err != nil {
		a.bench.t.Errorf("%s: %v", body, err)
		return
	}
	if got := strings.TrimSuffix(string(answer.Body), "\n"); got != want || answer.HTTPStatus != status {
		a.bench.t.Errorf("%s:\nHTTP %d %s\nwant %d %s", body, answer.HTTPStatus, got, status, want)
	}
}

// fails expects that there is no answer, for a cause.
func (a *asker) fails(body string, want cce.Cause) {
	a.bench.t.Helper()
	a.failsWithin(time.Minute, body, want)
}

// sent are the lines that the daemon has received since from, without those that
// authenticate.
func (b *bench) sent(from int) (lines []string) {
	for _, line := range b.daemon.Lines()[from:] {
		if !strings.HasPrefix(line, "AUTH") {
			lines = append(lines, line)
		}
	}
	return lines
}

// failsWithin is fails for a request that has so much time.
func (a *asker) failsWithin(limit time.Duration, body string, want cce.Cause) {
	a.bench.t.Helper()
	request, err := cceapi.Parse([]byte(body))
	if err != nil {
		a.bench.t.Fatalf("%s: %v", body, err)
	}
	ctx, cancel := context.WithTimeout(a.bench.t.Context(), limit)
	defer cancel()
	answer, err := a.bench.runner.Run(ctx, a.Caller, request)
	if err == nil {
		a.bench.t.Errorf("%s: answered %s", body, answer.Body)
	} else if got := cce.Explain(err); got != want {
		a.bench.t.Errorf("%s: %s (%v), want %s", body, got, err, want)
	}
}
