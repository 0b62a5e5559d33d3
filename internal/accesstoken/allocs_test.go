//go:build !race

// The race detector changes what is allocated.

package accesstoken_test

import "testing"

func TestATokenCostsAtMost40AllocationsMoreThanItsSignature(t *testing.T) {
	for _, m := range measure(t) {
		bare := testing.AllocsPerRun(100, func() { m.bare(t) })
		ours := testing.AllocsPerRun(100, func() { m.ours(t) })
		if ours > bare+40 {
			t.Errorf("%s: %v allocations, where the bare check has %v", m.name, ours, bare)
		}
		t.Logf("%s: %v allocations, where the bare check has %v", m.name, ours, bare)
	}
}
