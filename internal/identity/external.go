package identity

import (
	"time"

	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// CheckExternal says whose account the token of another provider stands for, and whether
// it is accepted: a token whose form, signature and claims were found to be right before.
// The Caller has all scopes; what the provider has limited them to is for who asks. It
// allocates nothing.
//
// The reason is Accepted, NotFresh, Expired, Revoked (the token is refused by its jti, or
// was, or may have been, issued before all tokens of the user were), Spent,
// UnknownIdentity or UserDisabled.
func (m *Mirror) CheckExternal(e *principal.External) (Caller, Reason) {
	x, now, fresh := m.look()
	if !fresh {
		return Caller{}, NotFresh
	}
	a, reason := x.admitExternal(e, now, false)
	if reason != Accepted {
		return Caller{}, reason
	}
	return Caller{User: &a.User, Scopes: principal.AllScopes}, Accepted
}

// admitExternal holds the token of another provider against time, against those that are
// refused, and against its user. again: it was accepted before in the same request, which
// may have spent it.
func (x *index) admitExternal(e *principal.External, now time.Time, again bool) (*account, Reason) {
	if !now.Before(e.Expires) {
		return nil, Expired
	}
	if e.TokenID != "" {
		switch spent, refused := x.refused.find(e.Token()); {
		case refused && !spent:
			return nil, Revoked
		case refused && !again:
			return nil, Spent
		}
	}
	number, linked := x.identities.find(e.Identity())
	if !linked {
		return nil, UnknownIdentity
	}
	a := x.account(number)
	switch {
	case a == nil:
		return nil, UnknownIdentity
	case !a.active:
		return nil, UserDisabled
	case !a.counts(e.Issued):
		return nil, Revoked
	}
	return a, Accepted
}

// counts reports whether tokens of other providers that were issued then are accepted.
// The zero time is one that the token does not tell.
func (a *account) counts(issued time.Time) bool {
	return a.tokensAfter == 0 || issued.UnixMicro() > a.tokensAfter
}

// recheckExternal is Recheck for the token of another provider.
func (x *index) recheckExternal(p *principal.Principal, now time.Time) Reason {
	if p.External == nil {
		return UnknownIdentity
	}
	a, reason := x.admitExternal(p.External, now, true)
	holder := p.User
	if p.Impersonation != nil {
		holder = p.Impersonation.By
	}
	if reason == Accepted && a.ID != holder.ID {
		// Linked to somebody else in this very moment.
		return UnknownIdentity
	}
	return reason
}

// putIdentity adds or replaces an identity, whose user is known.
func (x *index) putIdentity(i *store.Identity) error {
	d, number, err := x.identity(i)
	if err == nil {
		x.identities.put(d, number)
	}
	return err
}

// putRefused adds or replaces a refused token.
func (x *index) putRefused(t *store.RefusedToken) error {
	d, err := parseDigest("refused token", t.ID)
	if err == nil {
		x.refused.put(d, t.Spent)
	}
	return err
}

// removeExternal forgets identities and refused tokens by their ids.
func (x *index) removeExternal(identities, refused []string) error {
	for _, id := range identities {
		d, err := parseDigest("identity", id)
		if err != nil {
			return err
		}
		x.identities.remove(d)
	}
	for _, id := range refused {
		d, err := parseDigest("refused token", id)
		if err != nil {
			return err
		}
		x.refused.remove(d)
	}
	return nil
}
