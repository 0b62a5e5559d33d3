package intelmqconf

import "hash/maphash"

// shelf holds the items of a list in the old text, to be found by what they are in
// steps that do not grow with the list.
type shelf struct {
	entries []entry
	// places says where in entries what has a mark is, in order.
	places map[uint64][]int
	marker marker
	// from is where those begin that may still be taken.
	from int
}

// shelve puts up the items that can stay.
func (s *splicer) shelve(entries []entry) *shelf {
	h := &shelf{entries: entries, places: make(map[uint64][]int, len(entries)), marker: marker{maphash.MakeSeed()}}
	for i := range entries {
		if !s.outdated(&entries[i]) {
			mark := h.marker.mark(entries[i].have)
			h.places[mark] = append(h.places[mark], i)
		}
	}
	return h
}

// take gives the first item behind those taken before that has the mark of v, or
// nil. It is almost certainly v.
func (h *shelf) take(v *value) *entry {
	mark := h.marker.mark(v)
	places := h.places[mark]
	for len(places) > 0 && places[0] < h.from {
		places = places[1:]
	}
	h.places[mark] = places
	if len(places) == 0 {
		return nil
	}
	h.from = places[0] + 1
	return &h.entries[places[0]]
}

// marker makes marks. Nobody who does not know the seed can make values that differ
// and have one mark.
type marker struct{ seed maphash.Seed }

// mark is the same for values that are equal, and almost certainly another for all
// others.
func (m marker) mark(v *value) uint64 {
	of := struct {
		kind           kind
		text           string
		items, members uint64
	}{kind: v.kind, text: v.text}
	if v.isNumber() {
		of.kind, of.text = integer, decimal(v.text)
	}
	for i := range v.items {
		of.items = maphash.Comparable(m.seed, [...]uint64{of.items, m.mark(&v.items[i])})
	}
	for i := range v.members {
		// Their order does not count, so that they are added up.
		of.members += maphash.Comparable(m.seed, struct {
			key   string
			value uint64
		}{v.members[i].key, m.mark(&v.members[i].value)})
	}
	return maphash.Comparable(m.seed, of)
}
