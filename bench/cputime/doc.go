// Package cputime tells how much processor time this process has used.
//
// Benchmarks report it beside the wall clock, which neighbours on the machine
// make longer:
//
//	start := cputime.Used()
//	for b.Loop() {
//		…
//	}
//	cputime.Report(b, start)
package cputime

import (
	"testing"
	"time"
)

// Report adds the processor time of one operation to a benchmark's result. It
// counts all threads, the collector's among them.
func Report(b *testing.B, start time.Duration) {
	b.ReportMetric(float64(Used()-start)/float64(b.N), "cpu-ns/op")
}
