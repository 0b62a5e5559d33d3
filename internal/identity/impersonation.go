package identity

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// Impersonate says whether a caller who was proven may act as the owner of the key
// that he presents besides. The Caller is the owner, with the scopes that the key and
// the caller's own credential have in common. It allocates nothing, but for the first
// use in an hour of a key by an agent: that is in the audit trail before the answer.
//
// What is refused counts as a failed attempt of the caller, so that the reason may be
// Locked or Throttled; the error says more then, and of NotFresh why.
func (m *Mirror) Impersonate(ctx context.Context, p *principal.Principal, key *credential.Presented, address netip.Addr, circumstances func() Circumstances) (Caller, Reason, error) {
	c, reason := m.checkKey(key, p.User, circumstances)
	if m.mayBeFirstUse(key, reason) {
		switch err := m.firstUse(ctx, p.User, key, address); {
		case errors.Is(err, ErrWrongPassword):
			return Caller{}, WrongSecret, nil
		case err != nil:
			return Caller{}, reasonOf(err), err
		}
		c, reason = m.checkProven(key, p.User, circumstances)
	}
	switch {
	case reason == NotFresh:
		return Caller{}, reason, nil
	case reason != Accepted:
		if err := m.registry.refuseAgent(ctx, p.User, address); err != nil {
			return Caller{}, reasonOf(err), err
		}
		return Caller{}, reason, nil
	}
	if err := m.noteImpersonation(ctx, p.User, &c, address); err != nil {
		return Caller{}, NotFresh, err
	}
	c.Scopes &= p.Scopes
	return c, Accepted, nil
}

// refuseAgent counts a failed attempt to act as somebody else, for the caller's name and
// network, where failed passwords are counted too. The error is a BrakeError if there
// have been too many of them.
func (r *Registry) refuseAgent(ctx context.Context, agent *principal.User, address netip.Addr) error {
	a := Attempt{Username: agent.Name, Address: address}
	// A flood must not cost more than a look into the store each.
	record, err := r.store.LoginRecord(ctx, agent.Fold, r.place(&a))
	if err != nil {
		return err
	}
	brakes := &r.settings.Load().Brakes
	if v := brakes.judge(&record.Failures, r.now()); v.throttled || v.locked {
		return brakes.refusal(&v)
	}
	_, _, err = r.charge(ctx, &a)
	return err
}

// impersonationEvery is how often it is recorded that an agent uses a key.
const impersonationEvery = time.Hour

// maxImpersonations bounds what is remembered of such events.
const maxImpersonations = 10_000

// impersonations are who acted as whom of late.
type impersonations struct {
	mu       sync.Mutex
	recorded map[impersonation]time.Time
}

type impersonation struct {
	agent string
	key   credential.KeyID
}

// isRecorded reports whether it needs no event now. One of the future was written
// before the clock was set back.
func (i *impersonations) isRecorded(what impersonation, now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	at, known := i.recorded[what]
	return known && recent(at, now, impersonationEvery)
}

func (i *impersonations) record(what impersonation, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.recorded == nil || len(i.recorded) >= maxImpersonations {
		i.recorded = map[impersonation]time.Time{}
	}
	i.recorded[what] = now
}

// noteImpersonation writes into the audit trail that an agent acts as the owner of a
// key, unless that stands there of the last hour. Two requests at once may both write
// it.
func (m *Mirror) noteImpersonation(ctx context.Context, agent *principal.User, owner *Caller, address netip.Addr) error {
	what, now := impersonation{agent.ID, owner.ID}, m.now()
	if m.impersonations.isRecorded(what, now) {
		return nil
	}
	from := "an unknown address"
	if address.IsValid() {
		from = address.String()
	}
	event := store.Event{
		Kind: "impersonation.begin", Actor: UserActor(agent.Name), OnBehalfOf: UserActor(owner.User.Name),
		UserID: owner.User.ID, KeyID: owner.ID.String(), Detail: owner.User.Name + " by " + agent.Name + " from " + from,
	}
	err := m.registry.change(ctx, event, func(*store.Change, *store.Event) error { return nil })
	if err == nil {
		m.impersonations.record(what, now)
	}
	return err
}

// ErrImpersonated: what was asked for is for the user himself.
var ErrImpersonated = errors.New("who acts as another user cannot do this")
