package identity

import (
	"context"

	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// NewUser is what a user is made of.
type NewUser struct {
	Username    string   `json:"username"`
	DisplayName string   `json:"display_name,omitempty"`
	Email       string   `json:"email,omitempty"`
	Roles       []string `json:"roles,omitempty"`
	Groups      []string `json:"groups,omitempty"`
	// Password lets the user log in; empty means that there is none.
	Password string `json:"password,omitempty"`
	// Disabled refuses all of the user's credentials from the beginning.
	Disabled bool `json:"-"`
	// Quota is as in UserEdit.
	Quota int64 `json:"-"`
}

// UserEdit says what to change of a user; nil leaves things as they are.
type UserEdit struct {
	DisplayName *string   `json:"display_name,omitempty"`
	Email       *string   `json:"email,omitempty"`
	Roles       *[]string `json:"roles,omitempty"`
	Groups      *[]string `json:"groups,omitempty"`
	// Quota is how many of the user's requests an endpoint answers at once; 0
	// leaves it to the endpoint.
	Quota *int64 `json:"quota,omitempty"`
	// Active set to false does what DisableUser does, to true what EnableUser does.
	Active *bool `json:"-"`
	// Password is a new one, with which all sessions end that began with the old
	// one; "" is none.
	Password string `json:"-"`
	// Version is the only one of the user that is to be changed; 0 is any.
	Version int64 `json:"-"`

	// own: users change themselves, so that a new address of mail is not verified by it.
	own bool
}

// maxQuota is more than any server answers at once.
const maxQuota = 1_000_000

// User finds a user by name. The error is store.ErrNotFound if there is none.
func (r *Registry) User(ctx context.Context, username string) (store.User, error) {
	fold, err := foldName(username)
	if err != nil {
		return store.User{}, err
	}
	return r.store.UserByFold(ctx, fold)
}

// Users lists up to limit users by name, after the folded name of the last page.
func (r *Registry) Users(ctx context.Context, after string, limit int) ([]store.User, error) {
	return r.store.Users(ctx, Fold(after), limit)
}

// AddUser makes a user, who is active unless n says otherwise. The error is
// store.ErrExists if the name is taken, in whatever case.
func (r *Registry) AddUser(ctx context.Context, actor string, n NewUser) (store.User, error) {
	return r.addUser(ctx, actor, n, func(*store.Change) error { return nil })
}

// AddUserFor is AddUser for a user who asks for it. The new one lasts for ever, with
// whatever roles are said. So the caller's credential must have all scopes; and one
// that is a key, or comes from one, must be bound to nothing and last for ever too.
//
// The error is a DerivedError, ErrEnded if the credential has ended since it was
// proven, or ErrImpersonated.
func (r *Registry) AddUserFor(ctx context.Context, p *principal.Principal, n NewUser) (store.User, error) {
	return r.addUser(ctx, UserActor(p.Name), n, func(c *store.Change) error { return r.mayGive(c, p, principal.AllScopes) })
}

// addUser is AddUser if may, which is asked within the change, has nothing against it.
func (r *Registry) addUser(ctx context.Context, actor string, n NewUser, may func(*store.Change) error) (store.User, error) {
	if err := checkUsername(n.Username); err != nil {
		return store.User{}, err
	}
	u, err := r.newUser(n.Username)
	if err != nil {
		return store.User{}, err
	}
	edit := UserEdit{DisplayName: &n.DisplayName, Email: &n.Email, Roles: &n.Roles, Groups: &n.Groups, Quota: &n.Quota}
	if err := edit.apply(&u); err != nil {
		return store.User{}, err
	}
	if n.Disabled {
		u.State = store.Disabled
	}
	var phc string
	if n.Password != "" {
		if phc, err = r.hashPassword(ctx, n.Username, n.Password); err != nil {
			return store.User{}, err
		}
	}
	err = r.change(ctx, store.Event{Kind: "user.add", Actor: actor, UserID: u.ID, Detail: u.Username}, func(c *store.Change, _ *store.Event) error {
		if err := may(c); err != nil {
			return err
		}
		if err := c.InsertUser(&u); err != nil || phc == "" {
			return err
		}
		return c.SetPassword(&u, store.Password{PHC: phc, Changed: u.Created})
	})
	return u, err
}

// newUser is an active user of a checked name.
func (r *Registry) newUser(username string) (store.User, error) {
	id, err := r.newID()
	if err != nil {
		return store.User{}, err
	}
	now := r.now()
	return store.User{ID: id, Username: username, Fold: Fold(username), State: store.Active, Roles: []string{}, Groups: []string{}, Created: now, Updated: now}, nil
}

// apply changes what is in the record itself.
func (e *UserEdit) apply(u *store.User) (err error) {
	if e.DisplayName != nil {
		u.DisplayName = *e.DisplayName
	}
	if e.Email != nil {
		u.EmailVerified = *e.Email != "" && (!e.own || u.EmailVerified && *e.Email == u.Email)
		u.Email = *e.Email
	}
	if e.Roles != nil {
		if u.Roles, err = checkNames("role", *e.Roles); err != nil {
			return err
		}
	}
	if e.Groups != nil {
		if u.Groups, err = checkNames("group", *e.Groups); err != nil {
			return err
		}
	}
	if e.Quota != nil {
		if u.Quota = *e.Quota; u.Quota < 0 || u.Quota > maxQuota {
			return invalid("quota %d: it can be 0 to %d", u.Quota, maxQuota)
		}
	}
	if err := checkText("display name", u.DisplayName, 255); err != nil {
		return err
	}
	return checkText("email", u.Email, 255)
}

// DisableUser refuses all of a user's credentials until EnableUser, and ends all
// sessions. Tokens of other providers that were issued before it do not count after
// EnableUser either.
func (r *Registry) DisableUser(ctx context.Context, actor, username string) (store.User, error) {
	return r.updateUser(ctx, "user.disable", actor, username, r.disable)
}

func (r *Registry) disable(c *store.Change, u *store.User) error {
	u.State, u.TokensAfter = store.Disabled, r.now()
	_, err := c.EndSessions(store.SessionFilter{UserID: u.ID})
	return err
}

// EnableUser takes DisableUser back.
func (r *Registry) EnableUser(ctx context.Context, actor, username string) (store.User, error) {
	return r.updateUser(ctx, "user.enable", actor, username, func(_ *store.Change, u *store.User) error {
		u.State = store.Active
		return nil
	})
}

// DeleteUser removes a user with password, keys and sessions, for ever.
func (r *Registry) DeleteUser(ctx context.Context, actor, username string) error {
	return r.deleteUser(ctx, actor, username, func(*store.Change) error { return nil })
}

// DeleteUserFor is DeleteUser for a user who asks for it. The error is ErrEnded if the
// credential has ended since it was proven, and ErrImpersonated if somebody else acts
// as the user.
func (r *Registry) DeleteUserFor(ctx context.Context, p *principal.Principal, username string) error {
	return r.deleteUser(ctx, UserActor(p.Name), username, func(c *store.Change) error {
		_, err := r.stillStands(c, p)
		return err
	})
}

func (r *Registry) deleteUser(ctx context.Context, actor, username string, may func(*store.Change) error) error {
	fold, err := foldName(username)
	if err != nil {
		return err
	}
	return r.change(ctx, store.Event{Kind: "user.delete", Actor: actor}, func(c *store.Change, e *store.Event) error {
		if err := may(c); err != nil {
			return err
		}
		u, err := c.UserByFold(fold)
		if err != nil {
			return err
		}
		e.UserID, e.Detail = u.ID, u.Username
		return c.DeleteUser(&u)
	})
}

func (r *Registry) updateUser(ctx context.Context, kind, actor, username string, update func(*store.Change, *store.User) error) (u store.User, err error) {
	fold, err := foldName(username)
	if err != nil {
		return store.User{}, err
	}
	err = r.change(ctx, store.Event{Kind: kind, Actor: actor}, func(c *store.Change, e *store.Event) error {
		if u, err = c.UserByFold(fold); err != nil {
			return err
		}
		if err := update(c, &u); err != nil {
			return err
		}
		u.Updated = r.now()
		e.UserID, e.Detail = u.ID, u.Username
		return c.UpdateUser(&u)
	})
	return u, err
}
