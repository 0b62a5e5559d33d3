package cce_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
)

// TestASessionThatWasEndedElsewhereIsNoticed shows that rights outlive a session
// by the recheck time at most, and not at all where they are asked for.
func TestASessionThatWasEndedElsewhereIsNoticed(t *testing.T) {
	const recheck = 200 * time.Millisecond
	b := startRunner(t)
	b.runner.Pool.SetLimits(cscp.Limits{Recheck: recheck})
	mary := b.logIn("mary")
	mary.expect(`{"cmd":"WHOAMI"}`, 200, `{"status":201,"message":"GOODBYE","data":{"oid":"3"}}`)
	elsewhere, err := cscp.Open(t.Context(), b.dial, cscp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	if err := elsewhere.Resume(t.Context(), mary.Session.User, mary.Session.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.Do(t.Context(), cscp.EndKey{}); err != nil {
		t.Fatal(err)
	}
	ended := time.Now()
	request, err := cceapi.Parse([]byte(`{"cmd":"WHOAMI"}`))
	if err != nil {
		t.Fatal(err)
	}
	for {
		_, err := b.runner.Run(t.Context(), mary.Caller, request)
		took := time.Since(ended)
		if errors.Is(err, cscp.ErrRefused) {
			break
		}
		if err != nil || took > recheck+5*time.Second {
			t.Fatalf("after %s: %v", took, err)
		}
	}
	for _, body := range []string{`{"cmd":"WHOAMI"}`, `{"cmd":"SET 3 fullName = x"}`, `{"cmd":"BEGIN"}`, `{"cmd":"ENDKEY"}`} {
		mary.fails(body, cce.NotLoggedIn)
	}
}
