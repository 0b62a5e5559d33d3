package cscp

import (
	"container/list"
	"time"
)

const (
	// refusedFor is for how long a refused session is refused without asking. cced
	// pauses for up to that long after a refused AUTHKEY, and has the connection
	// among its 1,024 until then, though it was closed here.
	refusedFor = 3 * time.Second
	// maxRefusals is how many refused sessions are remembered.
	maxRefusals = 1000
)

// refusals are the sessions that cced has refused a short time ago. The zero
// value has none.
type refusals struct {
	// order has a refusal for each, the oldest first; places are where they are.
	order  list.List
	places map[sessionKey]*list.Element
}

// refusal is a session, and when it was refused.
type refusal struct {
	key sessionKey
	at  time.Time
}

// add remembers a session, and forgets the oldest if there are too many.
func (r *refusals) add(key sessionKey) {
	r.remove(key)
	if r.order.Len() == maxRefusals {
		r.remove(r.order.Front().Value.(refusal).key)
	}
	if r.places == nil {
		r.places = map[sessionKey]*list.Element{}
	}
	r.places[key] = r.order.PushBack(refusal{key, time.Now()})
}

// has reports whether a session was refused a short time ago, and forgets it if
// that was longer ago.
func (r *refusals) has(key sessionKey) bool {
	place := r.places[key]
	if place == nil {
		return false
	}
	if time.Since(place.Value.(refusal).at) < refusedFor {
		return true
	}
	r.remove(key)
	return false
}

func (r *refusals) remove(key sessionKey) {
	if place := r.places[key]; place != nil {
		r.order.Remove(place)
		delete(r.places, key)
	}
}
