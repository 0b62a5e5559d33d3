package identity

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// TestKeysInAnyOrderAreLoadedInThatOfTheirIds fills several blocks, so that what
// lies on both sides of their ends is looked at too.
func TestKeysInAnyOrderAreLoadedInThatOfTheirIds(t *testing.T) {
	const keys = 2*blockSize + 1
	p := newPopulation(t, keys)
	l, err := newLoader(onePepper(p.pepper))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.user(&store.User{ID: "id", Username: "alice", Fold: "alice", State: store.Active}); err != nil {
		t.Fatal(err)
	}
	// Each tenth has a second secret, each seventh a limit that only it has.
	of := func(i int) store.Key {
		k := store.Key{ID: p.ids[i].String(), UserID: "id", Verifier: credential.Verifier{byte(i), byte(i >> 8)}, Pepper: 1, PreviousPepper: 1}
		if i%10 == 0 {
			k.PreviousExpires = time.Unix(4_000_000_000, 0)
		}
		if i%7 == 0 {
			k.UserAgent = k.ID
		}
		return k
	}
	// The variable is the same each time, as in the store.
	var k store.Key
	for n := range keys {
		k = of((n * 4099) % keys)
		if err := l.key(&k); err != nil {
			t.Fatal(err)
		}
	}
	x := l.finish()
	if x.keys.size != keys {
		t.Errorf("%d keys, want %d", x.keys.size, keys)
	}
	for i, id := range p.ids {
		want := of(i)
		s, records := x.keys.find(id)
		if rotated := i%10 == 0; len(records) == 0 || records[0].verifier != want.Verifier ||
			len(records) == 2 != rotated || rotated && records[1].flags&flagPrevious == 0 {
			t.Fatalf("key %d: %d records", i, len(records))
		}
		if limits := s.termsOf(&records[0]); (limits != nil) != (i%7 == 0) || limits != nil && limits.UserAgent != want.ID {
			t.Fatalf("key %d is bound to %+v", i, limits)
		}
	}
	for number := range x.keys.shards {
		s := x.keys.shards[number].Load()
		if s != nil && !slices.IsSortedFunc(s.ids, func(a, b credential.KeyID) int { return bytes.Compare(a[:], b[:]) }) {
			t.Errorf("shard %d is not sorted", number)
		}
	}
}
