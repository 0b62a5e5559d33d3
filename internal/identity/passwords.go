package identity

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// SetPassword sets a user's password, or changes it. All sessions that began
// with the old one end.
func (r *Registry) SetPassword(ctx context.Context, actor, username, text string) (store.User, error) {
	return r.setPassword(ctx, actor, username, text, func(*store.User) bool { return true })
}

// ChangePassword is SetPassword for a user who presents the old password. The
// errors are those of a log-in, and those of SetPassword.
func (r *Registry) ChangePassword(ctx context.Context, actor string, a Attempt, text string) (store.User, error) {
	// What is refused anyway needs no attempt.
	if _, err := r.acceptable(a.Username, text); err != nil {
		return store.User{}, err
	}
	proven, err := r.prove(ctx, a)
	if err != nil {
		return store.User{}, err
	}
	return r.setPassword(ctx, actor, a.Username, text, func(now *store.User) bool { return stillSame(&proven, now) })
}

func (r *Registry) setPassword(ctx context.Context, actor, username, text string, may func(*store.User) bool) (u store.User, err error) {
	phc, err := r.hashPassword(ctx, username, text)
	if err != nil {
		return store.User{}, err
	}
	fold, err := foldName(username)
	if err != nil {
		return store.User{}, err
	}
	err = r.change(ctx, store.Event{Kind: "user.password", Actor: actor}, func(c *store.Change, e *store.Event) error {
		if u, err = c.UserByFold(fold); err != nil {
			return err
		}
		if !may(&u) {
			return ErrWrongPassword
		}
		e.UserID, e.Detail = u.ID, u.Username
		u.Updated = r.now()
		return replacePassword(c, &u, phc)
	})
	return u, err
}

// replacePassword writes a new password as of u.Updated, and ends all sessions that
// began with the old one.
func replacePassword(c *store.Change, u *store.User, phc string) error {
	if err := c.SetPassword(u, store.Password{PHC: phc, Changed: u.Updated}); err != nil {
		return err
	}
	_, err := c.EndSessions(store.SessionFilter{UserID: u.ID, Method: principal.MethodPassword})
	return err
}

// HasPassword reports whether a user can log in by a password.
func (r *Registry) HasPassword(ctx context.Context, userID string) (bool, error) {
	return r.store.HasPassword(ctx, userID)
}

// CheckPassword holds a new password for a user against the policy. The error is an
// InvalidError.
func (r *Registry) CheckPassword(username, text string) error {
	_, err := r.acceptable(username, text)
	return err
}

// acceptable brings a new password to its usual form, and holds it against the
// policy.
func (r *Registry) acceptable(username, text string) (clean string, err error) {
	if clean, err = password.Clean(text); err != nil {
		return "", invalid("%s", err)
	}
	err = r.settings.Load().Passwords.Check(clean, username)
	if refused, ok := errors.AsType[*password.PolicyError](err); ok {
		return "", invalid("%s", refused)
	}
	return clean, err
}

// hashPassword checks a new password and computes its hash.
func (r *Registry) hashPassword(ctx context.Context, username, text string) (phc string, err error) {
	clean, err := r.acceptable(username, text)
	if err != nil {
		return "", err
	}
	turn, err := r.hasher.Reserve(ctx)
	if err != nil {
		return "", err
	}
	defer turn.Release()
	return turn.Hash(clean)
}
