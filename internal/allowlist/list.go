package allowlist

import (
	"net/netip"

	"github.com/gaissmai/bart"
)

// List finds the entry of an address. It is never changed, so that many
// goroutines may use it.
type List struct {
	table   *bart.Table[uint32]
	entries []Entry
}

// NewList makes a list. Of entries with the same addresses the first one
// counts.
func NewList(entries []Entry) *List {
	l := &List{table: new(bart.Table[uint32])}
	for _, e := range entries {
		if _, present := l.table.Get(e.Prefix); present {
			continue
		}
		l.table.Insert(e.Prefix, uint32(len(l.entries)))
		l.entries = append(l.entries, e)
	}
	return l
}

// Entries are the entries in their order, each once. They must not be changed.
func (l *List) Entries() []Entry { return l.entries }

// Find returns the index among Entries of the smallest network that has the
// address. It allocates nothing. An address that is not valid is in none.
func (l *List) Find(address netip.Addr) (index int, listed bool) {
	if !address.IsValid() {
		return 0, false
	}
	i, listed := l.table.Lookup(address.Unmap().WithZone(""))
	return int(i), listed
}
