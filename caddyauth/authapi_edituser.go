package caddyauth

import (
	"errors"
	"slices"

	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// readUser reads what a request says of a user.
func (h *AuthAPI) readUser(c *apiCall) (u howler.User, failed *failure) {
	body, failed := c.readBody()
	if failed != nil {
		return u, failed
	}
	u, refused := howler.ParseUser(body, c.r.URL.Query())
	if refused != nil {
		return u, told(refused, "malformed")
	}
	// Whatever the caller was proven by, passwords are in the body.
	if u.NewPassword.Reveal()+u.OldPassword.Reveal() != "" && !h.maySend(c.r, principal.MethodPassword) {
		return u, told(howler.PlainHTTP, plainHTTP.cause)
	}
	return u, nil
}

// addUser makes a user.
func (h *AuthAPI) addUser(c *apiCall) (any, *failure) {
	said, failed := h.readUser(c)
	if failed != nil {
		return nil, failed
	}
	user, failed := c.newUser(&said)
	if failed != nil {
		return nil, failed
	}
	_, err := c.people.AddUserFor(c.r.Context(), c.caller, user)
	switch {
	case isOfCaller(err):
		return nil, changeFailure(err, howler.NoUser)
	case errors.Is(err, store.ErrExists):
		return nil, told(howler.UserExists, "exists")
	case err != nil:
		return nil, passwordFailure(err, howler.Internal)
	}
	return nil, nil
}

// newUser makes a user of what was said, and of defaults.
func (c *apiCall) newUser(said *howler.User) (identity.NewUser, *failure) {
	n := identity.NewUser{
		Username: c.target.Name, DisplayName: c.target.Name, Roles: howler.DefaultRoles, Groups: howler.DefaultGroups,
		Password: said.NewPassword.Reveal(), Disabled: said.Active != nil && !*said.Active,
	}
	set(&n.DisplayName, said.Name)
	set(&n.Email, said.Email)
	set(&n.Roles, said.Roles)
	set(&n.Groups, said.Groups)
	set(&n.Quota, said.Quota)
	if n.DisplayName == "" {
		n.DisplayName = n.Username
	}
	// The folded name is what paths are compared by.
	switch refused := howler.CheckNewUsername(identity.Fold(n.Username)); {
	case refused != nil:
		return n, told(refused, "name")
	case !areNamesOf(n.Username, said.Usernames):
		return n, told(howler.OtherName, "name")
	case said.Admin != nil && *said.Admin != howler.IsAdmin(n.Roles):
		return n, told(howler.AdminDiffers, "malformed")
	}
	// Whether the name is free decides before the password does, as in howler.
	_, failed := c.findUser(n.Username, howler.NoUser)
	switch {
	case failed == nil:
		return n, told(howler.UserExists, "exists")
	case failed.Failure != howler.NoUser:
		return n, failed
	}
	return n, c.checkNewPassword(n.Username, n.Password)
}

// set replaces a value if another one was given.
func set[T any](value, given *T) {
	if given != nil {
		*value = *given
	}
}

// areNamesOf reports whether all of the names are those of the same user.
func areNamesOf(username string, names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return identity.Fold(name) != identity.Fold(username) })
}

// checkNewPassword refuses a new password that may not be set; "" is none.
func (c *apiCall) checkNewPassword(username, text string) *failure {
	if text == "" {
		return nil
	}
	err := c.people.CheckPassword(username, text)
	if err == nil {
		return nil
	}
	if _, invalid := errors.AsType[*identity.InvalidError](err); !invalid {
		return unknown(err)
	}
	return told(&howler.Failure{Status: 400, Code: codeWeakPassword, Text: err.Error()}, codeWeakPassword)
}

func (h *AuthAPI) deleteUser(c *apiCall) (any, *failure) {
	missing := howler.NoSuchUser(c.target.Name)
	u, failed := c.findUser(c.target.Name, missing)
	if failed != nil {
		return nil, failed
	}
	if err := c.people.DeleteUserFor(c.r.Context(), c.caller, u.Username); err != nil {
		return nil, changeFailure(err, missing)
	}
	h.clearEnded(c)
	return noContent{}, nil
}

// editUser changes the caller himself, and for an administrator anybody.
func (h *AuthAPI) editUser(c *apiCall) (any, *failure) {
	if !c.isSelf() && !c.isAdmin() {
		return nil, told(howler.OtherUserChange, roleMissing.cause)
	}
	said, failed := h.readUser(c)
	if failed != nil {
		return nil, failed
	}
	u, failed := c.findUser(c.target.Name, howler.NoSuchUser(c.target.Name))
	if failed != nil {
		return nil, failed
	}
	record, failed := h.record(c, &u)
	if failed != nil {
		return nil, failed
	}
	only, failed := h.checkTag(c, record)
	if failed != nil {
		return nil, failed
	}
	edit, failed := c.editOf(&record, &said)
	if failed != nil || edit == (identity.UserEdit{}) {
		return nil, failed
	}
	if only {
		edit.Version = u.Version
	}
	if failed := c.edit(&u, edit, said.OldPassword.Reveal()); failed != nil {
		return nil, failed
	}
	h.clearEnded(c)
	return nil, nil
}

// editOf is what is to be changed of a record. Pages send all of it, so what stays as
// it is may be sent by anybody.
func (c *apiCall) editOf(record *howler.WhoAmI, said *howler.User) (e identity.UserEdit, failed *failure) {
	switch {
	case said.Name != nil && *said.Name == "":
		return e, told(howler.EmptyName, "malformed")
	case said.Email != nil && *said.Email != record.Email:
		return e, told(howler.FixedEmail, "malformed")
	case !areNamesOf(record.Username, said.Usernames):
		return e, told(howler.FixedUsername, "malformed")
	}
	e.DisplayName = changed(said.Name, record.Name)
	e.Active = changed(said.Active, record.Active)
	e.Quota = changed(said.Quota, record.Quota)
	e.Roles = changedSet(said.Roles, record.Roles)
	e.Groups = changedSet(said.Groups, record.Groups)
	e.Password = said.NewPassword.Reveal()
	if field := adminField(&e, said.RolesField); field != "" && !c.isAdmin() {
		return e, told(howler.AdminField(field), roleMissing.cause)
	}
	roles := record.Roles
	set(&roles, e.Roles)
	if said.Admin != nil && *said.Admin != howler.IsAdmin(roles) {
		return e, told(howler.AdminDiffers, "malformed")
	}
	return e, c.checkNewPassword(record.Username, e.Password)
}

// changed is a value that was given, unless it is the one that there is.
func changed[T comparable](given *T, is T) *T {
	if given == nil || *given == is {
		return nil
	}
	return given
}

// changedSet is changed for names of which neither order nor number counts.
func changedSet(given *[]string, is []string) *[]string {
	if given == nil {
		return nil
	}
	if sorted := slices.Sorted(slices.Values(*given)); slices.Equal(slices.Compact(sorted), is) {
		return nil
	}
	return given
}

// adminField is the first field that only an administrator may change.
func adminField(e *identity.UserEdit, rolesField string) string {
	switch {
	case e.Roles != nil:
		return rolesField
	case e.Groups != nil:
		return "groups"
	case e.Active != nil:
		return "is_active"
	case e.Quota != nil:
		return "api_quota"
	}
	return ""
}

// edit makes a change. A new password of one's own needs the old one, so that whoever
// finds an open session does not own the account.
func (c *apiCall) edit(u *store.User, e identity.UserEdit, old string) *failure {
	byPassword := c.caller.Method == principal.MethodPassword
	if e.Password == "" || !c.isSelf() || byPassword {
		_, err := c.people.EditUserFor(c.r.Context(), c.caller, u.Username, e)
		return editFailure(err, u)
	}
	if old == "" {
		return told(howler.OldPasswordNeeded, "old_password_missing")
	}
	if _, err := password.Clean(old); err != nil {
		return told(howler.WrongPassword, identity.Malformed.String())
	}
	if c.caller.Impersonation != nil {
		return editFailure(identity.ErrImpersonated, u)
	}
	attempt := identity.Attempt{Username: u.Username, Password: old, Address: caller.Address(c.r)}
	_, err := c.people.EditUserProven(c.r.Context(), attempt, e)
	return editFailure(err, u)
}

func editFailure(err error, u *store.User) *failure {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, identity.ErrChanged):
		return told(howler.OtherVersion, "version")
	case errors.Is(err, store.ErrNotFound), isOfCaller(err):
		return changeFailure(err, howler.NoSuchUser(u.Username))
	}
	return passwordFailure(err, howler.WrongPassword)
}

// isOfCaller reports whether a change was refused for the credential of who asks for
// it.
func isOfCaller(err error) bool {
	_, derived := errors.AsType[*identity.DerivedError](err)
	return derived || errors.Is(err, identity.ErrEnded) || errors.Is(err, identity.ErrImpersonated)
}
