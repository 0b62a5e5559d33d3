package caddycce_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/caddycce"
	"github.com/sallyport/sallyport/internal/fake/cced"
)

const (
	queued       = `{"status":100,"message":"QUEUED"}`
	begun        = `{"status":201,"message":"BEGIN OK"}`
	whoIsAdmin   = `{"status":201,"message":"GOODBYE","data":{"oid":"2"}}`
	unreachable  = "cced cannot be reached"
	tooLate      = "cced has not answered in time"
	cannotBeRead = "cced's reply cannot be read"
)

// underFire is an endpoint, which at the end of the test must have nothing in use
// that it had not at the start.
func underFire(t testing.TB, options string, daemon ...cced.Option) *endpoint {
	t.Helper()
	e := startEndpoint(t, options, daemon...)
	e.local(t, `{"cmd":"PING"}`)
	e.from(t, office, `{"cmd":"PING"}`)
	base := -1
	eventually(t, func() string {
		before := base
		base = e.atRest()
		return different(fmt.Sprint(base), fmt.Sprint(before))
	})
	t.Cleanup(func() { e.expectAtRest(t, base) })
	return e
}

// atRest counts the goroutines without those of connections.
func (e *endpoint) atRest() int {
	e.Client.CloseIdleConnections()
	e.proxy.CloseIdleConnections()
	return runtime.NumGoroutine() - e.daemon.Connections().Open
}

func (e *endpoint) expectAtRest(t testing.TB, base int) {
	t.Helper()
	eventually(t, func() string {
		goroutines, daemon := e.atRest(), e.daemon.Connections().Open
		open, idle := caddycce.PoolUse()
		if goroutines <= base && open == idle && daemon <= open {
			return ""
		}
		return fmt.Sprintf("%d goroutines of %d are left, and %d connections, of which cced sees %d, and nobody uses %d",
			goroutines, base, open, daemon, idle)
	})
}

// eventually waits until nothing is wrong.
func eventually(t testing.TB, wrong func() string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		problem := wrong()
		if problem == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Error(problem)
			return
		}
	}
}

// expectFailure holds an answer against a failure: its message comes with the id
// of the error in the log.
func (r reply) expectFailure(t testing.TB, status int, message string) {
	t.Helper()
	var object struct {
		Status  int    `json:"status"`
		Message string `json:"message"`
		ErrorID string `json:"error_id"`
	}
	if err := json.Unmarshal([]byte(r.Text), &object); err != nil {
		t.Errorf("%v in %s", err, r.Text)
	}
	if r.StatusCode != status || object.Status != status || object.Message != message || object.ErrorID == "" {
		t.Errorf("HTTP %d %s\nwant %d and '%s' with an error_id", r.StatusCode, r.Text, status, message)
	}
}

// value is a property of an object.
func (e *endpoint) value(t testing.TB, session, oid, property string) string {
	t.Helper()
	r := e.local(t, `{"cmd":"GET","oid":"`+oid+`",`+session+`}`)
	data, _ := r.Object["DATA"].(map[string]any)
	value, ok := data[property].(string)
	if !ok {
		t.Errorf("GET %s: HTTP %d %s", oid, r.StatusCode, r.Text)
	}
	return value
}

// restart starts cced after a stop.
func (e *endpoint) restart(t testing.TB) {
	t.Helper()
	if err := e.daemon.Restart(); err != nil {
		t.Fatal(err)
	}
}

// object is JSON of a value.
func object(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// attempt posts a body where a test cannot be ended. An error of the client is
// the text.
func (e *endpoint) attempt(ctx context.Context, body string) reply {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL+"/v2/cce", strings.NewReader(body))
	if err != nil {
		return reply{Response: new(http.Response), Text: err.Error()}
	}
	response, err := e.Client.Do(r)
	if err != nil {
		return reply{Response: new(http.Response), Text: err.Error()}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{Response: response, Text: err.Error()}
	}
	return reply{Response: response, Text: string(text)}
}

// later posts a body, and gives its answer when it has come. An error of the
// client is the text.
func (e *endpoint) later(ctx context.Context, body string) <-chan reply {
	answer := make(chan reply, 1)
	go func() { answer <- e.attempt(ctx, body) }()
	return answer
}

// awaitLine waits until cced has received a line that begins so.
func (e *endpoint) awaitLine(t testing.TB, begin string) {
	t.Helper()
	eventually(t, func() string {
		for _, line := range e.daemon.Lines() {
			if strings.HasPrefix(line, begin) {
				return ""
			}
		}
		return "cced has not received '" + begin + "'"
	})
}

func unmarshal(t testing.TB, text string, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), to); err != nil {
		t.Fatal(err)
	}
}

// quietDaemon does not pause after a log-in that it refuses.
func quietDaemon(c *cced.Config) { c.Pause = func() time.Duration { return 0 } }
