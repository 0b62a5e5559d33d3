package identity

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/sallyport/sallyport/internal/principal"
)

// digestShards is how many parts a byDigest has: as many as twelve bits tell apart.
const digestShards = 1 << 12

// byDigest finds values by digests. Readers need no lock; there must be only one writer
// at a time. A change copies one part: 244 entries of a million.
type byDigest[V any] struct {
	shards [digestShards]atomic.Pointer[[]digested[V]]
}

// digested is an entry of a part, in which they are sorted.
type digested[V any] struct {
	digest principal.Digest
	value  V
}

func digestShard(d *principal.Digest) int { return int(d[0])<<4 | int(d[1])>>4 }

// find returns the value of a digest.
func (b *byDigest[V]) find(d principal.Digest) (value V, found bool) {
	list := b.shards[digestShard(&d)].Load()
	if list == nil {
		return value, false
	}
	at, found := place(*list, &d)
	if found {
		value = (*list)[at].value
	}
	return value, found
}

// place is where a digest stands in a sorted list, or would stand.
func place[V any](list []digested[V], d *principal.Digest) (at int, found bool) {
	end := len(list)
	for at < end {
		middle := (at + end) / 2
		switch order := bytes.Compare(list[middle].digest[:], d[:]); {
		case order == 0:
			return middle, true
		case order < 0:
			at = middle + 1
		default:
			end = middle
		}
	}
	return at, false
}

// put adds a value, or replaces it.
func (b *byDigest[V]) put(d principal.Digest, value V) {
	b.edit(d, digested[V]{d, value})
}

func (b *byDigest[V]) remove(d principal.Digest) { b.edit(d) }

// edit swaps in a part in which nothing but the given entries stands in place of those
// of a digest.
func (b *byDigest[V]) edit(d principal.Digest, with ...digested[V]) {
	shard := &b.shards[digestShard(&d)]
	var old []digested[V]
	if list := shard.Load(); list != nil {
		old = *list
	}
	at, found := place(old, &d)
	rest := old[at:]
	if found {
		rest = rest[1:]
	}
	list := slices.Concat(old[:at], with, rest)
	if len(list) == 0 {
		shard.Store(nil)
		return
	}
	shard.Store(&list)
}

// digestArrivals are entries in the order in which they came, part by part.
type digestArrivals[V any] [digestShards][]digested[V]

func (a *digestArrivals[V]) append(d principal.Digest, value V) {
	list := &a[digestShard(&d)]
	*list = append(*list, digested[V]{d, value})
}

// fill sorts the entries into one that is empty.
func (a *digestArrivals[V]) fill(b *byDigest[V]) {
	for number, list := range a {
		if len(list) == 0 {
			continue
		}
		list = slices.Clone(list)
		slices.SortFunc(list, func(x, y digested[V]) int { return bytes.Compare(x.digest[:], y.digest[:]) })
		b.shards[number].Store(&list)
	}
}

// digestText is the form in which a digest stands in the store.
func digestText(d principal.Digest) string { return hex.EncodeToString(d[:]) }

func parseDigest(what, text string) (d principal.Digest, err error) {
	if n, err := hex.Decode(d[:], []byte(text[:min(len(text), 2*len(d))])); err != nil || n != len(d) || digestText(d) != text {
		return d, fmt.Errorf("%s '%s' in the store: its id is no digest of 64 small hexadecimal digits", what, printable(text))
	}
	return d, nil
}
