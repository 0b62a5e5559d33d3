//go:build !race

// The race detector changes what is allocated.

package allowlist_test

import (
	"net/netip"
	"testing"

	"github.com/sallyport/sallyport/internal/allowlist"
)

// TestACallerCostsNoAllocation holds it for a list of 100,000 networks.
func TestACallerCostsNoAllocation(t *testing.T) {
	list, callers := large(t)
	file := largeFile(t, list)
	stranger := netip.MustParseAddr("2001:db9::1")
	for name, f := range map[string]func(i int){
		"to be found":  func(i int) { list.Find(callers[i]) },
		"to be absent": func(int) { list.Find(stranger) },
		"to be admitted": func(i int) {
			if v, _ := file.Admit(list.Entries()[i].Prefix, callers[i], theSame, fiveAMinute); v != allowlist.Admitted {
				t.Fatal(v)
			}
		},
		"to present nothing": func(i int) { file.Admit(list.Entries()[i].Prefix, callers[i], "", fiveAMinute) },
	} {
		i := 0
		if n := testing.AllocsPerRun(1000, func() { f(i); i++ }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
