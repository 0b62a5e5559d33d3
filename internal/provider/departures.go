package provider

import (
	"container/list"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

const (
	// LogInLimit is how long somebody may take to log in at the provider.
	LogInLimit = 10 * time.Minute
	// maxDepartures bounds the log-ins under way, maxFromNetwork those begun in one
	// network: a /24 of IPv4, a /64 of IPv6. Beyond it the oldest is forgotten, of that
	// network or of all. To refuse the newest would be cheaper to abuse: whoever had
	// filled the places once would keep everybody out until they are free.
	maxDepartures, maxFromNetwork = 10_000, 1_000
)

// digest stands for a secret text.
type digest [sha256.Size]byte

func digestOf(text string) digest { return sha256.Sum256([]byte(text)) }

// departure is what is remembered of a log-in between its beginning and its end.
type departure struct {
	nonce, verifier string
	// binding stands for the secret of the browser's cookie.
	binding digest
	client  clientKey
	network netip.Prefix
	expires time.Time
}

// departures are the log-ins that have begun and not ended, by the digest of their
// state. All of them live equally long, so the oldest is the first to go.
type departures struct {
	now func() time.Time

	mu sync.Mutex
	// order has *entry, the oldest first.
	order *list.List
	byKey map[digest]*list.Element
	from  map[netip.Prefix]int
}

type entry struct {
	key digest
	departure
}

func newDepartures(now func() time.Time) *departures {
	return &departures{now: now, order: list.New(), byKey: map[digest]*list.Element{}, from: map[netip.Prefix]int{}}
}

// add remembers a departure.
func (d *departures) add(key digest, from netip.Addr, made departure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	d.expire(now)
	made.network = NetworkOf(from)
	switch {
	case d.from[made.network] >= maxFromNetwork:
		d.remove(d.oldestOf(made.network))
	case d.order.Len() >= maxDepartures:
		d.remove(d.order.Front())
	}
	made.expires = now.Add(LogInLimit)
	d.byKey[key] = d.order.PushBack(&entry{key, made})
	d.from[made.network]++
}

// oldestOf is the oldest one of a network that has some.
func (d *departures) oldestOf(network netip.Prefix) *list.Element {
	at := d.order.Front()
	for at.Value.(*entry).network != network {
		at = at.Next()
	}
	return at
}

// take gives a departure out, once. ok is false if there is none, or no more.
func (d *departures) take(key digest) (taken departure, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(d.now())
	at, ok := d.byKey[key]
	if !ok {
		return departure{}, false
	}
	return d.remove(at), true
}

func (d *departures) expire(now time.Time) {
	for at := d.order.Front(); at != nil && !now.Before(at.Value.(*entry).expires); at = d.order.Front() {
		d.remove(at)
	}
}

func (d *departures) remove(at *list.Element) departure {
	gone := d.order.Remove(at).(*entry)
	delete(d.byKey, gone.key)
	if d.from[gone.network]--; d.from[gone.network] == 0 {
		delete(d.from, gone.network)
	}
	return gone.departure
}
