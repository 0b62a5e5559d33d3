package identity

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// DerivedError says that a key, or a change of a user, would be worth more than the
// credential that asks for it.
type DerivedError struct {
	// Reason is more_scopes or bound_key.
	Reason string
}

func (e *DerivedError) Error() string {
	return "what is asked for would be worth more than the credential that asks for it: " + e.Reason
}

// IssueKeyFor is IssueKey for a user who asks for a key of his own. The key may
// have no scope that the caller's credential has not; and a credential that is a
// key, or comes from one, must be bound to nothing and last for ever. The new
// key could carry the same limits, but then the first one's end, its rotation
// and its revocation would have to reach the second as well.
//
// The error is a DerivedError, ErrEnded if the credential has ended since it was
// proven, or ErrImpersonated.
func (r *Registry) IssueKeyFor(ctx context.Context, p *principal.Principal, n NewKey) (store.Key, credential.Secret, error) {
	n.Username = p.Name
	return r.issueKey(ctx, UserActor(p.Name), n, func(c *store.Change) error { return r.mayGive(c, p, n.Scopes) })
}

// RotateKeyFor is RotateKey, without an overlap, for a user who asks for it.
// Since the secret is told, what holds for making a key holds here, but for a
// key that rotates itself: name, scopes, limits and end stay as they are. It must
// have one secret only, or the one that was replaced could take the key over.
func (r *Registry) RotateKeyFor(ctx context.Context, p *principal.Principal, ref store.KeyRef) (store.Key, credential.Secret, error) {
	return r.rotateKey(ctx, UserActor(p.Name), ref, 0, func(c *store.Change, k *store.Key) error {
		if k.ID != p.KeyID || p.Impersonation != nil {
			return r.mayGive(c, p, k.Scopes)
		}
		switch {
		case !k.Disabled.IsZero():
			return ErrEnded
		case k.PreviousExpires.After(r.now()):
			return &DerivedError{"bound_key"}
		}
		return nil
	})
}

// EnableKeyFor is EnableKey for a user who asks for it, under the conditions for
// making a key.
func (r *Registry) EnableKeyFor(ctx context.Context, p *principal.Principal, ref store.KeyRef) (store.Key, error) {
	return r.enableKey(ctx, UserActor(p.Name), ref, func(c *store.Change, k *store.Key) error { return r.mayGive(c, p, k.Scopes) })
}

// mayGive reports within a change whether the credential of a caller still
// stands, and is worth at least what it asks for. While a key is rotated with an
// overlap, one of its secrets will end.
func (r *Registry) mayGive(c *store.Change, p *principal.Principal, scopes principal.Scopes) error {
	k, err := r.stillStands(c, p)
	switch {
	case err != nil:
		return err
	case scopes&^p.Scopes != 0:
		return &DerivedError{"more_scopes"}
	case k != nil && (!k.None() || !k.Expires.IsZero() || k.PreviousExpires.After(r.now())):
		return &DerivedError{"bound_key"}
	}
	return nil
}

// stillStands reports within a change whether the credential of a caller still
// stands, and is his own. The key is the one that it is or comes from; nil is none.
//
// The error is ErrEnded or ErrImpersonated.
func (r *Registry) stillStands(c *store.Change, p *principal.Principal) (*store.Key, error) {
	if p.Impersonation != nil {
		return nil, ErrImpersonated
	}
	u, err := c.UserByFold(Fold(p.Name))
	if err == nil && (u.ID != p.ID || u.State != store.Active || p.Method == principal.MethodPassword && u.Epoch != p.Epoch) {
		err = ErrEnded
	}
	if err == nil && p.Method == principal.MethodJWT {
		err = r.externalStands(c, &u, p.External)
	}
	keyID := p.KeyID
	if err == nil && p.TokenID != "" {
		keyID, err = keyOfToken(c, p.TokenID)
	}
	if err == nil && keyID != "" {
		return r.standingKey(c, keyID)
	}
	return nil, asEnded(err)
}

// standingKey is a key that is accepted now.
func (r *Registry) standingKey(c *store.Change, id string) (*store.Key, error) {
	k, err := c.Key(store.KeyRef{ID: id})
	switch {
	case err != nil:
		return nil, asEnded(err)
	case !k.Disabled.IsZero(), !k.Revoked.IsZero(), !k.Expires.IsZero() && !r.now().Before(k.Expires):
		return nil, ErrEnded
	}
	return &k, nil
}

// asEnded takes what is not there any more for what has ended.
func asEnded(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrEnded
	}
	return err
}

// keyOfToken is the id of the key that a session came from, "" if it was none.
func keyOfToken(c *store.Change, tokenID string) (string, error) {
	id, err := c.SessionOfToken(tokenID)
	if err != nil {
		return "", err
	}
	s, err := c.Session(id)
	return s.KeyID, err
}
