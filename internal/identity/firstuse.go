package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// KeyAttempt is somebody who claims to have a key by name that memory cannot prove,
// since there may be only the hash that was imported.
type KeyAttempt struct {
	// Attempt counts as failed if the key is not proven either. Its Password is what
	// was presented, where that may be a password of the same user instead; empty is
	// that it may not.
	Attempt
	// Owner and KeyName name the key. Both are empty if only a password is meant.
	Owner, KeyName string
	// Secret is the whole secret. The imported hash is one of its first 72 bytes.
	Secret string
}

// CheckFirstUse says whether a key by name is accepted that Check has not proven, and
// where orPassword is set, whether what was presented is the user's password: it is one
// attempt, and held against the same brakes as a password. The first use replaces the
// imported hash by a verifier of the whole secret as it was presented, which is on disk
// before the answer; from then on Check proves it.
//
// byKey says that it was the key, and the reasons are those of Check then; otherwise
// they are those of CheckPassword, also where only a key could be meant.
func (m *Mirror) CheckFirstUse(ctx context.Context, p *credential.Presented, address netip.Addr, orPassword bool, circumstances func() Circumstances) (c Caller, byKey bool, reason Reason, err error) {
	_, now, fresh := m.look()
	if !fresh {
		return Caller{}, false, NotFresh, nil
	}
	a := keyAttempt(p.User, p, address)
	if orPassword {
		a.Password = p.Secret
	}
	w := m.memoryOf(&a.Attempt, now)
	if orPassword {
		if c, known := w.recall(); known {
			return c, false, Accepted, nil
		}
	}
	e, err := m.registry.proveKey(ctx, a)
	switch {
	case err != nil:
		c, reason, err = w.refuse(err)
		return c, false, reason, err
	case !e.byKey:
		c, reason, err = w.remember(ctx, &e.user)
		return c, false, reason, err
	}
	if err := m.poll(ctx); err != nil {
		return Caller{}, true, NotFresh, err
	}
	c, reason = m.checkProven(p, nil, circumstances)
	return c, true, reason, nil
}

// firstUse proves a key by name for an agent, whose failure it is if it is wrong.
func (m *Mirror) firstUse(ctx context.Context, agent *principal.User, p *credential.Presented, address netip.Addr) error {
	if _, err := m.registry.proveKey(ctx, keyAttempt(agent.Name, p, address)); err != nil {
		return err
	}
	// It may have been another process that has replaced the hash.
	return m.poll(ctx)
}

// mayBeFirstUse reports whether there may be only an imported hash of what memory has
// refused for this reason, or whether memory does not say.
func (m *Mirror) mayBeFirstUse(p *credential.Presented, reason Reason) bool {
	_, _, named := p.Named()
	switch reason {
	case UnknownKey, WrongSecret:
		return named && m.FirstUses()
	case Locked:
		return named
	default:
		return false
	}
}

func keyAttempt(username string, p *credential.Presented, address netip.Addr) *KeyAttempt {
	name, secret, _ := p.Named()
	return &KeyAttempt{Attempt: Attempt{Username: username, Address: address}, Owner: p.User, KeyName: name, Secret: secret}
}

// proveKey proves a key by name, or a password, as prove does.
func (r *Registry) proveKey(ctx context.Context, a *KeyAttempt) (evidence, error) {
	if a.KeyName == "" {
		return evidence{}, ErrWrongPassword
	}
	for _, text := range []string{a.Secret, cmp.Or(a.Password, a.Secret)} {
		if _, err := password.Clean(text); err != nil {
			return evidence{}, invalid("%s", err)
		}
	}
	at := r.place(&a.Attempt)
	name := r.hidden(fmt.Sprintf("key attempt\x00%s\x00%s\x00%q\x00%q\x00%q\x00%q", at.Source, at.Name, a.Owner, a.KeyName, a.Secret, a.Password))
	return r.proveShared(ctx, string(name[:]), a)
}

// ownerFold is the folded name of whoever the key may be of.
func (a *KeyAttempt) ownerFold() string { return (&Attempt{Username: a.Owner}).fold() }

func (a *KeyAttempt) ref() store.KeyRef {
	return store.KeyRef{UserFold: a.ownerFold(), Name: a.KeyName}
}

// namedKey is the key that an attempt is about; the zero Key if there is none.
func (r *Registry) namedKey(ctx context.Context, a *KeyAttempt) (store.Key, error) {
	if a.KeyName == "" {
		return store.Key{}, nil
	}
	k, err := r.store.Key(ctx, a.ref())
	if errors.Is(err, store.ErrNotFound) || err == nil && !k.ByName {
		return store.Key{}, nil
	}
	return k, err
}

// provesNamed reports whether a secret is that of a key by name which has a verifier:
// another process may have replaced the hash a moment ago.
func (r *Registry) provesNamed(k *store.Key, secret string) bool {
	if !k.ByName || k.ImportedHash != "" || k.Verifier.Equal(&noVerifier) {
		return false
	}
	id, err := credential.ParseKeyID(k.ID)
	pepper := r.peppers.set.Load().numbered(k.Pepper)
	if err != nil || pepper == nil {
		return false
	}
	v := pepper.VerifierOfNamed(id, secret)
	return v.Equal(&k.Verifier)
}

// settleKey replaces the imported hash of a key that was proven by its verifier, and
// takes the charge of the attempt back. What has become of the key meanwhile is decided
// here: one that was revoked, or has another secret, is refused after all.
func (r *Registry) settleKey(ctx context.Context, a *KeyAttempt, record *store.LoginRecord, proven *store.Key, charged time.Time) error {
	replaced := false
	settle := func() error {
		return r.store.Change(ctx, func(c *store.Change) error {
			k, err := c.Key(a.ref())
			if errors.Is(err, store.ErrNotFound) || err == nil && k.ID != proven.ID {
				return ErrWrongPassword
			}
			if err != nil {
				return err
			}
			if replaced, err = r.replaceHash(c, a, record, proven, &k); err != nil {
				return err
			}
			now, err := c.LoginRecord(a.fold(), r.place(&a.Attempt))
			if err != nil {
				return err
			}
			refund(&now.Failures, &record.Failures, charged)
			return c.SetFailures(&now.Failures)
		})
	}
	err := settle()
	if errors.Is(err, store.ErrPepperGone) {
		if err = r.peppers.read(ctx, r.store); err == nil {
			err = settle()
		}
	}
	if err == nil && replaced {
		r.committed(context.WithoutCancel(ctx))
	}
	return err
}

// replaceHash writes the verifier of a key whose imported hash was proven, unless
// somebody else with the same secret has done it meanwhile.
func (r *Registry) replaceHash(c *store.Change, a *KeyAttempt, record *store.LoginRecord, proven, k *store.Key) (replaced bool, err error) {
	switch {
	case r.provesNamed(k, a.Secret):
		return false, nil
	case !k.ByName || k.ImportedHash == "" || k.ImportedHash != proven.ImportedHash:
		return false, ErrWrongPassword
	}
	keyID, err := credential.ParseKeyID(k.ID)
	if err != nil {
		return false, err
	}
	pepper, number := r.peppers.newest()
	k.ImportedHash, k.Verifier, k.Pepper = "", pepper.VerifierOfNamed(keyID, a.Secret), number
	if err := c.UpdateKey(k); err != nil {
		return false, err
	}
	id, err := r.newID()
	if err != nil {
		return false, err
	}
	event := store.Event{
		ID: id, Time: r.now(), Kind: "key.replace_hash", Outcome: "ok", Actor: UserActor(cmp.Or(record.User.Username, k.Username)),
		UserID: k.UserID, KeyID: k.ID, Detail: k.Username + "/" + k.Name,
	}
	if record.User.ID != k.UserID {
		event.OnBehalfOf = UserActor(k.Username)
	}
	return true, c.Record(&event)
}
