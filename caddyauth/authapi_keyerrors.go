package caddyauth

import (
	"errors"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

// keyFailure says of a key that was refused what howler tells anybody, if that is
// wanted: whether the user has one of that name, and whether it has expired or is for
// impersonation. It looks into the store, since it is of no use to be fast here.
func (h *AuthAPI) keyFailure(c *apiCall, claimed *claim, failed *failure) *failure {
	// Howler splits at the first colon.
	name, _, _ := strings.Cut(claimed.KeyName, ":")
	if !h.InsecureKeyErrors || failed.Failure != howler.InvalidLogin || name == "" {
		return failed
	}
	people, err := h.app.people(c.r.Context())
	if err != nil {
		return failed
	}
	user, err := people.User(c.r.Context(), claimed.User)
	if err != nil {
		return failed
	}
	key, err := people.Key(c.r.Context(), store.KeyRef{UserFold: identity.Fold(user.Username), Name: name})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return told(howler.UnknownKey, failed.cause)
	case err != nil:
		return failed
	case !key.Expires.IsZero() && !time.Now().Before(key.Expires):
		return told(howler.ExpiredKey, failed.cause)
	case key.Impersonation:
		return told(howler.ImpersonationKey, failed.cause)
	}
	return failed
}
