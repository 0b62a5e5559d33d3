package report

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/redact"
)

// reporterOf makes a reporter with a ring of its own.
func reporterOf(g *ring) *Reporter {
	return &Reporter{zap.NewNop().Named("http.handlers.test"), new(sampler), g}
}

func TestARefusalIsRememberedAsTheLogHasIt(t *testing.T) {
	g := newRing(3)
	r := request(t)
	r.Host = "ops.example.org:8443"
	caddyhttp.SetVar(r.Context(), caddyhttp.ClientIPVarKey, "192.0.2.7")
	id := reporterOf(g).Report(r, Refusal{
		Status: 502, Code: "bad_gateway", Cause: "unreachable", Credential: "api_key", User: "alice", Wanted: "scope read",
		Err: errors.New("dial unix /run/x: no such file"),
	})
	n, ok, oldest := g.find(id)
	if !ok || n.ErrorID != id || time.Since(n.Time) > time.Minute || !oldest.Equal(n.Time) || n.Time.Location() != time.UTC {
		t.Fatalf("%v %+v, the oldest of %s", ok, n, oldest)
	}
	n.ErrorID, n.Time = "", time.Time{}
	want := Noted{
		Module: "http.handlers.test", Method: "GET", Host: "ops.example.org:8443", ClientIP: netip.MustParseAddr("192.0.2.7"),
		Refusal: Refusal{Status: 502, Code: "bad_gateway", Cause: "unreachable", Credential: "api_key", User: "alice", Wanted: "scope read"},
		Reason:  "dial unix /run/x: no such file",
	}
	if n != want {
		t.Errorf("%+v\nwant %+v", n, want)
	}
}

func TestTheOldestRefusalGoesFirst(t *testing.T) {
	g := newRing(3)
	if _, ok, oldest := g.find("AAAAAAAAAAAA"); ok || !oldest.IsZero() {
		t.Errorf("an empty ring has %v, from %s", ok, oldest)
	}
	p, r := reporterOf(g), request(t)
	var ids []string
	for i := range 7 {
		ids = append(ids, p.Report(r, Refusal{Cause: fmt.Sprint(i)}))
	}
	for i, id := range ids {
		n, ok, oldest := g.find(id)
		if kept := i >= 4; ok != kept || kept && n.Cause != fmt.Sprint(i) {
			t.Errorf("refusal %d: %v %+v", i, ok, n)
		}
		if first, _, _ := g.find(ids[4]); !oldest.Equal(first.Time) {
			t.Errorf("the oldest is of %s, want %s", oldest, first.Time)
		}
	}
}

func TestARefusalThatWasHeldUpForARoundReplacesNoNewerOne(t *testing.T) {
	g := newRing(2)
	p, r := reporterOf(g), request(t)
	first := p.Report(r, Refusal{Cause: "newer"})
	g.slots[0].turn = 3
	g.turns.Store(0)
	late := p.Report(r, Refusal{Cause: "late"})
	if _, ok, _ := g.find(first); !ok {
		t.Error("the newer one is lost")
	}
	if _, ok, _ := g.find(late); ok {
		t.Error("the late one has its place")
	}
}

func TestManyAreRefusedAtTheSameTime(t *testing.T) {
	const goroutines, each = 8, 100
	g := newRing(goroutines * each)
	p := reporterOf(g)
	ids := make([][]string, goroutines)
	var all sync.WaitGroup
	for i := range goroutines {
		r := request(t)
		all.Go(func() {
			for range each {
				id := p.Report(r, Refusal{Status: 401, Cause: "none", User: fmt.Sprint(i)})
				if n, ok, _ := g.find(id); !ok || n.User != fmt.Sprint(i) {
					t.Errorf("refusal '%s' of %d: %v %+v", id, i, ok, n)
				}
				ids[i] = append(ids[i], id)
			}
		})
	}
	all.Wait()
	for i := range ids {
		for _, id := range ids[i] {
			if _, ok, _ := g.find(id); !ok {
				t.Fatalf("refusal '%s' of %d is lost", id, i)
			}
		}
	}
}

// TestTheMemoryIsBounded holds the figures in the comment on ring.
func TestTheMemoryIsBounded(t *testing.T) {
	const most = 3_200_000
	if size := Kept * unsafe.Sizeof(slot{}); size > most {
		t.Errorf("all places have %d bytes", size)
	}
	if texts := Kept * 2 * maxText; texts+most > 8_400_000 {
		t.Errorf("with the longest texts it is %d bytes", texts+most)
	}
	g, r := newRing(1), request(t)
	r.Host, r.Method = strings.Repeat("a", 200), strings.Repeat("M", 1<<20)
	long := strings.Repeat("ä", 1<<20)
	n, ok, _ := g.find(reporterOf(g).Report(r, Refusal{Cause: long, Err: errors.New(long)}))
	if !ok || n.Host != strings.Repeat("a", maxHost) || n.Method != "other" || n.Cause != long[:maxText] || n.Reason != long[:maxText] {
		t.Errorf("%v %.400v", ok, n)
	}
}

func TestCredentialsInPlaceOfTheHostAreHidden(t *testing.T) {
	g := newRing(2)
	for _, host := range []string{"alice:" + strings.Repeat("0123456789abcdef", 4), strings.Repeat("a", maxHostLooked+1)} {
		r := request(t)
		r.Host = host
		n, ok, _ := g.find(reporterOf(g).Report(r, Refusal{}))
		if !ok || !strings.Contains(n.Host, redact.Redacted) {
			t.Errorf("'%.30s' is kept as '%s'", host, n.Host)
		}
	}
}

func TestRememberingAllocatesNothing(t *testing.T) {
	g, r := newRing(10), request(t)
	f, now := Refusal{Status: 401, Cause: "none"}, time.Now()
	g.note("AAAAAAAAAAAA", "x", now, r, "example.org", netip.Addr{}, &f)
	if n := testing.AllocsPerRun(100, func() { g.note("AAAAAAAAAAAA", "x", now, r, "example.org", netip.Addr{}, &f) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestErrorIDsAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"5YJM7XKQ2H4D": "5YJM7XKQ2H4D", " 5yjm7xkq2h4d\n": "5YJM7XKQ2H4D",
		"": "", "5YJM7XKQ2H4": "", "5YJM7XKQ2H4DA": "", "5YJM7XKQ2H40": "", "5YJM7XKQ2H41": "", "5YJM7XKQ2H48": "", "5YJM 7XKQ2H4": "", "5YJM7XKQ2Hä": "",
	} {
		if id, ok := ParseID(text); id != want || ok != (want != "") {
			t.Errorf("'%s' is '%s', %v", text, id, ok)
		}
	}
	for range 100 {
		if id := newErrorID(); func() bool { read, ok := ParseID(id); return !ok || read != id }() {
			t.Errorf("'%s' is none", id)
		}
	}
}

// BenchmarkNote is what the ring adds to a refusal.
func BenchmarkNote(b *testing.B) {
	g := newRing(Kept)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://ops.example.org/", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		f, now := Refusal{Status: 401, Code: "invalid_token", Cause: "unknown_key", Credential: "api_key"}, time.Now()
		for pb.Next() {
			g.note("AAAAAAAAAAAA", "http.handlers.token_auth", now, r, hostOf(r), netip.Addr{}, &f)
		}
	})
}
