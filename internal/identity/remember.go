package identity

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

const (
	// rememberedFor is how long a proven password is taken for proven without
	// being hashed again: programs send it with each request.
	rememberedFor = 30 * time.Second
	// maxRemembered bounds the passwords that are remembered.
	maxRemembered = 10_000
)

// remembered passwords that were proven. Neither they nor anything that could be
// tried without the pepper is kept.
type remembered struct {
	mu      sync.Mutex
	entries map[credential.Verifier]proof
}

// proof says whose password it was, in the index in which the number of the
// account means something.
type proof struct {
	index *index
	user  uint32
	epoch int64
	until time.Time
}

func (m *remembered) find(key credential.Verifier) (proof, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, known := m.entries[key]
	return p, known
}

func (m *remembered) keep(key credential.Verifier, p proof, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries == nil {
		m.entries = map[credential.Verifier]proof{}
	}
	if len(m.entries) >= maxRemembered {
		m.makeRoom(now)
	}
	m.entries[key] = p
}

// makeRoom forgets what is over, or else any one: it is proven again at its next
// use.
func (m *remembered) makeRoom(now time.Time) {
	var last credential.Verifier
	for key, p := range m.entries {
		if last = key; !now.Before(p.until) {
			delete(m.entries, key)
		}
	}
	if len(m.entries) >= maxRemembered {
		delete(m.entries, last)
	}
}

// sweep forgets what is over. It also holds on to the index that it is about.
func (m *remembered) sweep(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.entries, func(_ credential.Verifier, p proof) bool { return !now.Before(p.until) })
}

// CheckPassword says whether user name and password of a request are accepted.
// One that was proven is not hashed again for half a minute, unless the user or
// the password was changed.
//
// The reason is Accepted, NotFresh, or WrongPassword, Locked, Throttled and Busy
// for what prove refuses; those and whatever else comes with the error.
func (m *Mirror) CheckPassword(ctx context.Context, a Attempt) (Caller, Reason, error) {
	_, now, fresh := m.look()
	if !fresh {
		return Caller{}, NotFresh, nil
	}
	// The source belongs to it: where the brakes hold, memory must not help.
	key := m.pepper.Verifier("remembered\x00" + m.registry.proofKey(&a))
	if p, known := m.remembered.find(key); known && now.Before(p.until) {
		if caller, holds := m.holds(&p); holds {
			return caller, Accepted, nil
		}
	}
	u, err := m.registry.prove(ctx, a)
	if err != nil {
		return Caller{}, reasonOf(err), err
	}
	p, err := m.proofOf(ctx, &u)
	if err != nil {
		return Caller{}, NotFresh, err
	}
	caller, holds := m.holds(&p)
	if !holds {
		// Changed in this very moment.
		return Caller{}, WrongPassword, ErrWrongPassword
	}
	m.remembered.keep(key, p, now)
	return caller, Accepted, nil
}

// holds reports whether a proof is still worth something, and whose it is.
func (m *Mirror) holds(p *proof) (Caller, bool) {
	x, _, fresh := m.look()
	if !fresh || x != p.index {
		return Caller{}, false
	}
	a := x.account(p.user)
	if a == nil || !a.active || a.epoch != p.epoch {
		return Caller{}, false
	}
	return Caller{User: &a.User, Scopes: principal.AllScopes}, true
}

// proofOf makes the proof of a user whose password was proven.
func (m *Mirror) proofOf(ctx context.Context, u *store.User) (proof, error) {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return proof{}, ctx.Err()
	}
	defer m.release()
	// The user may have been added, or have changed the password, by another
	// process after the last look.
	if err := m.lookAtStore(ctx); err != nil {
		return proof{}, err
	}
	x := m.index.Load()
	number, known := x.numbers[u.ID]
	if !known {
		return proof{}, ErrWrongPassword
	}
	return proof{index: x, user: number, epoch: u.Epoch, until: m.now().Add(rememberedFor)}, nil
}

// reasonOf gives the reason for an error of prove.
func reasonOf(err error) Reason {
	if brake, ok := errors.AsType[*BrakeError](err); ok {
		if brake.Locked {
			return Locked
		}
		return Throttled
	}
	if _, ok := errors.AsType[*InvalidError](err); ok {
		return Malformed
	}
	switch {
	case errors.Is(err, ErrWrongPassword):
		return WrongPassword
	case errors.Is(err, password.ErrBusy):
		return Busy
	}
	return NotFresh
}
