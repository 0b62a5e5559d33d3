//go:build !race

// The race detector changes what is allocated.

package caddyauth

import "testing"

func TestTheFirstUseCostsAtMost40AllocationsMoreThanItsSignature(t *testing.T) {
	for _, f := range measuredAlgorithms(t) {
		bare := testing.AllocsPerRun(100, func() { f.bare(t) })
		first := testing.AllocsPerRun(100, func() { f.first(t) })
		again := testing.AllocsPerRun(100, func() { f.again(t) })
		if first > bare+40 {
			t.Errorf("%s: %v allocations, where the library's check makes %v", f.name, first, bare)
		}
		if again > 0 {
			t.Errorf("%s: %v allocations for one that was seen, want none", f.name, again)
		}
		t.Logf("%s: %v allocations, where the library's check makes %v; %v once it was seen", f.name, first, bare, again)
	}
}
