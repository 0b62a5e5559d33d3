package allowlist_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/bench/cputime"
	"github.com/sallyport/sallyport/internal/allowlist"
)

// large makes a list of 100,000 networks of both kinds, and a caller for each.
func large(tb testing.TB) (list *allowlist.List, callers []netip.Addr) {
	tb.Helper()
	var all []allowlist.Entry
	for i := range 50_000 {
		v4 := netip.AddrFrom4([4]byte{byte(1 + i%200), byte(i / 200), byte(i % 251), 0})
		v6 := netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::1", i))
		all = append(all, entries(tb, v4.String()+"/24", v6.String()+"/48")...)
		callers = append(callers, v4.Next(), v6)
	}
	list = allowlist.NewList(all)
	if n := len(list.Entries()); n != 100_000 {
		tb.Fatalf("the list has %d entries", n)
	}
	return list, callers
}

// theSame is everybody's secret.
const theSame = "11111111111111111111111111111111"

// largeFile makes a file with a secret for each entry.
func largeFile(tb testing.TB, list *allowlist.List) *allowlist.File {
	tb.Helper()
	constant := func(int) (string, error) { return theSame, nil }
	file := allowlist.NewFile(filepath.Join(tb.TempDir(), "secrets"), constant, slog.New(slog.DiscardHandler))
	check(tb, file.Open(tb.Context(), list.Entries()))
	// Nothing is measured beside the goroutine that follows edits.
	file.Close()
	return file
}

// ways are how callers follow one another: always the same one, whose entry the
// caches hold, or one after the other, in an order that caches do not guess.
var ways = map[string]int{"the same caller": 0, "any caller": 1}

// shuffle puts callers in an order that is the same in each run.
func shuffle(callers []netip.Addr) {
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(callers), func(i, j int) { callers[i], callers[j] = callers[j], callers[i] })
}

func BenchmarkFind(b *testing.B) {
	list, callers := large(b)
	shuffle(callers)
	for name, step := range ways {
		b.Run(name, func(b *testing.B) {
			i := 0
			b.ReportAllocs()
			start := cputime.Used()
			for b.Loop() {
				if _, listed := list.Find(callers[i]); !listed {
					b.Fatalf("%s is not found", callers[i])
				}
				if i += step; i == len(callers) {
					i = 0
				}
			}
			cputime.Report(b, start)
		})
	}
}

func BenchmarkFindNothing(b *testing.B) {
	list, _ := large(b)
	stranger := netip.MustParseAddr("2001:db9::1")
	b.ReportAllocs()
	start := cputime.Used()
	for b.Loop() {
		if _, listed := list.Find(stranger); listed {
			b.Fatal("a stranger is found")
		}
	}
	cputime.Report(b, start)
}

func BenchmarkFindAndAdmit(b *testing.B) {
	list, callers := large(b)
	file := largeFile(b, list)
	shuffle(callers)
	for name, step := range ways {
		b.Run(name, func(b *testing.B) {
			i := 0
			b.ReportAllocs()
			start := cputime.Used()
			for b.Loop() {
				at, _ := list.Find(callers[i])
				if v, _ := file.Admit(list.Entries()[at].Prefix, callers[i], theSame, fiveAMinute); v != allowlist.Admitted {
					b.Fatalf("%s is %s", callers[i], v)
				}
				if i += step; i == len(callers) {
					i = 0
				}
			}
			cputime.Report(b, start)
		})
	}
}

func BenchmarkNewList(b *testing.B) {
	list, _ := large(b)
	for b.Loop() {
		allowlist.NewList(list.Entries())
	}
}
