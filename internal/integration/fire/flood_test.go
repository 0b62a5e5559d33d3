package fire_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/flood"
)

// goodPassword is a log-in with alice's password.
func goodPassword(int) string {
	body := `{"user":"` + user + `","password":"` + rightPassword + `"}`
	return fmt.Sprintf("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// TestThreeHundredLogInsInParallel: one in three has the right password. A log-in that
// there is no hash for is sent away, and never answered wrongly.
func TestThreeHundredLogInsInParallel(t *testing.T) {
	f := startFortress(t)
	quiet, before := f.quiet(t), f.footprint(t)
	var seen flood.Answers
	passed := f.whileItLasts(t, func(ctx context.Context) {
		seen = f.flood(ctx, t, flood.Flood{Lines: 300, Deep: 1}, 300, func(n int) string {
			if n%3 == 0 {
				return goodPassword(n)
			}
			return badPassword(n)
		})
	})
	expectOnly(t, seen, 300, http.StatusOK, http.StatusUnauthorized, http.StatusTooManyRequests)
	if seen.Statuses[http.StatusOK] == 0 || seen.Statuses[http.StatusTooManyRequests] == 0 {
		t.Errorf("the answers are %s", seen)
	}
	after := f.expectCalm(t, before)
	if began := after.sessions - before.sessions; began != seen.Statuses[http.StatusOK] {
		t.Errorf("%d sessions began with %d log-ins", began, seen.Statuses[http.StatusOK])
	}
	figure(t, "300 log-ins: %s", seen)
	figure(t, "left behind: heap %+d kB, %+d rows, %d bytes of log", (after.heap-before.heap)/1000, after.failures-before.failures, after.logged-before.logged)
	passed.figureBeside(t, quiet)
}

// TestTenThousandRefusalsASecond lets as many refusals come as the promise is about, for a
// while. How many the machine can do beside everything else is a figure; that the others
// are not refused, and that nothing is left, is the test.
func TestTenThousandRefusalsASecond(t *testing.T) {
	f := startFortress(t)
	quiet, before := f.quiet(t), f.footprint(t)
	const most = 50_000
	began := time.Now()
	var seen flood.Answers
	passed := f.whileItLasts(t, func(ctx context.Context) { seen = f.flood(ctx, t, fast, most, badKey) })
	expectOnly(t, seen, most, http.StatusUnauthorized)
	after := f.expectCalm(t, before)
	expectFewLines(t, after.logged-before.logged, time.Since(began))
	if after.events != before.events || after.failures != before.failures {
		t.Errorf("refusals of keys have left %d events and %d counts of failures", after.events-before.events, after.failures-before.failures)
	}
	if grown := after.heap - before.heap; grown > 16<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	figure(t, "refusals: %s; heap %+d kB, %d bytes of log", seen, (after.heap-before.heap)/1000, after.logged-before.logged)
	passed.figureBeside(t, quiet)
}
