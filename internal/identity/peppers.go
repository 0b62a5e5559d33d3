package identity

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// pepperSet is the peppers that the store needs, the newest first; never none. It
// is never changed.
type pepperSet struct {
	ids  []int64
	list []*credential.Pepper
}

// newest is the pepper that new verifiers are under, and its number in the store.
func (s *pepperSet) newest() (*credential.Pepper, int64) { return s.list[0], s.ids[0] }

// numbered is the pepper of this number in the store, nil if it is not in the set.
func (s *pepperSet) numbered(id int64) *credential.Pepper {
	if i := slices.Index(s.ids, id); i >= 0 {
		return s.list[i]
	}
	return nil
}

// oldest is the pepper that failed log-ins are counted under, so that a new
// pepper forgets no lock.
func (s *pepperSet) oldest() *credential.Pepper { return s.list[len(s.list)-1] }

// peppers is where a registry has its peppers, and which ones it uses.
type peppers struct {
	file string
	// replace is atomicfile.Replace.
	replace func(path string, content []byte, was fs.FileInfo) error
	set     atomic.Pointer[pepperSet]
	// reading is held while the set is made from store and file: what was read
	// first must not come last.
	reading sync.Mutex
}

func (p *peppers) newest() (*credential.Pepper, int64) { return p.set.Load().newest() }

// read reads which peppers the store needs, and the pepper file if one of them is
// new. On an error, store.ErrPepper among them, the set stays as it was.
func (p *peppers) read(ctx context.Context, s *store.Store) error {
	p.reading.Lock()
	defer p.reading.Unlock()
	needed, err := s.Peppers(ctx)
	for err == nil {
		if err = p.use(s.Location(), needed); !errors.Is(err, store.ErrPepper) {
			break
		}
		// Another process may have retired a pepper between the two readings.
		before := needed
		if needed, err = s.Peppers(ctx); err == nil && slices.Equal(needed, before) {
			return p.use(s.Location(), needed)
		}
	}
	return err
}

// use makes the set of the peppers that the store at l needs.
func (p *peppers) use(l store.Location, needed []store.Pepper) (err error) {
	next, old := &pepperSet{}, p.set.Load()
	var file *credential.Peppers
	for i := range needed {
		pepper := old.find(&needed[i])
		if pepper == nil && file == nil {
			if file, err = ReadPeppers(p.file); err == nil {
				err = p.check(l, needed, file)
			}
			if err != nil {
				return err
			}
		}
		if pepper == nil {
			pepper = file.Find(needed[i].Fingerprint)
		}
		next.ids, next.list = append(next.ids, needed[i].ID), append(next.list, pepper)
	}
	p.set.Store(next)
	return nil
}

// atHand are the fingerprints of the peppers in use, and of those in the file if it
// can be read.
func (p *peppers) atHand() (fingerprints []string) {
	for _, pepper := range p.set.Load().list {
		fingerprints = append(fingerprints, pepper.Fingerprint())
	}
	if file, err := ReadPeppers(p.file); err == nil {
		fingerprints = append(fingerprints, file.Fingerprints()...)
	}
	return fingerprints
}

// find returns the pepper of the set that the store knows by these words, if
// there is one. A nil set has none.
func (s *pepperSet) find(p *store.Pepper) *credential.Pepper {
	if s == nil {
		return nil
	}
	i := slices.Index(s.ids, p.ID)
	if i < 0 || s.list[i].Fingerprint() != p.Fingerprint {
		return nil
	}
	return s.list[i]
}

// check reports whether the file holds what a store needs.
func (p *peppers) check(l store.Location, needed []store.Pepper, file *credential.Peppers) error {
	return p.explain(store.CheckPeppers(l, needed, file.Fingerprints()))
}

// explain adds the name of the file to an error that is about what is in it.
func (p *peppers) explain(err error) error {
	if errors.Is(err, store.ErrPepper) {
		return fmt.Errorf("pepper file '%s': %w", p.file, err)
	}
	return err
}

// maxPepperNumbers is how many peppers the records in memory can tell apart.
const maxPepperNumbers = 256

// pepperNumbers are the peppers that the records of an index name by a number. It
// is never changed. A number is never used again, as a reader may hold a record of
// before.
type pepperNumbers struct {
	pepperSet
	// living are the numbers of those that the store needs, the newest first.
	living []uint8
}

// newest is the pepper that new verifiers are under, newestID its number in the
// store.
func (n *pepperNumbers) newest() *credential.Pepper { return n.list[n.living[0]] }
func (n *pepperNumbers) newestID() int64            { return n.ids[n.living[0]] }

// outdated reports whether there is a newer pepper than that of a record. One that
// is not known here has come since.
func (n *pepperNumbers) outdated(number uint8) bool {
	return number != n.living[0] && int(number) < len(n.ids) && n.ids[number] < n.newestID()
}

// errPepperNumbers makes memory load everything anew.
var errPepperNumbers = errors.New("memory knows too many peppers of before")

// putPeppers gives numbers to the peppers that are new.
func (x *index) putPeppers(s *pepperSet) error {
	next := &pepperNumbers{}
	if old := x.peppers.Load(); old != nil {
		next.ids, next.list = slices.Clone(old.ids), slices.Clone(old.list)
	}
	for i, id := range s.ids {
		number := slices.Index(next.ids, id)
		if number < 0 {
			number = len(next.ids)
			next.ids, next.list = append(next.ids, id), append(next.list, s.list[i])
		}
		if number >= maxPepperNumbers {
			return errPepperNumbers
		}
		next.living = append(next.living, uint8(number))
	}
	x.peppers.Store(next)
	return nil
}

// pepperNumber gives the number of a pepper of the store.
func (x *index) pepperNumber(id int64) (uint8, error) {
	number := slices.Index(x.peppers.Load().ids, id)
	if number < 0 {
		return 0, fmt.Errorf("pepper %d is not in memory", id)
	}
	return uint8(number), nil
}
