package password_test

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/bench/cputime"
	"github.com/sallyport/sallyport/internal/password"
)

func benchTurn(b *testing.B) *password.Turn {
	b.Helper()
	turn, err := password.NewHasher(password.Config{}).Reserve(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(turn.Release)
	return turn
}

// BenchmarkVerify shows that the ways of a log-in take the same time. They take
// turns, so that a neighbour on the machine slows down all of them; compare the
// medians.
func BenchmarkVerify(b *testing.B) {
	turn := benchTurn(b)
	stored, err := turn.Hash("correct horse battery")
	if err != nil {
		b.Fatal(err)
	}
	compareWays(b, turn, []struct{ name, stored, clean string }{
		{"right", stored, "correct horse battery"},
		{"wrong", stored, "correct horse batters"},
		{"none", "", "correct horse battery"},
		{"damaged", stored[:40], "correct horse battery"},
	})
}

// BenchmarkVerifyImported is BenchmarkVerify where there are imported hashes.
func BenchmarkVerifyImported(b *testing.B) {
	turn := benchTurn(b)
	stored, err := turn.Hash("correct horse battery")
	if err != nil {
		b.Fatal(err)
	}
	// Nobody knows a password of it.
	imported, err := password.Imported(100_000, make([]byte, 16), make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	if ok, _, err := turn.Verify(imported, "correct horse battery"); ok || err != nil {
		b.Fatal(ok, err)
	}
	compareWays(b, turn, []struct{ name, stored, clean string }{
		{"right", stored, "correct horse battery"},
		{"imported", imported, "correct horse batters"},
		{"none", "", "correct horse battery"},
	})
}

func compareWays(b *testing.B, turn *password.Turn, ways []struct{ name, stored, clean string }) {
	b.Helper()
	times := make([][]time.Duration, len(ways))
	start := cputime.Used()
	for b.Loop() {
		for i, way := range ways {
			began := time.Now()
			ok, _, _ := turn.Verify(way.stored, way.clean)
			times[i] = append(times[i], time.Since(began))
			if ok != (way.name == "right") {
				b.Fatalf("%s: %t", way.name, ok)
			}
		}
	}
	cputime.Report(b, start)
	for i, way := range ways {
		slices.Sort(times[i])
		b.ReportMetric(times[i][len(times[i])/2].Seconds()*1e3, way.name+"-median-ms")
	}
}

func BenchmarkHash(b *testing.B) {
	turn := benchTurn(b)
	b.ReportAllocs()
	start := cputime.Used()
	for b.Loop() {
		if _, err := turn.Hash("correct horse battery"); err != nil {
			b.Fatal(err)
		}
	}
	cputime.Report(b, start)
}

// Benchmark300Callers lets 300 callers log in in the same moment, as often as it
// runs. Those beyond the queue are refused; heap-MiB is what the process has
// asked of the system for all of them.
func Benchmark300Callers(b *testing.B) {
	h := password.NewHasher(password.Config{})
	served, longest := 0, time.Duration(0)
	var mu sync.Mutex
	for b.Loop() {
		began := time.Now()
		var crowd sync.WaitGroup
		for range 300 {
			crowd.Go(func() {
				turn, err := h.Reserve(b.Context())
				if err != nil {
					if !errors.Is(err, password.ErrBusy) {
						b.Error(err)
					}
					return
				}
				defer turn.Release()
				_, _, _ = turn.Verify("", "correct horse battery")
				mu.Lock()
				defer mu.Unlock()
				served++
				longest = max(longest, time.Since(began))
			})
		}
		crowd.Wait()
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(served)/b.Elapsed().Seconds(), "served/s")
	b.ReportMetric(float64(served)/float64(b.N), "served/op")
	b.ReportMetric(float64(h.Stats().Refused)/float64(b.N), "refused/op")
	b.ReportMetric(longest.Seconds()*1e3, "longest-ms")
	b.ReportMetric(float64(memory.HeapSys)/(1<<20), "heap-MiB")
}
