package identity

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/plural"
	"github.com/sallyport/sallyport/internal/store"
)

// Inspection is what was found in a store that was read from beginning to end.
type Inspection struct {
	store.Summary
	// Structure is in what the database is made otherwise than this program makes
	// one, or the damage because of which nobody can say what is in it. If there is
	// anything, nothing else was looked at.
	Structure []string
	// Damage is what is wrong with the database, Refused are the records that are
	// not as this program writes them. Of each there are some twenty at most.
	Damage, Refused []string
	// Known is the schema of this program. With another one than that, or with
	// damage, no record was looked at.
	Known int64
	// Missing are the fingerprints that the pepper file lacks. LeftOver, where it lacks
	// none, are those that nothing needs, as PepperStatus.Unneeded has them; where no
	// record was looked at it has only those that the store does not know.
	Missing, LeftOver []string
	// PepperFault is why the pepper file cannot be read.
	PepperFault error
}

// Inspect reads a store from beginning to end, and its pepper file, and changes
// nothing. begin is told what is looked at next. The error is that the store cannot
// be read.
func Inspect(ctx context.Context, c Config, begin func(what string)) (i Inspection, err error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	s, err := store.OpenAsItIs(ctx, c.Location, c.Now)
	if err != nil {
		return i, err
	}
	defer s.Close()
	if i.Structure, err = s.Structure(ctx); err != nil || len(i.Structure) > 0 {
		return i, err
	}
	damage, err := s.Inspect(ctx, begin)
	if err != nil {
		return i, err
	}
	if i.Summary, err = s.Summary(ctx); err != nil {
		if len(damage) > 0 {
			i.Structure, err = damage, nil
		}
		return i, err
	}
	i.Damage = damage
	i.Known = s.Newest()
	var uses store.PepperUses
	if i.Schema == i.Known && len(i.Damage) == 0 {
		begin(plural.Of(i.Users, "user") + " and " + plural.Of(i.Keys, "key"))
		if i.Refused, err = unsound(ctx, s); err != nil {
			return i, err
		}
		i.Refused = i.Refused[:min(len(i.Refused), maxRefused)]
		if uses, err = s.PepperUses(ctx, endedBy(c.Now())); err != nil {
			return i, err
		}
	}
	peppers, err := ReadPeppers(c.pepperFile())
	if err != nil {
		i.PepperFault = err
		return i, nil
	}
	i.weigh(peppers, &uses)
	return i, nil
}

// weigh compares the peppers of the file with those that the store needs.
func (i *Inspection) weigh(peppers *credential.Peppers, uses *store.PepperUses) {
	for _, p := range i.Peppers {
		if peppers.Find(p.Fingerprint) == nil {
			i.Missing = append(i.Missing, p.Fingerprint)
		}
		peppers = peppers.Without(p.Fingerprint)
	}
	if len(i.Missing) == 0 {
		i.LeftOver = unneeded(peppers.Fingerprints(), uses)
	}
}
