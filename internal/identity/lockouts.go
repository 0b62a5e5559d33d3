package identity

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/internal/store"
)

// Unlock forgets the failed log-ins of a user, from wherever they came, and
// reports whether there were any.
func (r *Registry) Unlock(ctx context.Context, actor, username string) (any bool, err error) {
	fold, err := foldName(username)
	if err != nil {
		return false, err
	}
	err = r.change(ctx, store.Event{Kind: "user.unlock", Actor: actor}, func(c *store.Change, e *store.Event) error {
		u, err := c.UserByFold(fold)
		if err != nil {
			return err
		}
		e.UserID, e.Detail = u.ID, u.Username
		places, err := c.ForgetFailures(r.hashName(fold))
		any = places > 0
		return err
	})
	return any, err
}

// LockOut is a place from which log-ins are refused, or slowed down.
type LockOut struct {
	// User is the user whose name fails; empty if all names are refused, or if
	// the name is nobody's.
	User string `json:"user,omitempty"`
	// Source is the network; empty if a name is slowed down wherever it comes
	// from.
	Source   string `json:"source,omitempty"`
	Failures int    `json:"failures"`
	// Kind is locked (the name from this network), throttled (any name from this
	// network) or slowed (the name from anywhere).
	Kind string `json:"kind"`
	// Until is when it ends if nothing else happens.
	Until time.Time `json:"until"`
}

// maxLockOuts bounds the list of lock-outs, and the users that are looked
// through for their names.
const maxLockOuts, maxNamed = 1000, 100_000

// LockOuts lists where the brakes hold, the last ones first.
func (r *Registry) LockOuts(ctx context.Context) ([]LockOut, error) {
	now, brakes := r.now(), &r.settings.Load().Brakes
	failing, err := r.store.Failing(ctx, min(brakes.Failures, slowFrom), now.Add(-max(brakes.Window, failuresKept)), maxLockOuts)
	if err != nil || len(failing) == 0 {
		return []LockOut{}, err
	}
	names, err := r.namesByHash(ctx)
	if err != nil {
		return nil, err
	}
	list := []LockOut{}
	for i := range failing {
		if l, holds := brakes.lockOut(&failing[i], now); holds {
			l.User = names[failing[i].Name]
			list = append(list, l)
		}
	}
	return list, nil
}

// namesByHash finds the users behind the hashes in the counts of failures.
func (r *Registry) namesByHash(ctx context.Context) (map[string]string, error) {
	names := map[string]string{}
	for after := ""; len(names) < maxNamed; {
		page, err := r.store.Users(ctx, after, 1000)
		if err != nil {
			return nil, err
		}
		for i := range page {
			names[r.hashName(page[i].Fold)] = page[i].Username
			after = page[i].Fold
		}
		if len(page) < 1000 {
			break
		}
	}
	return names, nil
}

// lockOut says whether a count makes the brakes hold.
func (b *Brakes) lockOut(f *store.Failure, now time.Time) (LockOut, bool) {
	l := LockOut{Source: f.Source, Failures: f.Count}
	var counts store.Failures
	switch {
	case f.Name == "":
		counts.Source = *f
		l.Kind = "throttled"
	case f.Source == "":
		counts.Name = *f
		l.Kind, l.Until = "slowed", f.Last.Add(failuresKept)
	default:
		counts.Pair = *f
		l.Kind = "locked"
	}
	v := b.judge(&counts, now)
	if v.locked || v.throttled {
		l.Until = now.Add(v.wait)
	}
	return l, v.locked || v.throttled || v.lag > 0
}
