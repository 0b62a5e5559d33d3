package cce

import (
	"container/list"
	"time"
)

// recent remembers keys for a time. Where it is full, the key that was added
// longest ago makes room.
type recent[K comparable] struct {
	// life is how long a key is remembered, most how many are.
	life   time.Duration
	most   int
	places map[K]*list.Element
	// order has what was added last at its end.
	order *list.List
}

// added is a key, and when it was added.
type added[K comparable] struct {
	key K
	at  time.Time
}

func newRecent[K comparable](life time.Duration, most int) *recent[K] {
	return &recent[K]{life: life, most: most, places: map[K]*list.Element{}, order: list.New()}
}

// add remembers a key from now on.
func (r *recent[K]) add(key K, now time.Time) {
	r.remove(key)
	r.prune(now)
	if len(r.places) >= r.most {
		r.remove(r.order.Front().Value.(added[K]).key)
	}
	r.places[key] = r.order.PushBack(added[K]{key, now})
}

// has reports whether a key is remembered.
func (r *recent[K]) has(key K, now time.Time) bool {
	r.prune(now)
	return r.places[key] != nil
}

// remove forgets a key, and reports whether it was there.
func (r *recent[K]) remove(key K) bool {
	place := r.places[key]
	if place == nil {
		return false
	}
	r.order.Remove(place)
	delete(r.places, key)
	return true
}

// prune forgets what was added too long ago.
func (r *recent[K]) prune(now time.Time) {
	for first := r.order.Front(); first != nil; first = r.order.Front() {
		oldest := first.Value.(added[K])
		if now.Sub(oldest.at) < r.life {
			return
		}
		r.remove(oldest.key)
	}
}
