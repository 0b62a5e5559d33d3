package identity

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// loader fills a new index with peppers, users, and then everything else in any
// order.
type loader struct {
	index *index
	// users wait to be put into the index all at once.
	users        []store.User
	keys, tokens arrivals
	// names are nil until there is a key by name.
	names *keyNames
	// identities and refused are nil until there is one.
	identities *digestArrivals[uint32]
	refused    *digestArrivals[bool]
}

// receiver is told of what the store has.
func (l *loader) receiver() store.Receiver {
	return store.Receiver{User: l.user, Key: l.key, Token: l.token, Identity: l.identity, Refused: l.refuse}
}

func newLoader(peppers *pepperSet) (*loader, error) {
	l := &loader{index: newIndex()}
	return l, l.index.putPeppers(peppers)
}

func (l *loader) user(u *store.User) error {
	l.users = append(l.users, *u)
	return nil
}

// settle puts the users into the index, where keys and tokens look for them.
func (l *loader) settle() {
	if l.users != nil {
		l.index.putUsers(l.users)
		l.users = nil
	}
}

func (l *loader) key(k *store.Key) error {
	id, err := parseID("key", k.ID)
	if err != nil {
		return err
	}
	l.settle()
	if err := l.index.addKey(&l.keys, id, k); err != nil {
		return err
	}
	if isNamed(k) {
		if l.names == nil {
			l.names = noKeyNames.clone()
		}
		l.index.addKeyName(l.names, id, k)
	}
	return nil
}

func (l *loader) token(t *store.Token) error {
	id, err := parseID("token", t.ID)
	if err != nil {
		return err
	}
	l.settle()
	return l.index.addToken(&l.tokens, id, t)
}

func (l *loader) identity(i *store.Identity) error {
	l.settle()
	d, number, err := l.index.identity(i)
	if err != nil {
		return err
	}
	if l.identities == nil {
		l.identities = new(digestArrivals[uint32])
	}
	l.identities.append(d, number)
	return nil
}

func (l *loader) refuse(t *store.RefusedToken) error {
	d, err := parseDigest("refused token", t.ID)
	if err != nil {
		return err
	}
	if l.refused == nil {
		l.refused = new(digestArrivals[bool])
	}
	l.refused.append(d, t.Spent)
	return nil
}

// finish completes the index.
func (l *loader) finish() *index {
	l.settle()
	l.keys.fill(&l.index.keys)
	l.tokens.fill(&l.index.tokens)
	if l.names != nil {
		l.index.names.Store(l.names)
	}
	if l.identities != nil {
		l.identities.fill(&l.index.identities)
	}
	if l.refused != nil {
		l.refused.fill(&l.index.refused)
	}
	return l.index
}

// arrivals are records in the order in which they came. They lie in blocks, so
// that there is never much more memory in use than they need: until they are in
// their shards there are two copies of them.
type arrivals struct {
	blocks [][]arrival
	terms  []*terms
	// counts is how many came for each shard.
	counts [credential.KeyShards]uint32
}

// arrival is a record on its way. Its terms are numbered in arrivals.
type arrival struct {
	id     credential.KeyID
	record record
}

// blockSize is how many records a block holds: 320 kB.
const blockSize = 4096

func (a *arrivals) append(id credential.KeyID, r record, terms *terms) {
	r.terms = 0
	if terms != nil {
		a.terms = append(a.terms, terms)
		r.terms = uint32(len(a.terms))
	}
	last := len(a.blocks) - 1
	if last < 0 || len(a.blocks[last]) == blockSize {
		a.blocks = append(a.blocks, make([]arrival, 0, blockSize))
		last++
	}
	a.blocks[last] = append(a.blocks[last], arrival{id, r})
	a.counts[id.Shard()]++
}

func (a *arrivals) at(place uint32) *arrival {
	return &a.blocks[place/blockSize][place%blockSize]
}

// fill sorts the records into the shards of a table that is empty.
func (a *arrivals) fill(t *table) {
	for number, places := range a.byShard() {
		// Records of one id stay in the order in which they came.
		slices.SortFunc(places, func(i, j uint32) int {
			return cmp.Or(bytes.Compare(a.at(i).id[:], a.at(j).id[:]), cmp.Compare(i, j))
		})
		t.swap(number, a.shard(places))
	}
}

// byShard gives the places of the records of each shard.
func (a *arrivals) byShard() [][]uint32 {
	places := make([][]uint32, len(a.counts))
	for number, count := range a.counts {
		places[number] = make([]uint32, 0, count)
	}
	for b, block := range a.blocks {
		for i := range block {
			number := block[i].id.Shard()
			places[number] = append(places[number], uint32(b*blockSize+i))
		}
	}
	return places
}

// shard copies the records at these places.
func (a *arrivals) shard(places []uint32) *shard {
	s := &shard{
		tags: make([]uint32, 0, len(places)), ids: make([]credential.KeyID, 0, len(places)),
		records: make([]record, 0, len(places)),
	}
	for _, place := range places {
		one := a.at(place)
		var terms *terms
		if n := one.record.terms; n != 0 {
			terms = a.terms[n-1]
		}
		s.append(one.id, one.record, terms)
	}
	s.terms = slices.Clip(s.terms)
	return s
}
