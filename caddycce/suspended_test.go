package caddycce_test

import "testing"

// TestSuspendedTellsByItsData shows what PHP's client relies on, which takes any
// data for a yes. cced itself has no such command.
func TestSuspendedTellsByItsData(t *testing.T) {
	e := startEndpoint(t, "max_connections 1")
	e.local(t, `{"cmd":"SUSPENDED"}`).expect(t, 401, `{"status":401,"message":"OK","data":{"errors":[{"code":401,"message":"FAIL"}]}}`)
	admin := e.session(t, "admin", "secret-1")
	e.local(t, `{"cmd":"SUSPENDED",`+admin+`}`).expect(t, 200, `{"status":201,"message":"OK"}`)
	e.local(t, `{"cmd":"ADMIN SUSPEND","reason":"back at \"noon\"",`+admin+`}`).expect(t, 200, `{"status":201,"message":"GOODBYE"}`)
	// Asked for many times, it leaves no connection behind.
	for range 20 {
		e.local(t, `{"cmd":"suspended",`+admin+`}`).expect(t, 200, `{"status":201,"message":"OK","data":{"reason":"back at \"noon\""}}`)
	}
	e.local(t, `{"cmd":"RESUME",`+admin+`}`).expect(t, 200, `{"status":201,"message":"GOODBYE"}`)
	e.local(t, `{"cmd":"SUSPENDED",`+admin+`}`).expect(t, 200, `{"status":201,"message":"OK"}`)
	e.daemon.Stop()
	if r := e.local(t, `{"cmd":"SUSPENDED",`+admin+`}`); r.StatusCode != 502 {
		t.Errorf("without cced: HTTP %d %s", r.StatusCode, r.Text)
	}
}
