package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

const (
	// maxIssuer and maxSubject are as long as iss and sub may be, in bytes; OpenID Connect
	// allows 255 characters for sub. maxTokenID is that of jti.
	maxIssuer  = 512
	maxSubject = 255
	maxTokenID = 255
)

// LinkIdentity links whom another provider means, by issuer and subject, to a user, who
// may have several. provider is what the configuration calls it. The error is
// store.ErrExists if the identity is linked already, to whomever, and store.ErrNotFound if
// there is no such user.
func (r *Registry) LinkIdentity(ctx context.Context, actor, username, provider, issuer, subject string) error {
	fold, err := foldName(username)
	if err == nil {
		err = checkIdentity(provider, issuer, subject)
	}
	if err != nil {
		return err
	}
	return r.change(ctx, store.Event{Kind: "identity.link", Actor: actor}, func(c *store.Change, e *store.Event) error {
		u, err := c.UserByFold(fold)
		if err != nil {
			return err
		}
		i := newIdentity(&u, issuer, subject)
		if there, err := c.Identity(i.ID); err == nil {
			return fmt.Errorf("identity '%s' of issuer '%s' %w: it is linked to user '%s'; unlink it there first", printable(subject), printable(issuer), store.ErrExists, there.Username)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		i.Provider, i.Created = provider, e.Time
		e.UserID, e.Detail = u.ID, linkDetail(&i)
		return c.InsertIdentity(&i)
	})
}

// UnlinkIdentity takes a link away, and ends all sessions of its user that began by a
// provider. The error is store.ErrNotFound if the identity is not linked.
func (r *Registry) UnlinkIdentity(ctx context.Context, actor, issuer, subject string) error {
	if err := checkIdentity("", issuer, subject); err != nil {
		return err
	}
	id := digestText(principal.IdentityDigest(issuer, subject))
	return r.change(ctx, store.Event{Kind: "identity.unlink", Actor: actor}, func(c *store.Change, e *store.Event) error {
		i, err := c.Identity(id)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("identity '%s' of issuer '%s': %w", printable(subject), printable(issuer), store.ErrNotFound)
		}
		if err != nil {
			return err
		}
		e.UserID, e.Detail = i.UserID, linkDetail(&i)
		if _, err := c.EndSessions(store.SessionFilter{UserID: i.UserID, Method: principal.MethodJWT}); err != nil {
			return err
		}
		return c.DeleteIdentity(id)
	})
}

// Identities lists up to limit identities of one user, or of all if username is empty, in
// the order of their ids, beginning after the one with the id after.
func (r *Registry) Identities(ctx context.Context, username, after string, limit int) ([]store.Identity, error) {
	userID := ""
	if username != "" {
		u, err := r.User(ctx, username)
		if err != nil {
			return nil, err
		}
		userID = u.ID
	}
	return r.store.Identities(ctx, userID, after, limit)
}

func newIdentity(u *store.User, issuer, subject string) store.Identity {
	return store.Identity{
		ID: digestText(principal.IdentityDigest(issuer, subject)), UserID: u.ID, Username: u.Username, Issuer: issuer, Subject: subject,
	}
}

// checkIdentity holds issuer and subject to what a provider may call somebody.
func checkIdentity(provider, issuer, subject string) error {
	if issuer == "" || subject == "" {
		return invalid("an identity needs an issuer and a subject")
	}
	return checkTexts(claim{"provider", provider, maxText}, claim{"issuer", issuer, maxIssuer}, claim{"subject", subject, maxSubject})
}

// claim is a text of a provider, of so many bytes at most.
type claim struct {
	what, text string
	most       int
}

// checkTexts is checkText for several claims. The error is that of the first.
func checkTexts(claims ...claim) error {
	for _, c := range claims {
		if err := checkText(c.what, c.text, c.most); err != nil {
			return err
		}
	}
	return nil
}

// linkDetail is what the audit trail says of a link.
func linkDetail(i *store.Identity) string {
	return fmt.Sprintf("%s: %s of %s", i.Username, printable(i.Subject), printable(i.Issuer))
}
