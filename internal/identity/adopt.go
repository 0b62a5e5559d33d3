package identity

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// NewIdentity is somebody whom another provider has proven, and who may be linked to
// nobody yet.
type NewIdentity struct {
	// External is his token.
	External *principal.External
	// Email is set where the provider is trusted for it and says that it is verified: the
	// user who has it is linked.
	Email string
	// MayCreate makes a user where there is none.
	MayCreate bool
	// Username, DisplayName and NewEmail are what the new one is made of, as the provider
	// says it.
	Username, DisplayName, NewEmail string
	// Roles are those of a new user.
	Roles []string
}

var (
	// ErrNoAccount: nobody is linked to the identity, nor may be.
	ErrNoAccount = errors.New("no user is linked to this identity")
	// ErrUserDisabled: the user is disabled.
	ErrUserDisabled = errors.New("the user is disabled")
)

// errLinked breaks off a change that is not needed.
var errLinked = errors.New("is linked already")

// Adopt finds the user whom somebody is, and links them: whoever is linked already, else
// the one user whose verified address of mail it is, else a new one, as far as n lets it.
// By mail nobody is found where several users have the address, or where the one who has
// it is linked to another subject of this issuer. Equal ones at the same time end in one
// user.
//
// A new user has no password. His name is made by adoptedName and is never one that is
// taken, reserved, or named as an agent by a key: a number makes it another one.
//
// The error is ErrNoAccount, ErrUserDisabled, or an InvalidError for claims that nobody
// can be called by.
func (r *Registry) Adopt(ctx context.Context, n NewIdentity) (u store.User, err error) {
	if err := n.clean(); err != nil {
		return store.User{}, err
	}
	event := store.Event{Kind: "identity.link", Actor: n.actor()}
	err = r.change(ctx, event, func(c *store.Change, e *store.Event) error {
		var how string
		if u, how, err = r.adoptee(c, &n); err != nil {
			return err
		}
		i := newIdentity(&u, n.External.Issuer, n.External.Subject)
		i.Provider, i.Created, i.Email = n.External.Provider, e.Time, n.Email
		if i.Email == "" {
			i.Email = n.NewEmail
		}
		e.UserID, e.Detail = u.ID, linkDetail(&i)+how
		return c.InsertIdentity(&i)
	})
	if errors.Is(err, errLinked) {
		// Another process may have done it, of which memory does not know yet.
		r.committed(context.WithoutCancel(ctx))
		err = nil
	}
	if err != nil {
		return store.User{}, err
	}
	return u, nil
}

func (n *NewIdentity) actor() string { return "provider:" + n.External.Provider }

// clean holds n against what can be kept, and leaves out what cannot.
func (n *NewIdentity) clean() (err error) {
	if err := checkIdentity(n.External.Provider, n.External.Issuer, n.External.Subject); err != nil {
		return err
	}
	if n.Roles, err = checkNames("role", n.Roles); err != nil {
		return err
	}
	for _, email := range []*string{&n.Email, &n.NewEmail} {
		if checkText("email", *email, maxText) != nil {
			*email = ""
		}
	}
	n.DisplayName = adoptedText(n.DisplayName)
	return nil
}

// adoptee is the user who is to be linked, and how he was found. The error is errLinked,
// with the user, if he is linked already.
func (r *Registry) adoptee(c *store.Change, n *NewIdentity) (u store.User, how string, err error) {
	for _, find := range []struct {
		how string
		by  func(*store.Change, *NewIdentity) (store.User, error)
	}{{"", r.linked}, {", by mail", r.ofMail}, {", new", r.addAdopted}} {
		u, err = find.by(c, n)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if (err == nil || errors.Is(err, errLinked)) && u.State != store.Active {
			err = ErrUserDisabled
		}
		return u, find.how, err
	}
	return store.User{}, "", ErrNoAccount
}

// linked finds who is linked; then the error is errLinked.
func (r *Registry) linked(c *store.Change, n *NewIdentity) (store.User, error) {
	i, err := c.Identity(digestText(n.External.Identity()))
	if err != nil {
		return store.User{}, err
	}
	u, err := c.UserByFold(Fold(i.Username))
	if err == nil {
		err = errLinked
	}
	return u, err
}

// ofMail finds who has the address of mail, and no other identity of this issuer: two who
// are not the same may be given the same address one after another.
func (r *Registry) ofMail(c *store.Change, n *NewIdentity) (store.User, error) {
	if n.Email == "" {
		return store.User{}, store.ErrNotFound
	}
	u, err := c.UserByEmail(n.Email)
	if err != nil {
		return u, err
	}
	has, err := c.HasIdentityOf(u.ID, n.External.Issuer)
	if err == nil && has {
		err = store.ErrNotFound
	}
	return u, err
}

// addAdopted makes a user of what the provider says.
func (r *Registry) addAdopted(c *store.Change, n *NewIdentity) (store.User, error) {
	if !n.MayCreate {
		return store.User{}, store.ErrNotFound
	}
	name, err := freeName(adoptedName(n.Username), func(name string) (bool, error) { return isTaken(c, Fold(name)) })
	if err != nil {
		return store.User{}, err
	}
	u, err := r.newUser(name)
	if err != nil {
		return store.User{}, err
	}
	u.DisplayName, u.Email, u.Roles = n.DisplayName, n.NewEmail, n.Roles
	// Of a provider that is not trusted for it an address says nothing: else whoever
	// comes first with the address of another would get his next identity.
	u.EmailVerified = n.Email != "" && n.Email == n.NewEmail
	if err := c.InsertUser(&u); err != nil {
		return store.User{}, err
	}
	e := store.Event{Time: u.Created, Kind: "user.add", Outcome: "ok", Actor: n.actor(), UserID: u.ID, Detail: u.Username}
	if e.ID, err = r.newID(); err != nil {
		return store.User{}, err
	}
	return u, c.Record(&e)
}

// isTaken reports whether a new user must not get a folded name.
func isTaken(c *store.Change, fold string) (bool, error) {
	if reservedNames[fold] {
		return true, nil
	}
	switch _, err := c.UserByFold(fold); {
	case err == nil:
		return true, nil
	case !errors.Is(err, store.ErrNotFound):
		return false, err
	}
	return c.IsAgent(fold)
}
