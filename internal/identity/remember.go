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

// remembered passwords that were proven, by network and name. Neither they nor
// anything that could be tried without the pepper is kept.
type remembered struct {
	mu     sync.Mutex
	places map[string]map[string]map[credential.Verifier]proof
	size   int
}

// proof says whose password it was, in the index in which the number of the
// account means something.
type proof struct {
	index *index
	user  uint32
	epoch int64
	until time.Time
}

func (m *remembered) find(at store.FailurePlace, key credential.Verifier) (proof, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, known := m.places[at.Source][at.Name][key]
	return p, known
}

func (m *remembered) keep(at store.FailurePlace, key credential.Verifier, p proof, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size >= maxRemembered {
		m.deleteIf(func(p proof) bool { return !now.Before(p.until) })
	}
	if m.size >= maxRemembered {
		// All are in use: they are proven again at their next use.
		m.places, m.size = nil, 0
	}
	if m.places == nil {
		m.places = map[string]map[string]map[credential.Verifier]proof{}
	}
	if m.places[at.Source] == nil {
		m.places[at.Source] = map[string]map[credential.Verifier]proof{}
	}
	if m.places[at.Source][at.Name] == nil {
		m.places[at.Source][at.Name] = map[credential.Verifier]proof{}
	}
	if _, known := m.places[at.Source][at.Name][key]; !known {
		m.size++
	}
	m.places[at.Source][at.Name][key] = p
}

// forget forgets what was proven of a name from a network, or of all names. It
// is asked for with each attempt that is refused: memory would tell at once
// whether a guess is right, and past the brakes.
func (m *remembered) forget(at store.FailurePlace, all bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := m.places[at.Source]
	for name, proofs := range names {
		if all || name == at.Name {
			m.size -= len(proofs)
			delete(names, name)
		}
	}
	if len(names) == 0 {
		delete(m.places, at.Source)
	}
}

// sweep forgets what is over. It also holds on to the index that it is about.
func (m *remembered) sweep(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deleteIf(func(p proof) bool { return !now.Before(p.until) })
}

func (m *remembered) deleteIf(over func(proof) bool) {
	for source, names := range m.places {
		for name, proofs := range names {
			before := len(proofs)
			maps.DeleteFunc(proofs, func(_ credential.Verifier, p proof) bool { return over(p) })
			m.size -= before - len(proofs)
			if len(proofs) == 0 {
				delete(names, name)
			}
		}
		if len(names) == 0 {
			delete(m.places, source)
		}
	}
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
	w := m.memoryOf(&a, now)
	if caller, known := w.recall(); known {
		return caller, Accepted, nil
	}
	u, err := m.registry.prove(ctx, a)
	if err != nil {
		return w.refuse(err)
	}
	return w.remember(ctx, &u)
}

// passwordMemory is what is remembered of an attempt.
type passwordMemory struct {
	*Mirror
	at  store.FailurePlace
	key credential.Verifier
	now time.Time
}

func (m *Mirror) memoryOf(a *Attempt, now time.Time) *passwordMemory {
	return &passwordMemory{m, m.registry.place(a), m.registry.hidden("remembered\x00" + m.registry.proofKey(a)), now}
}

// recall finds a password that was proven a short while ago.
func (w *passwordMemory) recall() (Caller, bool) {
	p, known := w.remembered.find(w.at, w.key)
	if !known || !w.now.Before(p.until) {
		return Caller{}, false
	}
	return w.holds(&p)
}

// refuse forgets what was proven of a name that has failed.
func (w *passwordMemory) refuse(err error) (Caller, Reason, error) {
	reason := reasonOf(err)
	if reason == WrongPassword || reason == Locked || reason == Throttled {
		w.remembered.forget(w.at, reason == Throttled)
	}
	return Caller{}, reason, err
}

// remember keeps a proof that was made just now.
func (w *passwordMemory) remember(ctx context.Context, u *store.User) (Caller, Reason, error) {
	p, err := w.proofOf(ctx, u)
	if err != nil {
		return Caller{}, NotFresh, err
	}
	caller, holds := w.holds(&p)
	if !holds {
		// Changed in this very moment.
		return Caller{}, WrongPassword, ErrWrongPassword
	}
	w.remembered.keep(w.at, w.key, p, w.now)
	return caller, Accepted, nil
}

// holds reports whether a proof is still worth something, and whose it is.
func (m *Mirror) holds(p *proof) (Caller, bool) {
	x, _, fresh := m.look()
	if !fresh || x != p.index {
		return Caller{}, false
	}
	a := x.account(p.user)
	if a == nil || !a.active || a.Epoch != p.epoch {
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
