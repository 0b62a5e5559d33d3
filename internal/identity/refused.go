package identity

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// ErrSpent: the token was good for one time, and was presented before.
var ErrSpent = errors.New("the token was presented before, and is good for one time")

// spentSlack is how much longer than it is valid a spent token is known: the clocks of
// processes and machines differ.
const spentSlack = 10 * time.Minute

// RefuseToken refuses the token of another provider by its jti, id, until a time at which
// it is over anyway. userID says to people whose it is and may be empty. What is refused
// already stays so, until the later time.
func (r *Registry) RefuseToken(ctx context.Context, actor, issuer, id, userID string, until time.Time) error {
	switch {
	case issuer == "" || id == "":
		return invalid("a token is refused by its issuer and its jti; one without a jti is refused with all others of its user, by ending his sessions")
	case until.IsZero():
		return invalid("say until when the token is to be refused")
	}
	if err := checkTexts(claim{"issuer", issuer, maxIssuer}, claim{"jti", id, maxTokenID}, claim{"user id", userID, maxText}); err != nil {
		return err
	}
	t := store.RefusedToken{ID: digestText(principal.TokenDigest(issuer, id)), UserID: userID, Expires: until, Created: r.now()}
	event := store.Event{Kind: "token.refuse", Actor: actor, UserID: userID, Detail: printable(id) + " of " + printable(issuer)}
	return r.change(ctx, event, func(c *store.Change, _ *store.Event) error { return c.RefuseToken(&t) })
}

// SpendToken notes that a token that is good for one time was presented. Of several at the
// same time, by any process, one succeeds; for the others the error is ErrSpent, and so it
// is for a token that is refused. It is no event of the audit trail.
func (r *Registry) SpendToken(ctx context.Context, e *principal.External) error {
	if e.TokenID == "" {
		return invalid("a token without a jti cannot be good for one time: it could not be told from the next one")
	}
	id := digestText(e.Token())
	err := r.store.Change(ctx, func(c *store.Change) error {
		switch _, err := c.RefusedToken(id); {
		case err == nil:
			return ErrSpent
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		return c.RefuseToken(&store.RefusedToken{ID: id, Spent: true, Expires: e.Expires.Add(spentSlack), Created: r.now()})
	})
	if err != nil {
		return err
	}
	r.committed(context.WithoutCancel(ctx))
	return nil
}

// externalStands reports within a change whether the token of another provider still
// stands for a user. One that this request has spent does. The error is ErrEnded.
func (r *Registry) externalStands(c *store.Change, u *store.User, e *principal.External) error {
	if e == nil || !r.now().Before(e.Expires) || !newAccount(u).counts(e.Issued) {
		return ErrEnded
	}
	i, err := c.Identity(digestText(e.Identity()))
	switch {
	case err != nil:
		return asEnded(err)
	case i.UserID != u.ID:
		return ErrEnded
	case e.TokenID == "":
		return nil
	}
	t, err := c.RefusedToken(digestText(e.Token()))
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && t.Spent:
		return nil
	case err != nil:
		return err
	}
	return ErrEnded
}
