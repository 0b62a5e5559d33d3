package identity

import (
	"context"
	"errors"
	"strings"

	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// ErrChanged: the user is not of the version that was to be changed.
var ErrChanged = errors.New("the user has changed since")

// EditUser changes what e names, all of it or nothing.
func (r *Registry) EditUser(ctx context.Context, actor, username string, e UserEdit) (store.User, error) {
	return r.editUser(ctx, actor, username, e, func(*store.Change, *store.User) error { return nil })
}

// EditUserFor is EditUser for a user who asks for it. Who gives somebody else a
// password, roles, groups or his activity back needs what AddUserFor asks for:
// whoever is let in outlasts the credential that has let him in.
//
// The error is a DerivedError, ErrEnded if the credential has ended since it was
// proven, or ErrImpersonated if somebody else acts as the user.
func (r *Registry) EditUserFor(ctx context.Context, p *principal.Principal, username string, e UserEdit) (store.User, error) {
	e.own = Fold(username) == Fold(p.Name)
	return r.editUser(ctx, UserActor(p.Name), username, e, func(c *store.Change, now *store.User) error {
		if now.ID != p.ID && e.gives() {
			return r.mayGive(c, p, principal.AllScopes)
		}
		_, err := r.stillStands(c, p)
		return err
	})
}

// gives reports whether the user can be more after the edit than before. Roles that
// are taken away count too: what a role is worth is the business of others.
func (e *UserEdit) gives() bool {
	return e.Password != "" || e.Roles != nil || e.Groups != nil || e.Active != nil && *e.Active
}

// EditUserProven is EditUser for a user who changes himself and presents his old
// password. The errors are those of a log-in besides.
func (r *Registry) EditUserProven(ctx context.Context, a Attempt, e UserEdit) (store.User, error) {
	if err := r.CheckPassword(a.Username, e.Password); err != nil {
		return store.User{}, err
	}
	proven, err := r.prove(ctx, a)
	if err != nil {
		return store.User{}, err
	}
	e.own = true
	return r.editUser(ctx, UserActor(proven.Username), a.Username, e, func(_ *store.Change, now *store.User) error {
		if !stillSame(&proven, now) {
			return ErrWrongPassword
		}
		return nil
	})
}

// editUser is EditUser if may, which is asked within the change, has nothing against
// it.
func (r *Registry) editUser(ctx context.Context, actor, username string, e UserEdit, may func(*store.Change, *store.User) error) (u store.User, err error) {
	fold, err := foldName(username)
	if err != nil {
		return store.User{}, err
	}
	var phc string
	if e.Password != "" {
		if phc, err = r.hashPassword(ctx, username, e.Password); err != nil {
			return store.User{}, err
		}
	}
	err = r.change(ctx, store.Event{Kind: "user.edit", Actor: actor}, func(c *store.Change, event *store.Event) error {
		if u, err = c.UserByFold(fold); err != nil {
			return err
		}
		if err := may(c, &u); err != nil {
			return err
		}
		if e.Version != 0 && e.Version != u.Version {
			return ErrChanged
		}
		event.UserID, event.Detail = u.ID, u.Username
		if fields := e.fields(); len(fields) > 0 {
			event.Detail += ": " + strings.Join(fields, ", ")
		}
		return r.applyEdit(c, event, &u, &e, phc)
	})
	return u, err
}

// applyEdit makes the change. A new password has an event of its own, as everywhere.
func (r *Registry) applyEdit(c *store.Change, event *store.Event, u *store.User, e *UserEdit, phc string) error {
	if err := e.apply(u); err != nil {
		return err
	}
	u.Updated = r.now()
	switch {
	case e.Active == nil:
	case *e.Active:
		u.State = store.Active
	default:
		if err := r.disable(c, u); err != nil {
			return err
		}
	}
	if phc == "" {
		return c.UpdateUser(u)
	}
	id, err := r.newID()
	if err != nil {
		return err
	}
	changed := store.Event{ID: id, Time: event.Time, Kind: "user.password", Outcome: event.Outcome, Actor: event.Actor, UserID: u.ID, Detail: u.Username}
	if err := c.Record(&changed); err != nil {
		return err
	}
	return replacePassword(c, u, phc)
}

// fields names what is to be changed, for the audit trail.
func (e *UserEdit) fields() []string {
	state := "disabled"
	if e.Active != nil && *e.Active {
		state = "active"
	}
	var names []string
	for _, field := range []struct {
		name  string
		given bool
	}{
		{"display name", e.DisplayName != nil},
		{"email", e.Email != nil},
		{"roles", e.Roles != nil},
		{"groups", e.Groups != nil},
		{"quota", e.Quota != nil},
		{"state " + state, e.Active != nil},
		{"password", e.Password != ""},
	} {
		if field.given {
			names = append(names, field.name)
		}
	}
	return names
}
