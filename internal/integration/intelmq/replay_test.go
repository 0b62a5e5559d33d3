package intelmq_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestReplay plays each exchange, in their order, to the endpoint. It is answered
// as recorded, or as the table of differences says.
func TestReplay(t *testing.T) {
	w, table := newWorld(t), differences(t)
	for _, e := range exchanges(t) {
		w.prepare(t, e)
		d, differs := table[e.Number]
		if wrong := e.judge(w.play(t, e), d, differs); wrong != "" {
			t.Errorf("%d, %s (%s %s): %s", e.Number, e.Config, e.Method, e.Path, wrong)
		}
	}
}

// prepare makes the world what it was before an exchange.
func (w *world) prepare(t *testing.T, e exchange) {
	t.Helper()
	w.restore()
	w.says(t, e)
	if e.Config != w.config {
		w.enter(t, e.Config)
	}
	if prepare := states[e.Number]; prepare != nil {
		prepare(t, w)
	}
}

// judge says what is wrong with an answer.
func (e *exchange) judge(got received, d difference, differs bool) string {
	wrong := e.compare(got)
	switch {
	case !differs && wrong != "":
		return wrong + "\nThis is not in the table of differences."
	case !differs:
		return ""
	case wrong == "" && !e.hasNoBody():
		return "it is answered as recorded; take it out of the table of differences"
	}
	return d.Want.compare(got)
}

// hasNoBody reports whether nothing of the body is kept, so that it cannot be
// compared.
func (e *exchange) hasNoBody() bool { return e.Cut && e.Body == "" }

// received is an answer, with what differs from server to server as the record has
// it. Status 0: there was none, since the server has not started, for which body is
// the reason, or since the client gave up.
type received struct {
	status int
	header http.Header
	body   string
}

// play makes a request of the record.
func (w *world) play(t *testing.T, e exchange) received {
	t.Helper()
	if w.failed != nil {
		return received{body: w.asRecorded(w.failed.Error())}
	}
	wait(e)
	r, err := http.NewRequestWithContext(t.Context(), e.Method, w.URL+w.base+strings.ReplaceAll(w.here(e.Path), "<token>", w.token), strings.NewReader(w.here(e.RequestBody)))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range e.RequestHeaders {
		value = strings.ReplaceAll(value, "<token>", w.token)
		r.Header.Set(name, strings.ReplaceAll(value, "<TOKEN IN UPPER CASE>", strings.ToUpper(w.token)))
	}
	switch e.Number {
	case 292:
		return w.giveUp(t, r)
	case 293:
		w.speak(t)
	}
	response, err := w.Client.Do(r)
	if err != nil {
		t.Fatalf("%d (%s %s): %v", e.Number, e.Method, e.Path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	w.keepToken(string(text))
	return received{response.StatusCode, response.Header, w.asRecorded(string(text))}
}

// wait lets time go by where the record does: first less than the lifetime of a
// session, which is two seconds, and then more.
func wait(e exchange) {
	switch e.Number {
	case 297, 298:
		time.Sleep(1100 * time.Millisecond)
	case 299:
		time.Sleep(3200 * time.Millisecond)
	}
}

// loginToken is the token in the answer to a log-in.
var loginToken = regexp.MustCompile(`"login_token":"([0-9a-f]{32})"`)

// keepToken remembers the token of a log-in.
func (w *world) keepToken(body string) {
	if found := loginToken.FindStringSubmatch(body); found != nil {
		w.token = found[1]
	}
}
