package fire_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/fake/flood"
)

// strangers is how many of them come in one wave.
const strangers = 100_000

// address is one of 16 million, each in a network of its own as far as that goes.
func address(n int) string { return fmt.Sprintf("10.%d.%d.%d", n>>8&0xff, n&0xff, n>>16&0xff) }

// badKey is a request with a key that nobody has issued, under a name that nobody has,
// from an address of its own.
func badKey(n int) string {
	id, err := credential.NewKeyID(rand.Reader)
	if err != nil {
		panic(err)
	}
	word, err := credential.NewKey(rand.Reader, credential.DefaultPrefix, id)
	if err != nil {
		panic(err)
	}
	basic := base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf("nobody%d:%s", n, word.Reveal())))
	return fmt.Sprintf("GET /gate HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: %s\r\nAuthorization: Basic %s\r\n\r\n", address(n), basic)
}

// badSecret is one with a client secret that is wrong.
func badSecret(n int) string {
	return fmt.Sprintf("GET /secret HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: %s\r\nX-Client-Secret: a-wrong-secret-number-%d\r\n\r\n", address(n), n)
}

// badPassword is a log-in with a password that is wrong.
func badPassword(n int) string {
	body := fmt.Sprintf(`{"user":"nobody%d","password":"a wrong password %d"}`, n, n)
	return fmt.Sprintf("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		address(n), len(body), body)
}

// fast is a flood of what is cheap to refuse, at the pace of which key checks have to go
// on; crowded is one with more connections than may wait for a hash, so that most of its
// requests are sent away.
var (
	fast    = flood.Flood{Lines: 32, Deep: 16, PerSecond: 10_000}
	crowded = flood.Flood{Lines: 160, Deep: 1}
)

// kinds are the requests of a wave.
var kinds = []struct {
	name    string
	flood   flood.Flood
	request func(n int) string
	// most is how many there are in a wave, statuses what may be answered.
	most     int
	statuses []int
}{
	{"bad keys", fast, badKey, strangers, []int{http.StatusUnauthorized}},
	{"bad client secrets", fast, badSecret, strangers, []int{http.StatusUnauthorized, http.StatusTooManyRequests}},
	{"bad passwords", crowded, badPassword, strangers / 10, []int{http.StatusUnauthorized, http.StatusTooManyRequests}},
}

// TestStrangersLeaveNothingBehind sends two waves of 100,000 different bad keys, as many
// wrong client secrets, and a tenth of that of wrong passwords, which each take a hash or
// a place in its queue. Each comes under a name and from an address of its own. What the second wave leaves is what is kept of each for ever.
func TestStrangersLeaveNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("420,000 requests take a minute")
	}
	f := startFortress(t)
	quiet := f.quiet(t)
	before := f.footprint(t)
	after := f.wave(t, 0, quiet, before)
	again := f.wave(t, strangers, quiet, after)

	const most = 64 << 20
	if grown := after.heap - before.heap; grown > most {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if grown := after.resident - before.resident; grown > 2*most {
		t.Errorf("the process has grown by %d bytes", grown)
	}
	// Counts of failures are full by then.
	if grown := again.heap - after.heap; grown > most/16 {
		t.Errorf("the second wave has left %d bytes more", grown)
	}
	if again.events != before.events {
		t.Errorf("the audit trail has grown by %d events", again.events-before.events)
	}
	if again.sessions != before.sessions {
		t.Errorf("there are %d sessions more", again.sessions-before.sessions)
	}
}

// wave sends one, from number first on.
func (f *fortress) wave(t *testing.T, first int, quiet calm, before footprint) (after footprint) {
	t.Helper()
	began := time.Now()
	for _, kind := range kinds {
		var seen flood.Answers
		passed := f.whileItLasts(t, func(ctx context.Context) {
			seen = f.flood(ctx, t, kind.flood, kind.most, func(n int) string { return kind.request(first + n) })
		})
		expectOnly(t, seen, kind.most, kind.statuses...)
		figure(t, "%s: %s", kind.name, seen)
		passed.figureBeside(t, quiet)
	}
	after = f.expectCalm(t, before)
	logged := after.logged - before.logged
	figure(t, "left behind: heap %+d kB of %d, resident %+d kB of %d, %+d counts of failures, %+d events; %d bytes of log, %.2f a refusal",
		(after.heap-before.heap)/1000, before.heap/1000, (after.resident-before.resident)/1000, before.resident/1000,
		after.failures-before.failures, after.events-before.events, logged, float64(logged)/float64(2*strangers+strangers/10))
	expectFewLines(t, logged, time.Since(began))
	// Three rows for each password that was hashed.
	if rows := after.failures - before.failures; rows > 3*200*int(time.Since(began).Seconds()) {
		t.Errorf("%d rows count failures", rows)
	}
	return after
}

// expectFewLines holds what was logged against what time allows: one refusal in ten
// seconds for each of the site's handlers, of less than a kilobyte.
func expectFewLines(t *testing.T, logged int64, took time.Duration) {
	t.Helper()
	const handlers = 5
	if most := int64(took/(10*time.Second)+1) * handlers << 10; logged > most {
		t.Errorf("%d bytes were logged in %s, want %d at most", logged, took, most)
	}
}
