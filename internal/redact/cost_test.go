package redact_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/redact"
)

// costly are texts made to cost as much as they can. Anybody can send them, so
// the cost of each may grow with its length only.
var costly = map[string]func(n int) string{
	"user names":           func(n int) string { return "/" + strings.Repeat("//a@", n/4) },
	"slashes":              func(n int) string { return strings.Repeat("/", n) + "a@" },
	"encoded separators":   func(n int) string { return "?a=" + strings.Repeat("%26b", n/4) + "%3Da" },
	"separators in a path": func(n int) string { return "/a" + strings.Repeat(";b", n/2) + "=a" },
	"one long name":        func(n int) string { return "?" + strings.Repeat("b", n) + "=a" },
	"encoded percent":      func(n int) string { return "?a=%" + strings.Repeat("25", n/2) + "3Fa" },
	"parameters":           func(n int) string { return "?" + strings.Repeat("a=%20&", n/6) },
	"questions":            func(n int) string { return "?" + strings.Repeat("a=b?", n/4) },
	"underscores":          func(n int) string { return "?a=" + strings.Repeat("ab_", n/3) },
	"almost a key":         func(n int) string { return "?a=" + strings.Repeat("ab_"+strings.Repeat("Z", 60), n/63) },
	"digests":              func(n int) string { return "/" + strings.Repeat("a:"+strings.Repeat("0", 64), n/66) },
	"base64":               func(n int) string { return "/" + strings.Repeat("c2x5X0Fh", n/8) },
	"almost a JWT":         func(n int) string { return "/" + strings.Repeat("eyJ", n/3) + "fQ." },
	"beginnings of JWTs":   func(n int) string { return "/" + strings.Repeat("eyJhbGciOiJSUzI1NiJ9.", n/21) },
	"ends of JWTs":         func(n int) string { return "/" + strings.Repeat("aaaaaaaaaaaaaaaafQ.", n/19) },
	"JWTs":                 func(n int) string { return "/" + strings.Repeat("eyJhbGciOiJSUzI1NiJ9.e30.c2ln/", n/30) },
	"dots":                 func(n int) string { return "/" + strings.Repeat(".", n) },
	"objects":              func(n int) string { return "?a=" + strings.Repeat(`{"a":`, n/5) },
}

// TestTheCostGrowsWithTheLength compares the best times for a text and for one
// that is eight times as long: 8 if the cost is linear, 64 if it is quadratic.
func TestTheCostGrowsWithTheLength(t *testing.T) {
	const short, times, most = 2000, 8, 28
	h := redact.NewHeaders()
	for name, text := range costly {
		for kind, hide := range map[string]func(string){
			"URI":     func(s string) { _ = redact.URI(s) },
			"text":    func(s string) { _ = redact.Text(s) },
			"Referer": func(s string) { _ = h.Values("Referer", []string{s}) },
			"header":  func(s string) { _ = h.Values("X", []string{s}) },
		} {
			least := bestTime(hide, text(short))
			if longer := bestTime(hide, text(times*short)); longer > most*max(least, 10*time.Microsecond) {
				t.Errorf("%s as %s: %v for %d bytes, %v for %d", name, kind, least, short, longer, times*short)
			}
		}
	}
}

func bestTime(hide func(string), text string) time.Duration {
	best := time.Duration(math.MaxInt64)
	for range 10 {
		start := time.Now()
		hide(text)
		best = min(best, time.Since(start))
	}
	return best
}

func TestWhatIsTooLongIsHidden(t *testing.T) {
	long := "/" + strings.Repeat("a", 16<<10-1)
	for _, name := range []string{"X-Title", "Referer", "Www-Authenticate"} {
		values := redact.NewHeaders().Values(name, []string{long, long + "a"})
		if values[0] != long || values[1] != redact.Redacted {
			t.Errorf("%s: %.20s, %.20s", name, values[0], values[1])
		}
	}
	if redact.URI(long) != long || redact.URI(long+"a") != redact.Redacted {
		t.Error("a URI of 16 KiB is hidden, or a longer one is not")
	}
}

func BenchmarkCostly(b *testing.B) {
	for name, text := range costly {
		b.Run(name, func(b *testing.B) {
			long := text(16000)
			b.SetBytes(int64(len(long)))
			for b.Loop() {
				_ = redact.URI(long)
			}
		})
	}
}
