package identity

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// Inspection is what was found in a store that was read from beginning to end.
type Inspection struct {
	store.Summary
	// Damage is what is wrong with the database, Refused are the records that would
	// not be loaded. Of each there are some twenty at most.
	Damage, Refused []string
	// Known is the schema of this program. With another one than that, or with
	// damage, no record was looked at.
	Known int64
	// Missing are the fingerprints that the pepper file lacks, LeftOver those that it
	// has and the store does not need.
	Missing, LeftOver []string
	// PepperFault is why the pepper file cannot be read.
	PepperFault error
}

// Inspect reads a store from beginning to end, and its pepper file, and changes
// nothing. begin is told what is looked at next. The error is that the store cannot
// be read.
func Inspect(ctx context.Context, c Config, begin func(what string)) (i Inspection, err error) {
	s, err := store.OpenAsItIs(ctx, c.Location, c.Now)
	if err != nil {
		return i, err
	}
	defer s.Close()
	if i.Summary, err = s.Summary(ctx); err != nil {
		return i, err
	}
	if i.Damage, err = s.Inspect(ctx, begin); err != nil {
		return i, err
	}
	i.Known = s.Newest()
	if i.Schema == i.Known && len(i.Damage) == 0 {
		begin(fmt.Sprintf("%d users and %d keys", i.Users, i.Keys))
		if i.Refused, err = unloadable(ctx, s); err != nil {
			return i, err
		}
	}
	peppers, err := ReadPeppers(c.pepperFile())
	if err != nil {
		i.PepperFault = err
		return i, nil
	}
	i.weigh(peppers)
	return i, nil
}

// weigh compares the peppers of the file with those of the store.
func (i *Inspection) weigh(peppers *credential.Peppers) {
	for _, p := range i.Peppers {
		if peppers.Find(p.Fingerprint) == nil {
			i.Missing = append(i.Missing, p.Fingerprint)
		}
		peppers = peppers.Without(p.Fingerprint)
	}
	i.LeftOver = peppers.Fingerprints()
}

// maxUnloadable bounds what is told of records that would not be loaded.
const maxUnloadable = 20

// unloadable lists the records that loading refuses. The error is that of ctx.
func unloadable(ctx context.Context, s *store.Store) (refused []string, err error) {
	note := func(err error) {
		if err != nil && len(refused) < maxUnloadable {
			refused = append(refused, err.Error())
		}
	}
	needed, err := s.Peppers(ctx)
	if err != nil {
		return nil, err
	}
	// Nothing is checked under them, so that their numbers are enough.
	peppers := &pepperSet{list: make([]*credential.Pepper, len(needed))}
	for _, p := range needed {
		peppers.ids = append(peppers.ids, p.ID)
	}
	l, err := newLoader(peppers)
	if err != nil {
		return nil, err
	}
	_, err = s.Load(ctx, l.user,
		func(k *store.Key) error { note(l.key(k)); return nil },
		func(t *store.Token) error { note(l.token(t)); return nil })
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// It ends with a record that cannot be read at all.
	note(err)
	return refused, nil
}
