package identity

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// account is what checks need to know of a user. It is never changed.
type account struct {
	principal.User
	fold   string
	active bool
}

// Flags of a record.
const (
	flagDisabled = 1 << iota
	flagRevoked
	// flagPrevious marks the secret that a rotation has replaced.
	flagPrevious
)

// record is one secret of a key, without pointers: the collector does not look
// into slices of it.
type record struct {
	verifier credential.Verifier
	// name is a hash of the key's name.
	name uint64
	// user is the number of the owner in index.accounts.
	user uint32
	// notBefore and expires are seconds since 1970; 0 is not set.
	notBefore, expires uint32
	// limits is the number of the limits in the shard plus one; 0 is none.
	limits uint32
	scopes principal.Scopes
	flags  uint8
	// used is when the key was used last, in seconds since 1970, exact to a
	// minute. It is the one field that changes, and only by sync/atomic.
	used uint32
}

// copy returns a copy of a record that checks may be using.
func (r *record) copy() record {
	return record{
		verifier: r.verifier, name: r.name, user: r.user, notBefore: r.notBefore, expires: r.expires,
		limits: r.limits, scopes: r.scopes, flags: r.flags, used: atomic.LoadUint32(&r.used),
	}
}

// use notes a use, and reports whether it is the first one in a minute.
func (r *record) use(now time.Time) bool {
	const minute = 60
	last, seconds := atomic.LoadUint32(&r.used), clampSeconds(now.Unix())
	return seconds-last >= minute && atomic.CompareAndSwapUint32(&r.used, last, seconds)
}

// shard holds the keys whose ids begin with the same two characters, sorted by
// id. But for the time of use it is never changed. A key in the overlap of a rotation has two records.
type shard struct {
	// tags find the places of a key: they are few bytes, so that a search in
	// them stays in a line or two of the processor's cache.
	tags    []uint32
	ids     []credential.KeyID
	records []record
	limits  []*store.Limits
}

// index is all keys in memory. Readers need no lock; there must be only one
// writer at a time.
type index struct {
	shards   [credential.KeyShards]atomic.Pointer[shard]
	accounts atomic.Pointer[[]*account]
	// numbers finds an account's number by the user's id. Numbers are never
	// used again while the process lives, or a reader that holds an old record
	// might find somebody else under its number. Only the writer looks here.
	numbers map[string]uint32
	seed    maphash.Seed
	keys    int
}

func newIndex() *index {
	x := &index{numbers: map[string]uint32{}, seed: maphash.MakeSeed()}
	x.accounts.Store(new([]*account))
	return x
}

// find returns the records of id, and the shard that holds their limits.
func (x *index) find(id credential.KeyID) (*shard, []record) {
	s := x.shards[id.Shard()].Load()
	if s == nil {
		return nil, nil
	}
	from, to := s.span(id)
	return s, s.records[from:to]
}

// candidates returns the records that may be those of id, and their shard.
func (x *index) candidates(id credential.KeyID) (*shard, []record) {
	s := x.shards[id.Shard()].Load()
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

// account returns the account of that number, or nil if the user was deleted.
func (x *index) account(number uint32) *account { return (*x.accounts.Load())[number] }

// putUsers adds and replaces accounts. All of a load go in at once, since the
// list is copied.
func (x *index) putUsers(users []store.User) {
	accounts := slices.Clone(*x.accounts.Load())
	for i := range users {
		u := &users[i]
		number, known := x.numbers[u.ID]
		if !known {
			number = uint32(len(accounts))
			x.numbers[u.ID] = number
			accounts = append(accounts, nil)
		}
		accounts[number] = newAccount(u)
	}
	x.accounts.Store(&accounts)
}

func newAccount(u *store.User) *account {
	return &account{
		User: principal.User{
			ID: u.ID, Name: u.Username, Roles: u.Roles, Groups: u.Groups,
			RoleList: strings.Join(u.Roles, ","), GroupList: strings.Join(u.Groups, ","),
		},
		fold:   u.Fold,
		active: u.State == store.Active,
	}
}

// removeUser forgets an account. Records that still name it open nothing.
func (x *index) removeUser(id string) {
	number, known := x.numbers[id]
	if !known {
		return
	}
	accounts := slices.Clone(*x.accounts.Load())
	accounts[number] = nil
	x.accounts.Store(&accounts)
	delete(x.numbers, id)
}

// putKey adds or replaces a key.
func (x *index) putKey(k *store.Key) error {
	id, err := credential.ParseKeyID(k.ID)
	if err != nil {
		return fmt.Errorf("key '%s' in the store: %w", k.ID, err)
	}
	b := x.edit(id)
	if err := x.add(b, id, k); err != nil {
		return err
	}
	x.swap(id.Shard(), b.sorted())
	return nil
}

// removeKey forgets a key.
func (x *index) removeKey(text string) error {
	id, err := credential.ParseKeyID(text)
	if err != nil {
		return fmt.Errorf("key '%s' in the store: %w", text, err)
	}
	x.swap(id.Shard(), x.edit(id))
	return nil
}

// edit copies the shard of id without id's records.
func (x *index) edit(id credential.KeyID) *shard {
	old := x.shards[id.Shard()].Load()
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
		b.append(old.ids[i], old.records[i].copy(), old.limitsOf(&old.records[i]))
	}
	return b
}

func (s *shard) append(id credential.KeyID, r record, limits *store.Limits) {
	r.limits = 0
	if limits != nil {
		s.limits = append(s.limits, limits)
		r.limits = uint32(len(s.limits))
	}
	s.tags = append(s.tags, id.Tag())
	s.ids = append(s.ids, id)
	s.records = append(s.records, r)
}

// limitsOf returns the limits of one of the shard's records, or nil.
func (s *shard) limitsOf(r *record) *store.Limits {
	if r.limits == 0 {
		return nil
	}
	return s.limits[r.limits-1]
}

// add appends the records of k to b.
func (x *index) add(b *shard, id credential.KeyID, k *store.Key) error {
	number, known := x.numbers[k.UserID]
	if !known {
		return fmt.Errorf("key '%s' in the store: its user is missing", k.ID)
	}
	r := record{
		verifier: k.Verifier, name: x.hashName(k.Name), user: number, scopes: k.Scopes,
		notBefore: secondsUp(k.NotBefore), expires: secondsDown(k.Expires),
	}
	if !k.Disabled.IsZero() {
		r.flags |= flagDisabled
	}
	if !k.Revoked.IsZero() {
		r.flags |= flagRevoked
	}
	var limits *store.Limits
	if !k.None() {
		limits = &k.Limits
	}
	b.append(id, r, limits)
	if k.PreviousExpires.IsZero() {
		return nil
	}
	previous := r
	previous.verifier = k.Previous
	previous.flags |= flagPrevious
	if until := secondsDown(k.PreviousExpires); r.expires == 0 || until < r.expires {
		previous.expires = until
	}
	b.append(id, previous, limits)
	return nil
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
func (x *index) swap(number int, s *shard) {
	if old := x.shards[number].Load(); old != nil {
		x.keys -= old.keys()
	}
	x.keys += s.keys()
	if len(s.ids) == 0 {
		s = nil
	}
	x.shards[number].Store(s)
}

// keys counts the keys of a shard: its records but for the second ones.
func (s *shard) keys() int {
	n := 0
	for i := range s.records {
		if s.records[i].flags&flagPrevious == 0 {
			n++
		}
	}
	return n
}

func (x *index) hashName(name string) uint64 { return maphash.String(x.seed, name) }

// loader fills a new index with keys in the order of their ids.
type loader struct {
	index   *index
	current shard
	number  int
	users   []store.User
}

func (l *loader) user(u *store.User) error {
	l.users = append(l.users, *u)
	return nil
}

func (l *loader) key(k *store.Key) error {
	if l.users != nil {
		l.index.putUsers(l.users)
		l.users = nil
	}
	id, err := credential.ParseKeyID(k.ID)
	if err != nil {
		return fmt.Errorf("key '%s' in the store: %w", k.ID, err)
	}
	if number := id.Shard(); number != l.number {
		l.flush()
		l.number = number
	}
	return l.index.add(&l.current, id, k)
}

// flush gives the finished shard slices of just its size, and begins the next
// one in the same memory.
func (l *loader) flush() {
	s := &l.current
	if len(s.ids) == 0 {
		return
	}
	l.index.swap(l.number, &shard{
		tags: slices.Clone(s.tags), ids: slices.Clone(s.ids),
		records: slices.Clone(s.records), limits: slices.Clone(s.limits),
	})
	l.current = shard{tags: s.tags[:0], ids: s.ids[:0], records: s.records[:0], limits: s.limits[:0]}
}

// finish completes the index.
func (l *loader) finish() *index {
	if l.users != nil {
		l.index.putUsers(l.users)
	}
	l.flush()
	return l.index
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

// contains reports whether addr is in one of the networks.
func contains(networks []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}
