package identity

import (
	"bytes"
	"slices"
	"sort"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
)

// Flags of a record.
const (
	flagDisabled = 1 << iota
	flagRevoked
	// flagPrevious marks the secret that a rotation has replaced.
	flagPrevious
	// flagApp, flagBare and flagSession tell the kinds of tokens apart.
	flagApp
	flagBare
	flagSession
	// flagImpersonation marks a key that others act as its owner by.
	flagImpersonation
)

// tokenFlags holds the flag of each kind of token.
var tokenFlags = map[credential.TokenKind]uint8{
	credential.AppToken: flagApp, credential.BareToken: flagBare, credential.SessionToken: flagSession,
}

// record is one secret of a key, or a token, without pointers: the collector
// does not look into slices of it. It is 64 bytes, a line of the processor's
// cache.
type record struct {
	verifier credential.Verifier
	// name is a hash of the key's name; tokens have none.
	name uint64
	// user is the number of the owner in index.accounts.
	user uint32
	// window is in seconds, and 0 if it is not set. For a key it is the time
	// since 1970 when it becomes valid, for a token how long it may lie unused.
	window uint32
	// expires is in seconds since 1970; 0 is not set.
	expires uint32
	// terms is the number of the terms in the shard plus one; 0 is none.
	terms  uint32
	scopes principal.Scopes
	flags  uint8
	// pepper is the number of the pepper in index.peppers that the verifier is
	// under.
	pepper uint8
	// used is when the secret was used last, in seconds since 1970, as exactly
	// as use says. It is the one field that changes, and only by sync/atomic.
	used uint32
}

// copy returns a copy of a record that checks may be using.
func (r *record) copy() record {
	return record{
		verifier: r.verifier, name: r.name, user: r.user, window: r.window, expires: r.expires,
		terms: r.terms, scopes: r.scopes, flags: r.flags, pepper: r.pepper, used: atomic.LoadUint32(&r.used),
	}
}

// use notes a use, and reports whether it is the first one in so many seconds.
func (r *record) use(now time.Time, every uint32) bool {
	last, seconds := atomic.LoadUint32(&r.used), clampSeconds(now.Unix())
	return seconds-last >= every && atomic.CompareAndSwapUint32(&r.used, last, seconds)
}

func (r *record) isKey() bool { return r.flags&(flagApp|flagBare|flagSession) == 0 }

// idleSince reports whether a token has lain unused for too long.
func (r *record) idleSince(now int64) bool {
	return !r.isKey() && r.window != 0 && now > int64(atomic.LoadUint32(&r.used))+int64(r.window)
}

// usedAtLeast makes the last use no earlier than seconds.
func (r *record) usedAtLeast(seconds uint32) { r.used = max(r.used, seconds) }

// shard holds the keys, or the tokens, whose ids begin with the same two
// characters, sorted by id. But for the time of use it is never changed. A key
// in the overlap of a rotation has two records.
type shard struct {
	// tags find the places of a key: they are few bytes, so that a search in
	// them stays in a line or two of the processor's cache.
	tags    []uint32
	ids     []credential.KeyID
	records []record
	terms   []*terms
}

// table is all keys, or all tokens, in memory. Readers need no lock; there must
// be only one writer at a time.
type table struct {
	shards [credential.KeyShards]atomic.Pointer[shard]
	// size is the number of keys or tokens.
	size int
}

// find returns the records of id, and the shard that holds their terms.
func (t *table) find(id credential.KeyID) (*shard, []record) {
	s := t.shards[id.Shard()].Load()
	if s == nil {
		return nil, nil
	}
	from, to := s.span(id)
	return s, s.records[from:to]
}

// usedAt is when a token was used last, as record.used has it; 0 if there is none
// of that id.
func (t *table) usedAt(id credential.KeyID) uint32 {
	if _, records := t.find(id); len(records) > 0 {
		return atomic.LoadUint32(&records[0].used)
	}
	return 0
}

// candidates returns the records that may be those of id, and their shard.
func (t *table) candidates(id credential.KeyID) (*shard, []record) {
	s := t.shards[id.Shard()].Load()
	if s == nil {
		return emptyShard, nil
	}
	from, to := s.tagged(id.Tag())
	return s, s.records[from:to]
}

// emptyShard stands for those that hold no key.
var emptyShard = new(shard)

// tagged gives the places that have a tag, from ≤ place < to.
func (s *shard) tagged(tag uint32) (from, to int) {
	from, _ = slices.BinarySearch(s.tags, tag)
	for to = from; to < len(s.tags) && s.tags[to] == tag; to++ {
	}
	return from, to
}

// span gives the places of id in the shard, from ≤ place < to.
func (s *shard) span(id credential.KeyID) (from, to int) {
	from, end := s.tagged(id.Tag())
	for from < end && s.ids[from] != id {
		from++
	}
	for to = from; to < end && s.ids[to] == id; to++ {
	}
	return from, to
}

// removeAll forgets ids, as the store writes them.
func (t *table) removeAll(ids []string) error {
	for _, text := range ids {
		id, err := parseID("record", text)
		if err != nil {
			return err
		}
		t.swap(id.Shard(), t.edit(id))
	}
	return nil
}

// edit copies the shard of id without id's records.
func (t *table) edit(id credential.KeyID) *shard {
	old := t.shards[id.Shard()].Load()
	b := &shard{}
	if old == nil {
		return b
	}
	from, to := old.span(id)
	b.tags = make([]uint32, 0, len(old.ids)+2)
	b.ids = make([]credential.KeyID, 0, len(old.ids)+2)
	b.records = make([]record, 0, len(old.ids)+2)
	for i := range old.ids {
		if from <= i && i < to {
			continue
		}
		b.append(old.ids[i], old.records[i].copy(), old.termsOf(&old.records[i]))
	}
	return b
}

func (s *shard) append(id credential.KeyID, r record, terms *terms) {
	r.terms = 0
	if terms != nil {
		s.terms = append(s.terms, terms)
		r.terms = uint32(len(s.terms))
	}
	s.tags = append(s.tags, id.Tag())
	s.ids = append(s.ids, id)
	s.records = append(s.records, r)
}

// termsOf returns the terms of one of the shard's records, or nil.
func (s *shard) termsOf(r *record) *terms {
	if r.terms == 0 {
		return nil
	}
	return s.terms[r.terms-1]
}

// sorted puts the records that were appended last into their places.
func (s *shard) sorted() *shard {
	sort.Stable((*byID)(s))
	return s
}

type byID shard

func (s *byID) Len() int           { return len(s.ids) }
func (s *byID) Less(i, j int) bool { return bytes.Compare(s.ids[i][:], s.ids[j][:]) < 0 }
func (s *byID) Swap(i, j int) {
	s.tags[i], s.tags[j] = s.tags[j], s.tags[i]
	s.ids[i], s.ids[j] = s.ids[j], s.ids[i]
	s.records[i], s.records[j] = s.records[j], s.records[i]
}

// swap puts a new shard into its place.
func (t *table) swap(number int, s *shard) {
	if old := t.shards[number].Load(); old != nil {
		t.size -= old.size()
	}
	t.size += s.size()
	if len(s.ids) == 0 {
		s = nil
	}
	t.shards[number].Store(s)
}

// size counts the keys or tokens of a shard: its records but for the second ones.
func (s *shard) size() int {
	n := 0
	for i := range s.records {
		if s.records[i].flags&flagPrevious == 0 {
			n++
		}
	}
	return n
}

// expiring counts the keys that are in use and expire within d.
func (t *table) expiring(now time.Time, d time.Duration) (n int) {
	from, to := clampSeconds(now.Unix()), clampSeconds(now.Add(d).Unix())
	for i := range t.shards {
		s := t.shards[i].Load()
		if s == nil {
			continue
		}
		for j := range s.records {
			if r := &s.records[j]; r.flags&(flagRevoked|flagPrevious) == 0 && from < r.expires && r.expires <= to {
				n++
			}
		}
	}
	return n
}

// secondsDown and secondsUp round so that a key is never valid longer than it
// says.
func secondsDown(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	return clampSeconds(t.Unix())
}

func secondsUp(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return clampSeconds(s)
}

// clampSeconds keeps 0 for "not set".
func clampSeconds(s int64) uint32 { return uint32(min(max(s, 1), maxKeyTime.Unix())) }
