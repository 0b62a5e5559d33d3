package identity

import (
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"github.com/sallyport/sallyport/bench/cputime"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// subjectOf is one of many.
func subjectOf(i int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(i)+1<<24)) }

// populateExternal loads so many users, each with an identity if linked.
func populateExternal(tb testing.TB, users int, linked bool) *index {
	tb.Helper()
	l, err := newLoader(onePepper(newPopulation(tb, 0).pepper))
	if err != nil {
		tb.Fatal(err)
	}
	to := l.receiver()
	for i := range users {
		if err := to.User(&store.User{ID: userID(i), Username: userID(i), Fold: userID(i), State: store.Active}); err != nil {
			tb.Fatal(err)
		}
	}
	for i := range users {
		if !linked {
			break
		}
		if err := to.Identity(&store.Identity{ID: digestText(principal.IdentityDigest(issuer, subjectOf(i))), UserID: userID(i)}); err != nil {
			tb.Fatal(err)
		}
	}
	return l.finish()
}

// BenchmarkLoadIdentities tells how long it takes to load a million identities with their
// users, from rows that are read already, and how much memory that takes, against the
// users alone.
func BenchmarkLoadIdentities(b *testing.B) {
	const users = 1_000_000
	for name, linked := range map[string]bool{"none": false, "million": true} {
		b.Run(name, func(b *testing.B) {
			before := heap()
			var x *index
			for b.Loop() {
				x = populateExternal(b, users, linked)
			}
			b.ReportMetric(float64(heap()-before)/users, "B/user")
			runtime.KeepAlive(x)
		})
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkCheckExternal is the token of another provider, among a million identities.
func BenchmarkCheckExternal(b *testing.B) {
	const users = 1_000_000
	m := mirrorOf(populateExternal(b, users, true))
	tokens := make([]*principal.External, 100_000)
	for i := range tokens {
		tokens[i] = principal.NewExternal(principal.External{Issuer: issuer, Subject: subjectOf(i * 10), TokenID: subjectOf(i), Expires: time.Now().Add(time.Hour)})
	}
	b.ReportAllocs()
	i, start := 0, cputime.Used()
	for b.Loop() {
		if _, reason := m.CheckExternal(tokens[i]); reason != Accepted {
			b.Fatal(reason)
		}
		if i++; i == len(tokens) {
			i = 0
		}
	}
	cputime.Report(b, start)
}

// BenchmarkPutIdentity is a change among a million identities.
func BenchmarkPutIdentity(b *testing.B) {
	const users = 1_000_000
	x := populateExternal(b, users, true)
	b.ReportAllocs()
	for i := 0; b.Loop(); i = (i + 1) % users {
		if err := x.putIdentity(&store.Identity{ID: digestText(principal.IdentityDigest(issuer, subjectOf(i))), UserID: userID(i)}); err != nil {
			b.Fatal(err)
		}
	}
}
