package identity

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// NewKey is what an API key is made of.
type NewKey struct {
	// Username is the owner.
	Username string `json:"user"`
	Name     string `json:"name"`
	// Scopes is what the key may be used for; empty opens only what asks for
	// no scope.
	Scopes principal.Scopes `json:"scopes"`
	// Impersonation makes the key one for Agents, who act as the owner by it,
	// beside a credential of their own. It is good for nothing else, and cannot have
	// the scope extended.
	Impersonation bool `json:"impersonation,omitempty"`
	// Agents are user names, whether there is such a user or not, and `group:` with
	// the name of a group. None at all means that nobody may.
	Agents []string `json:"agents,omitempty"`
	store.Limits
	NotBefore time.Time `json:"not_before,omitzero"`
	Expires   time.Time `json:"expires,omitzero"`
}

// maxKeyTime is the last time that memory can hold: 2106-02-07.
var maxKeyTime = time.Unix(math.MaxUint32-1, 0)

// LatestExpiry is the last time at which a key can end. A later one is as good as none.
func LatestExpiry() time.Time { return maxKeyTime }

// ParseKeyRef reads the two ways to name a key: `user/name` and the public id.
func ParseKeyRef(text string) (store.KeyRef, error) {
	if user, name, found := strings.Cut(text, "/"); found {
		fold, err := foldName(user)
		return store.KeyRef{UserFold: fold, Name: name}, errors.Join(err, checkKeyName(name))
	}
	if _, err := credential.ParseKeyID(text); err != nil {
		return store.KeyRef{}, invalid("key '%s': write user/name, or the public id of 12 letters and digits", printable(text))
	}
	return store.KeyRef{ID: text}, nil
}

// Key finds a key. The error is store.ErrNotFound if there is none.
func (r *Registry) Key(ctx context.Context, ref store.KeyRef) (store.Key, error) {
	return r.store.Key(ctx, ref)
}

// Keys lists keys by id.
func (r *Registry) Keys(ctx context.Context, f store.KeyFilter) ([]store.Key, error) {
	return r.store.Keys(ctx, f)
}

// IssueKey makes a key. The secret is the whole word that the holder presents;
// it is returned once and cannot be had again.
func (r *Registry) IssueKey(ctx context.Context, actor string, n NewKey) (store.Key, credential.Secret, error) {
	return r.issueKey(ctx, actor, n, func(*store.Change) error { return nil })
}

// issueKey is IssueKey if may, which is asked within the change, has nothing
// against it.
func (r *Registry) issueKey(ctx context.Context, actor string, n NewKey, may func(*store.Change) error) (store.Key, credential.Secret, error) {
	now := r.now()
	if err := n.check(now); err != nil {
		return store.Key{}, credential.Secret{}, err
	}
	id, err := credential.NewKeyID(r.random)
	if err != nil {
		return store.Key{}, credential.Secret{}, err
	}
	prefix := r.settings.Load().KeyPrefix
	word, err := credential.NewKey(r.random, prefix, id)
	if err != nil {
		return store.Key{}, credential.Secret{}, err
	}
	k := store.Key{
		ID: id.String(), Name: n.Name, Prefix: prefix,
		Scopes: n.Scopes, Limits: n.Limits, NotBefore: n.NotBefore, Expires: n.Expires,
		Impersonation: n.Impersonation, Agents: n.Agents, Created: now, CreatedBy: actor,
	}
	err = r.change(ctx, store.Event{Kind: "key.issue", Actor: actor, KeyID: k.ID}, func(c *store.Change, e *store.Event) error {
		if err := may(c); err != nil {
			return err
		}
		owner, err := c.UserByFold(Fold(n.Username))
		if err != nil {
			return err
		}
		k.UserID, k.Username, k.UserState = owner.ID, owner.Username, owner.State
		e.UserID, e.Detail = owner.ID, owner.Username+"/"+k.Name
		pepper, number := r.peppers.newest()
		k.Verifier, k.Pepper = pepper.Verifier(word.Reveal()), number
		return c.InsertKey(&k)
	})
	if err != nil {
		return store.Key{}, credential.Secret{}, err
	}
	return k, word, nil
}

func (n *NewKey) check(now time.Time) error {
	if err := errors.Join(checkUsername(n.Username), checkKeyName(n.Name)); err != nil {
		return err
	}
	if n.Scopes&^principal.AllScopes != 0 {
		return invalid("the scopes are unknown")
	}
	if err := n.checkAgents(); err != nil {
		return err
	}
	switch {
	case !n.Expires.IsZero() && !n.Expires.After(now):
		return invalid("the key would have expired already, at %s", n.Expires.Format(time.RFC3339))
	case !n.Expires.IsZero() && !n.Expires.After(n.NotBefore):
		return invalid("the key would expire before it becomes valid")
	case n.Expires.After(maxKeyTime), n.NotBefore.After(maxKeyTime):
		return invalid("times end at %s", maxKeyTime.UTC().Format(time.RFC3339))
	}
	return checkLimits(&n.Limits)
}

// RotateKey gives a key a new secret under the same id, name and limits. The old
// secret is accepted for overlap longer, and so are the sessions that began with
// it; one that an earlier rotation left is not accepted any more.
func (r *Registry) RotateKey(ctx context.Context, actor string, ref store.KeyRef, overlap time.Duration) (store.Key, credential.Secret, error) {
	return r.rotateKey(ctx, actor, ref, overlap, mayAlways)
}

// mayAlways is what an administrator may.
func mayAlways(*store.Change, *store.Key) error { return nil }

func (r *Registry) rotateKey(ctx context.Context, actor string, ref store.KeyRef, overlap time.Duration, may func(*store.Change, *store.Key) error) (store.Key, credential.Secret, error) {
	if overlap < 0 {
		return store.Key{}, credential.Secret{}, invalid("overlap %s: it must not be negative", overlap)
	}
	if r.now().Add(overlap).After(maxKeyTime) {
		return store.Key{}, credential.Secret{}, invalid("the overlap ends after %s", maxKeyTime.UTC().Format(time.RFC3339))
	}
	var word credential.Secret
	k, err := r.updateKey(ctx, "key.rotate", actor, ref, func(c *store.Change, k *store.Key) error {
		if err := may(c, k); err != nil {
			return err
		}
		id, err := credential.ParseKeyID(k.ID)
		if err != nil {
			return err
		}
		prefix := r.settings.Load().KeyPrefix
		if word, err = credential.NewKey(r.random, prefix, id); err != nil {
			return err
		}
		k.Previous, k.PreviousPepper, k.PreviousExpires = credential.Verifier{}, 0, time.Time{}
		if overlap > 0 && k.ImportedHash != "" {
			return invalid("key '%s/%s' was not used since it was imported, so that its old secret cannot go on; rotate it without an overlap", k.Username, k.Name)
		}
		// The secret before is found by the name while it lasts, the new one is not.
		k.ByName, k.ImportedHash = k.ByName && overlap > 0, ""
		if overlap > 0 {
			k.Previous, k.PreviousPepper, k.PreviousExpires = k.Verifier, k.Pepper, r.now().Truncate(time.Microsecond).Add(overlap)
		}
		pepper, number := r.peppers.newest()
		k.Prefix, k.Verifier, k.Pepper = prefix, pepper.Verifier(word.Reveal()), number
		if overlap == 0 {
			return endSessionsOf(c, k)
		}
		return c.CapTokens(k.ID, k.PreviousExpires)
	})
	if err != nil {
		return store.Key{}, credential.Secret{}, err
	}
	return k, word, nil
}

// DisableKey refuses a key until EnableKey, and ends the sessions that came from
// it.
func (r *Registry) DisableKey(ctx context.Context, actor string, ref store.KeyRef) (store.Key, error) {
	return r.updateKey(ctx, "key.disable", actor, ref, func(c *store.Change, k *store.Key) error {
		if k.Disabled.IsZero() || !isUser(actor) {
			k.Disabled, k.DisabledBy = r.now().Truncate(time.Microsecond), actor
		}
		return endSessionsOf(c, k)
	})
}

// EnableKey takes DisableKey back. The error is ErrDisabled if a user asks for
// what an administrator has disabled.
func (r *Registry) EnableKey(ctx context.Context, actor string, ref store.KeyRef) (store.Key, error) {
	return r.enableKey(ctx, actor, ref, mayAlways)
}

func (r *Registry) enableKey(ctx context.Context, actor string, ref store.KeyRef, may func(*store.Change, *store.Key) error) (store.Key, error) {
	return r.updateKey(ctx, "key.enable", actor, ref, func(c *store.Change, k *store.Key) error {
		if err := may(c, k); err != nil {
			return err
		}
		if isUser(actor) && !k.Disabled.IsZero() && !isUser(k.DisabledBy) {
			return ErrDisabled
		}
		k.Disabled, k.DisabledBy = time.Time{}, ""
		return nil
	})
}

// ErrDisabled: the key was disabled by an administrator.
var ErrDisabled = errors.New("the key was disabled by an administrator, who alone can enable it")

// userActor begins the names of actors who are users of this store, and not
// administrators of this machine.
const userActor = "user:"

// UserActor names a user for the audit trail.
func UserActor(username string) string { return userActor + username }

func isUser(actor string) bool { return strings.HasPrefix(actor, userActor) }

// RevokeKey refuses a key for ever, and ends the sessions that came from it. Its
// name becomes free.
func (r *Registry) RevokeKey(ctx context.Context, actor string, ref store.KeyRef, reason string) (store.Key, error) {
	if err := checkText("reason", reason, 255); err != nil {
		return store.Key{}, err
	}
	return r.updateKey(ctx, "key.revoke", actor, ref, func(c *store.Change, k *store.Key) error {
		k.Revoked, k.RevokedReason = r.now(), reason
		k.ByName, k.ImportedHash = false, ""
		k.Previous, k.PreviousPepper, k.PreviousExpires = credential.Verifier{}, 0, time.Time{}
		return endSessionsOf(c, k)
	})
}

// endSessionsOf ends what came from a key.
func endSessionsOf(c *store.Change, k *store.Key) error {
	_, err := c.EndSessions(store.SessionFilter{KeyID: k.ID})
	return err
}

func (r *Registry) updateKey(ctx context.Context, kind, actor string, ref store.KeyRef, update func(*store.Change, *store.Key) error) (k store.Key, err error) {
	err = r.change(ctx, store.Event{Kind: kind, Actor: actor}, func(c *store.Change, e *store.Event) error {
		if k, err = c.Key(ref); err != nil {
			return err
		}
		if !k.Revoked.IsZero() {
			return &revokedError{k.ID}
		}
		if err := update(c, &k); err != nil {
			return err
		}
		e.UserID, e.KeyID, e.Detail = k.UserID, k.ID, k.Username+"/"+k.Name
		if k.RevokedReason != "" {
			e.Detail += ": " + k.RevokedReason
		}
		return c.UpdateKey(&k)
	})
	return k, err
}

// revokedError is ErrRevoked with the key it is about.
type revokedError struct{ id string }

func (e *revokedError) Error() string { return "key '" + e.id + "' " + ErrRevoked.Error() }
func (e *revokedError) Unwrap() error { return ErrRevoked }
