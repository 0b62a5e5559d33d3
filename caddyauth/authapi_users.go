package caddyauth

import (
	"errors"

	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

// isAdmin reports whether the caller looks after other users.
func (c *apiCall) isAdmin() bool { return howler.IsAdmin(c.caller.Roles) }

// isSelf reports whether the path names the caller.
func (c *apiCall) isSelf() bool { return identity.Fold(c.target.Name) == identity.Fold(c.caller.Name) }

func (h *AuthAPI) showSelf(c *apiCall) (any, *failure) {
	u, failed := c.findUser(c.caller.Name, howler.NoUser)
	if failed != nil {
		return nil, failed
	}
	// What a provider's token adds is not in the store.
	u.Roles, u.Groups = c.caller.Roles, c.caller.Groups
	return asPayload(h.describe(c, &u, false))
}

// showUser tells the caller of himself, and an administrator of anybody.
func (h *AuthAPI) showUser(c *apiCall) (any, *failure) {
	if !c.isSelf() && !c.isAdmin() {
		return nil, told(howler.OtherUser, roleMissing.cause)
	}
	u, failed := c.findUser(c.target.Name, howler.NoSuchUser(c.target.Name))
	if failed != nil {
		return nil, failed
	}
	record, failed := h.record(c, &u)
	if failed != nil {
		return nil, failed
	}
	return tagged{record}, nil
}

func asPayload(answer howler.WhoAmI, failed *failure) (any, *failure) {
	if failed != nil {
		return nil, failed
	}
	return answer, nil
}

// findUser finds a user by name. missing is what is told if there is none.
func (c *apiCall) findUser(username string, missing *howler.Failure) (store.User, *failure) {
	u, err := c.people.User(c.r.Context(), username)
	if _, invalid := errors.AsType[*identity.InvalidError](err); invalid || errors.Is(err, store.ErrNotFound) {
		return u, told(missing, "not_found")
	}
	if err != nil {
		return u, unknown(err)
	}
	return u, nil
}

// record is what is told of a user by name: more than whoami tells, but for what his
// keys may do.
func (h *AuthAPI) record(c *apiCall, u *store.User) (howler.WhoAmI, *failure) {
	answer, failed := h.describe(c, u, true)
	if failed != nil {
		return answer, failed
	}
	has, err := c.people.HasPassword(c.r.Context(), u.ID)
	if err != nil {
		return answer, unknown(err)
	}
	answer.Record = &howler.Record{HasPassword: has}
	return answer, nil
}

func (h *AuthAPI) describe(c *apiCall, u *store.User, keyNamesOnly bool) (howler.WhoAmI, *failure) {
	answer := howler.WhoAmI{
		Username: u.Username, Name: shownName(u), Email: u.Email, Groups: u.Groups, Roles: u.Roles,
		Active: u.State == store.Active, Admin: howler.IsAdmin(u.Roles), Quota: h.quotaOf(u.Quota),
	}
	keys, failed := c.keysOf(u.Username)
	for i := range keys {
		k := &keys[i]
		answer.Keys = append(answer.Keys, howler.KeyTriple{
			Name: k.Name, Scopes: k.Scopes, Impersonation: k.Impersonation, Expires: k.Expires, NameOnly: keyNamesOnly,
		})
	}
	return answer, failed
}

// shownName is the name for people.
func shownName(u *store.User) string {
	if u.DisplayName == "" {
		return u.Username
	}
	return u.DisplayName
}
