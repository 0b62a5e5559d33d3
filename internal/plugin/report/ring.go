package report

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Kept is how many refusals a process remembers.
	Kept = 10_000
	// maxHost and maxText bound, in bytes, what is kept of texts that may be long.
	// A longer host name is cut; what the system says is seldom as long.
	maxHost = 64
	maxText = 256
	// idLength is that of an error id, in letters.
	idLength = 12
)

// Noted is a refusal as it is remembered: what the logs have of it and no more, without
// path, query, headers or secrets.
type Noted struct {
	ErrorID string    `json:"error_id"`
	Time    time.Time `json:"time"`
	// Module is the id of the module that has refused, such as http.handlers.token_auth.
	Module string `json:"module"`
	// Method is that of the request, `other` where it is none of the usual ones.
	Method string `json:"method"`
	// Host is the host that was asked for, cut at 64 bytes.
	Host string `json:"host"`
	// ClientIP is Caddy's client_ip; not valid where there is none.
	ClientIP netip.Addr `json:"client_ip"`
	Refusal
	// Reason is what the system, or the daemon behind, has said of it, if anything.
	Reason string `json:"reason,omitempty"`
}

// slot is a place in the ring.
type slot struct {
	lock sync.Mutex
	// turn is the number of the refusal, from 1; 0 means that there is none yet.
	turn uint64
	id   [idLength]byte
	// host is in the slot, so that no request's memory is kept for it.
	host    [maxHost]byte
	hostLen uint8
	when    int64
	module  string
	method  string
	client  netip.Addr
	reason  string
	refusal Refusal
}

// ring holds the last refusals. Each place has a lock of its own, and a counter says
// which place is next, so that refusals at the same time wait for one another only if
// they are Kept apart. With all places taken it has 3.2 MB, and 8.3 MB where every
// cause and reason is as long as can be.
type ring struct {
	begin sync.Once
	// slots are made with the first refusal: a server that refuses nobody needs none.
	slots []slot
	made  atomic.Bool
	turns atomic.Uint64
	size  int
}

func newRing(size int) *ring { return &ring{size: size} }

// recent is the ring of this process. It is package state since it outlives
// configurations: a refusal can be asked for after the reload that was to cure it.
var recent = newRing(Kept)

// note remembers a refusal. It allocates nothing, but for the first one and for what
// the system says.
func (g *ring) note(id, module string, now time.Time, r *http.Request, host string, client netip.Addr, f *Refusal) {
	g.begin.Do(func() {
		g.slots = make([]slot, g.size)
		g.made.Store(true)
	})
	reason := ""
	if f.Err != nil {
		reason = cut(f.Err.Error())
	}
	turn := g.turns.Add(1)
	s := &g.slots[(turn-1)%uint64(len(g.slots))]
	s.lock.Lock()
	defer s.lock.Unlock()
	if turn < s.turn {
		// This one was held up for a whole round.
		return
	}
	s.turn, s.when, s.module, s.method, s.client, s.reason = turn, now.UnixNano(), module, method(r.Method), client, reason
	s.refusal = *f
	s.refusal.Cause, s.refusal.Err = cut(f.Cause), nil
	copy(s.id[:], id)
	s.hostLen = uint8(copy(s.host[:], host))
}

// find looks for an error id. oldest is the time of the oldest refusal that is
// remembered, zero if there is none.
func (g *ring) find(id string) (found Noted, ok bool, oldest time.Time) {
	if !g.made.Load() {
		return Noted{}, false, time.Time{}
	}
	for i := range g.slots {
		s := &g.slots[i]
		s.lock.Lock()
		if s.turn > 0 {
			if when := time.Unix(0, s.when).UTC(); oldest.IsZero() || when.Before(oldest) {
				oldest = when
			}
			if string(s.id[:]) == id {
				found, ok = s.noted(), true
			}
		}
		s.lock.Unlock()
	}
	return found, ok, oldest
}

func (s *slot) noted() Noted {
	return Noted{
		ErrorID: string(s.id[:]), Time: time.Unix(0, s.when).UTC(), Module: s.module, Method: s.method,
		Host: strings.ToValidUTF8(string(s.host[:s.hostLen]), ""), ClientIP: s.client, Refusal: s.refusal, Reason: s.reason,
	}
}

// cut bounds a text, and lets go of the longer one.
func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(strings.Clone(text[:maxText]), "")
}

// method is a request's method in a text that does not keep the request in memory:
// clients may send any word.
func method(of string) string {
	for _, known := range [...]string{
		http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodHead,
		http.MethodPatch, http.MethodOptions, http.MethodConnect, http.MethodTrace,
	} {
		if of == known {
			return known
		}
	}
	return "other"
}

// Find returns the refusal with an error id, as ParseID gives it, if it is among the
// last Kept of this process. oldest is the time of the oldest that is remembered, zero
// if nothing was refused yet.
func Find(id string) (found Noted, ok bool, oldest time.Time) { return recent.find(id) }

// ParseID reads an error id as people write it: in any case, with blanks around. It
// reports whether it can be one: 12 letters and digits of RFC 4648 base32.
func ParseID(text string) (id string, ok bool) {
	id = strings.ToUpper(strings.TrimSpace(text))
	if len(id) != idLength {
		return "", false
	}
	for _, c := range []byte(id) {
		if (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return "", false
		}
	}
	return id, true
}
