package caddyauth

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/accesstoken"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
)

// seenToken is a token that was verified, and what it means here. What can change
// while it lasts is asked anew each time: the time, the keys, the account.
type seenToken struct {
	*idp
	external      *principal.External
	notBefore     time.Time
	scopes        principal.Scopes
	roles, groups []string
	// generation is that of the keys by which it was verified.
	generation uint64
	newcomer   identity.NewIdentity
	// user is the account with what the token adds, for the account as it was.
	user atomic.Pointer[mergedUser]
	// stranger is why nobody has got the account of the token when it was last looked for.
	stranger atomic.Pointer[stranger]
}

// mergedUser is an account with the roles and groups of a token.
type mergedUser struct{ account, user *principal.User }

// stranger is why somebody has no account here, and until when nobody looks again.
type stranger struct {
	err   error
	until time.Time
}

// strangerPause is for how long a token is refused without asking the database again
// whether its user has an account by now. One that is linked shows in memory at once.
const strangerPause = 10 * time.Second

// errGroups: the token has not all groups that are needed.
var errGroups = errors.New("a required group is missing")

// accounts are where the users of providers have accounts.
type accounts struct {
	mirror *identity.Mirror
	// people is asked only where somebody comes for the first time.
	people func() (*identity.Registry, error)
}

// prove says who presents a token. The error says more of the reason: an
// *accesstoken.Error, errGroups, identity.ErrNoAccount, or why it cannot be found out.
func (s *idpSet) prove(ctx context.Context, word string, in accounts) (*seenToken, identity.Caller, identity.Reason, error) {
	digest := digestOf(word)
	now := s.now()
	t, known := s.seen.get(digest)
	if known = known && t.stillGood(now); !known {
		var err error
		if t, err = s.verify(ctx, word); err != nil {
			return nil, identity.Caller{}, reasonOfToken(err), err
		}
		// Keys may have had to be fetched.
		now = s.now()
	}
	caller, reason, err := t.account(ctx, in, now)
	if reason == identity.Accepted && t.oneTime {
		reason, err = t.spend(ctx, in)
	} else if !known && (reason == identity.Accepted || reason == identity.UnknownIdentity || reason == identity.UserDisabled) {
		s.seen.add(digest, t)
	}
	return t, caller, reason, err
}

// reasonOfToken is NotFresh where it could not be found out whether a token is good.
func reasonOfToken(err error) identity.Reason {
	if _, bad := errors.AsType[*accesstoken.Error](err); bad || errors.Is(err, errGroups) {
		return identity.UnknownToken
	}
	return identity.NotFresh
}

// verify verifies a token that was not seen before.
func (s *idpSet) verify(ctx context.Context, word string) (*seenToken, error) {
	token, err := accesstoken.Parse(word)
	if err != nil {
		return nil, err
	}
	p := s.byIssuer(token.Issuer())
	if p == nil {
		return nil, &accesstoken.Error{Rule: accesstoken.RuleIssuer, Reason: "no provider is configured with the issuer of the token"}
	}
	generation := p.generation()
	claims, err := p.verifier.Verify(ctx, token, p.keys, s.now())
	if err != nil {
		return nil, err
	}
	return p.seen(claims, generation)
}

// seen is what the claims of a token mean here.
func (p *idp) seen(c *accesstoken.Claims, generation uint64) (*seenToken, error) {
	if !p.hasRequiredGroups(c) {
		return nil, errGroups
	}
	if p.oneTime && c.ID == "" {
		return nil, &accesstoken.Error{Rule: accesstoken.RuleID, Reason: "there is no jti, and without one nobody can tell whether the token was used; see one_time"}
	}
	// Texts of the claims hold on to all of the token's payload.
	e := principal.External{
		Provider: p.name, Issuer: p.rules.Issuer, Subject: strings.Clone(c.Subject), TokenID: strings.Clone(c.ID),
		Expires: c.Expires.Add(p.rules.Leeway), Claims: p.shownOf(c),
	}
	if !c.Issued.IsZero() {
		e.Issued = c.Issued.Add(-p.rules.Leeway)
	}
	t := &seenToken{idp: p, external: principal.NewExternal(e), scopes: p.scopesOf(c), generation: generation}
	t.roles, _ = p.rolesOf(c)
	t.groups, _ = p.groupsOf(c)
	if !c.NotBefore.IsZero() {
		t.notBefore = c.NotBefore.Add(-p.rules.Leeway)
	}
	t.newcomer = identity.NewIdentity{
		External: t.external, MayCreate: p.autoCreate, Roles: p.newRoles,
	}
	if p.autoCreate {
		t.newcomer.Username, t.newcomer.DisplayName, t.newcomer.NewEmail = strings.Clone(p.usernameOf(c)), strings.Clone(displayNameOf(c)), strings.Clone(emailOf(c))
	}
	if p.trustEmail {
		t.newcomer.Email = strings.Clone(verifiedEmail(c))
	}
	return t, nil
}

// stillGood reports whether a token that was good need not be verified again.
func (t *seenToken) stillGood(now time.Time) bool {
	return t.generation == t.idp.generation() && t.usable(now) && !now.Before(t.notBefore)
}

// account finds the account of a token, and makes or links one if that is wanted.
func (t *seenToken) account(ctx context.Context, in accounts, now time.Time) (identity.Caller, identity.Reason, error) {
	caller, reason := in.mirror.CheckExternal(t.external)
	if reason == identity.NotFresh && in.mirror.Refresh(ctx) {
		caller, reason = in.mirror.CheckExternal(t.external)
	}
	if reason == identity.UnknownIdentity {
		if err := t.adopt(ctx, in, now); err != nil {
			return identity.Caller{}, reasonOfAdoption(err), err
		}
		caller, reason = in.mirror.CheckExternal(t.external)
	}
	if reason == identity.Accepted {
		caller.User, caller.Scopes = t.merged(caller.User), t.scopes
	}
	return caller, reason, nil
}

// adopt finds or makes an account for somebody who has none.
func (t *seenToken) adopt(ctx context.Context, in accounts, now time.Time) error {
	if !t.newcomer.MayCreate && t.newcomer.Email == "" {
		return identity.ErrNoAccount
	}
	if known := t.stranger.Load(); known != nil && now.Before(known.until) {
		return known.err
	}
	people, err := in.people()
	if err != nil {
		return err
	}
	_, err = people.Adopt(ctx, t.newcomer)
	if err != nil && reasonOfAdoption(err) != identity.NotFresh {
		t.stranger.Store(&stranger{err, now.Add(strangerPause)})
	}
	return err
}

func reasonOfAdoption(err error) identity.Reason {
	_, invalid := errors.AsType[*identity.InvalidError](err)
	switch {
	case invalid, errors.Is(err, identity.ErrNoAccount):
		return identity.UnknownIdentity
	case errors.Is(err, identity.ErrUserDisabled):
		return identity.UserDisabled
	}
	return identity.NotFresh
}

// spend uses a token that is good for one request.
func (t *seenToken) spend(ctx context.Context, in accounts) (identity.Reason, error) {
	people, err := in.people()
	if err == nil {
		err = people.SpendToken(ctx, t.external)
	}
	switch {
	case err == nil:
		return identity.Accepted, nil
	case errors.Is(err, identity.ErrSpent):
		return identity.Spent, nil
	}
	return identity.NotFresh, err
}

// merged is an account with the roles and groups that the token adds. It is made
// once for each state of the account.
func (t *seenToken) merged(account *principal.User) *principal.User {
	if len(t.roles) == 0 && len(t.groups) == 0 {
		return account
	}
	if m := t.user.Load(); m != nil && m.account == account {
		return m.user
	}
	user := account.With(t.roles, t.groups)
	t.user.Store(&mergedUser{account, user})
	return user
}
