package caddyauth

import (
	"errors"
	"slices"

	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

// roleAdmin is the role that sees other users.
const roleAdmin = "admin"

func (h *AuthAPI) showSelf(c *apiCall) (any, *failure) {
	return c.describe(c.caller.Name, howler.NoUser, false)
}

// showUser tells the caller of himself, and an administrator of anybody.
func (h *AuthAPI) showUser(c *apiCall) (any, *failure) {
	self := identity.Fold(c.target.Name) == identity.Fold(c.caller.Name)
	if !self && !slices.Contains(c.caller.Roles, roleAdmin) {
		return nil, told(howler.OtherUser, roleMissing.cause)
	}
	return c.describe(c.target.Name, howler.NoSuchUser(c.target.Name), true)
}

// describe tells of a user. missing is what is told if there is none.
func (c *apiCall) describe(username string, missing *howler.Failure, keyNamesOnly bool) (any, *failure) {
	u, err := c.people.User(c.r.Context(), username)
	if _, invalid := errors.AsType[*identity.InvalidError](err); invalid || errors.Is(err, store.ErrNotFound) {
		return nil, told(missing, "not_found")
	}
	if err != nil {
		return nil, unknown(err)
	}
	keys, failed := c.keysOf(u.Username)
	if failed != nil {
		return nil, failed
	}
	name := u.DisplayName
	if name == "" {
		name = u.Username
	}
	answer := howler.WhoAmI{
		Username: u.Username, Name: name, Email: u.Email, Groups: u.Groups, Roles: u.Roles,
		Active: u.State == store.Active, Admin: slices.Contains(u.Roles, roleAdmin),
	}
	for i := range keys {
		answer.Keys = append(answer.Keys, howler.KeyTriple{
			Name: keys[i].Name, Scopes: keys[i].Scopes, Expires: keys[i].Expires, NameOnly: keyNamesOnly,
		})
	}
	return answer, nil
}

// addUser tells an administrator that users are not made here.
func (h *AuthAPI) addUser(c *apiCall) (any, *failure) {
	return nil, told(howler.MethodNotAllowed(c.target.Allow), "route")
}
