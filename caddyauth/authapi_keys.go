package caddyauth

import (
	"errors"
	"time"

	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

// keyRecord is a key, as its owner sees it. It has no secret.
type keyRecord struct {
	Name       string   `json:"name"`
	ID         string   `json:"id"`
	Privileges []string `json:"privileges"`
	// Agents are who may use a key for impersonation.
	Agents []string `json:"agents,omitempty"`
	store.Limits
	NotBefore time.Time `json:"not_before,omitzero"`
	Expires   time.Time `json:"expires,omitzero"`
	// Disabled is since when the key is refused.
	Disabled  time.Time `json:"disabled,omitzero"`
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by"`
	LastUsed  time.Time `json:"last_used,omitzero"`
}

func newKeyRecord(k *store.Key) keyRecord {
	return keyRecord{
		Name: k.Name, ID: k.ID, Privileges: howler.KeyLetters(k.Scopes, k.Impersonation), Agents: k.Agents, Limits: k.Limits,
		NotBefore: k.NotBefore, Expires: k.Expires, Disabled: k.Disabled,
		Created: k.Created, CreatedBy: k.CreatedBy, LastUsed: k.LastUsed,
	}
}

// maxKeys bounds a list of keys.
const maxKeys = 10_000

// keysOf lists a user's keys that are not revoked, at most maxKeys.
func (c *apiCall) keysOf(username string) ([]store.Key, *failure) {
	filter := store.KeyFilter{UserFold: identity.Fold(username), Limit: pageSize}
	list := []store.Key{}
	for len(list) < maxKeys {
		page, err := c.people.Keys(c.r.Context(), filter)
		if err != nil {
			return nil, unknown(err)
		}
		list = append(list, page...)
		if len(page) < pageSize {
			break
		}
		filter.After = page[len(page)-1].ID
	}
	return list, nil
}

// ownKey names a key of the caller, and of nobody else.
func (c *apiCall) ownKey(name string) store.KeyRef {
	return store.KeyRef{UserFold: identity.Fold(c.caller.Name), Name: name}
}

func (h *AuthAPI) listKeys(c *apiCall) (any, *failure) {
	list, failed := c.keysOf(c.caller.Name)
	if failed != nil {
		return nil, failed
	}
	records := make([]keyRecord, 0, len(list))
	for i := range list {
		records = append(records, newKeyRecord(&list[i]))
	}
	return records, nil
}

func (h *AuthAPI) createKey(c *apiCall) (any, *failure) {
	body, failed := c.readBody()
	if failed != nil {
		return nil, failed
	}
	rules := howler.KeyRules{
		MaxLifetime: time.Duration(h.MaxKeyLifetime), NoExtended: h.NoExtendedKeys,
		NameFree: func(name string) (refused *howler.Failure) {
			refused, failed = c.nameFree(name)
			return refused
		},
	}
	wanted, refused := howler.ParseNewKey(body, rules, time.Now())
	switch {
	case failed != nil:
		return nil, failed
	case refused != nil:
		return nil, told(refused, "key_refused")
	}
	key, word, err := c.people.IssueKeyFor(c.r.Context(), c.caller, identity.NewKey{
		Name: wanted.Name, Scopes: wanted.Scopes, Expires: wanted.Expires, Impersonation: wanted.Impersonation, Agents: wanted.Agents,
	})
	switch {
	case errors.Is(err, store.ErrExists):
		return nil, told(howler.KeyExists(wanted.Name), "exists")
	case err != nil:
		return nil, changeFailure(err, howler.NoUser)
	}
	return howler.KeyAnswer{Name: key.Name, Secret: word}, nil
}

// nameFree says whether the caller has no key of that name. failed is set if it
// cannot be found out.
func (c *apiCall) nameFree(name string) (refused *howler.Failure, failed *failure) {
	_, err := c.people.Key(c.r.Context(), c.ownKey(name))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return howler.Unavailable, unknown(err)
	}
	return howler.KeyExists(name), nil
}

func (h *AuthAPI) deleteKey(c *apiCall) (any, *failure) {
	if _, err := c.people.RevokeKey(c.r.Context(), c.actor(), c.ownKey(c.target.Name), ""); err != nil {
		return nil, changeFailure(err, howler.NoSuchKey)
	}
	return noContent{}, nil
}

func (h *AuthAPI) disableKey(c *apiCall) (any, *failure) {
	return keyAnswer(c.people.DisableKey(c.r.Context(), c.actor(), c.ownKey(c.target.Name)))
}

func (h *AuthAPI) enableKey(c *apiCall) (any, *failure) {
	return keyAnswer(c.people.EnableKeyFor(c.r.Context(), c.caller, c.ownKey(c.target.Name)))
}

func keyAnswer(k store.Key, err error) (any, *failure) {
	if err != nil {
		return nil, changeFailure(err, howler.NoSuchKey)
	}
	return newKeyRecord(&k), nil
}

// rotateKey gives a key a new secret, which is told once. The old one ends at
// once.
func (h *AuthAPI) rotateKey(c *apiCall) (any, *failure) {
	key, word, err := c.people.RotateKeyFor(c.r.Context(), c.caller, c.ownKey(c.target.Name))
	if err != nil {
		return nil, changeFailure(err, howler.NoSuchKey)
	}
	return howler.KeyAnswer{Name: key.Name, Secret: word}, nil
}
