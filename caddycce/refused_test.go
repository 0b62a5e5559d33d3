package caddycce_test

import (
	"strings"
	"testing"
)

// TestTheLogSaysWhyACallerWasRefused looks for the causes of docs/errors.md, which
// callers are not told. None may be there twice.
func TestTheLogSaysWhyACallerWasRefused(t *testing.T) {
	e := startEndpoint(t, "")
	e.from(t, stranger, `{"cmd":"PING"}`)
	e.from(t, office, `{"cmd":"GET 1"}`)
	e.from(t, office, `{"cmd":"GET 1","sessionid":"x"}`)
	e.from(t, office, `{"cmd":"GET 1","token":"x"}`, "X-Client-Secret", officeSecret)
	e.local(t, `GET 1`)
	e.daemon.Stop()
	e.from(t, office, `{"cmd":"LOGIN"}`, "X-Client-Secret", officeSecret)
	log := e.Log(t)
	for _, cause := range []string{"address_not_listed", "none", "session_from_elsewhere", "not_logged_in", "bad_request", "account_unreachable"} {
		if n := strings.Count(log, `"refused":"`+cause+`"`); n != 1 {
			t.Errorf("'%s' is in the log %d times, want once", cause, n)
		}
	}
}
