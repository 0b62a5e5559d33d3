package caddyauth_test

import (
	"encoding/json"
	"testing"

	"github.com/sallyport/sallyport/internal/caddyrun"
)

// envelope is the body of every answer of auth_api.
type envelope struct {
	Response json.RawMessage `json:"api_response"`
	Message  *string         `json:"api_error_message"`
	Warnings []string        `json:"api_warning"`
	Version  string          `json:"api_server_version"`
	Status   int             `json:"api_status_code"`
}

// readEnvelope demands what holds for every answer with a body.
func readEnvelope(t testing.TB, r caddyrun.Response) envelope {
	t.Helper()
	var e envelope
	if err := json.Unmarshal([]byte(r.Text), &e); err != nil {
		t.Fatalf("%d '%s': %v", r.StatusCode, r.Text, err)
	}
	if e.Response == nil || string(e.Response) == "null" || e.Message == nil || e.Warnings == nil || e.Version == "" || e.Status != r.StatusCode {
		t.Errorf("%d: no envelope: %s", r.StatusCode, r.Text)
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type '%s'", got)
	}
	if got := r.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("cache control '%s'", got)
	}
	return e
}

// expectStatus checks status and text of an answer; an empty text is a success.
func expectStatus(t testing.TB, r caddyrun.Response, status int, text string) {
	t.Helper()
	e := readEnvelope(t, r)
	if r.StatusCode != status || *e.Message != text {
		t.Errorf("got  %d '%s'\nwant %d '%s'", r.StatusCode, *e.Message, status, text)
	}
}

// expectFailure checks what holds for every failure besides.
func expectFailure(t testing.TB, r caddyrun.Response, status int, code, text string) {
	t.Helper()
	expectStatus(t, r, status, text)
	if got := r.Header.Get("X-Error-Code"); got != code {
		t.Errorf("code '%s', want '%s'", got, code)
	}
	if id := r.Header.Get("X-Error-Id"); len(id) != 12 {
		t.Errorf("error id '%s'", id)
	}
	if challenges := r.Header.Values("WWW-Authenticate"); (status == 401) != (len(challenges) > 0) {
		t.Errorf("%d with the challenges %v", status, challenges)
	}
	if wait := r.Header.Get("Retry-After"); (status == 429 || status == 503) && wait == "" {
		t.Errorf("%d without Retry-After", status)
	}
	if e := readEnvelope(t, r); string(e.Response) != `{"success":false}` {
		t.Errorf("the payload of a failure is %s", e.Response)
	}
}

// payload reads what a success has brought.
func payload[T any](t testing.TB, r caddyrun.Response) (v T) {
	t.Helper()
	if err := json.Unmarshal(readEnvelope(t, r).Response, &v); err != nil {
		t.Fatalf("%s: %v", r.Text, err)
	}
	return v
}

// postJSON sends JSON.
func postJSON(t testing.TB, s *caddyrun.Server, path, body string, headers ...string) caddyrun.Response {
	t.Helper()
	return s.Do(t, "POST", path, []byte(body), append([]string{"Content-Type", "application/json"}, headers...)...)
}
