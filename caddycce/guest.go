package caddycce

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/principal"
)

// guests are the callers whom the caddyauth app knows. Where there are no rules
// there are no guests.
type guests struct {
	app     principal.Authenticator
	service principal.Service
	rules   []rule
	// masked and classes hold for all of them.
	masked, classes []string
}

// rule says who acts as an account.
type rule struct {
	scope   principal.Scopes
	role    string
	account *cce.Account
}

// admit says whether a request is a guest's. One with a credential that is not
// good is refused, and never judged by its address instead.
func (g *guests) admit(c *call) (v visitor, refused *cceapi.Answer, mine bool) {
	if g == nil {
		return visitor{}, nil, false
	}
	known := caller.Earlier(c.r) != nil
	if _, ours := bearerToken(c.r.Header); ours && !known && c.r.Header["X-Api-Key"] == nil {
		// A token of LOGIN may stand where a key does, but not beside one.
		return visitor{}, nil, false
	}
	p, refusal := caller.Authenticate(c.r, g.app, &g.service)
	switch {
	case refusal == nil:
	case refusal.Code == principal.CodeMissing:
		return visitor{}, nil, false
	default:
		c.cause, c.refusal = refusal.Cause, refusal
		return visitor{}, notAuthenticated(refusal), true
	}
	if r := g.ruleOf(p); r != nil {
		return visitor{kind: guest, principal: p, rule: r}, nil, true
	}
	if known {
		return visitor{}, nil, false
	}
	c.cause = "no_rule"
	return visitor{}, cceapi.Forbidden(), true
}

// ruleOf is the first rule that fits, or nil. Who may write and has a rule by which
// he does is not held to reading by another one.
func (g *guests) ruleOf(p *principal.Principal) (first *rule) {
	for i := range g.rules {
		r := &g.rules[i]
		if !r.fits(p) {
			continue
		}
		if r.scope != principal.Read || !p.Scopes.Any(principal.Write) {
			return r
		}
		if first == nil {
			first = r
		}
	}
	return first
}

// fits reports whether the caller acts as the rule's account. One who can neither
// read nor write has nothing to ask.
func (r *rule) fits(p *principal.Principal) bool {
	if !p.Scopes.Any(principal.Read | principal.Write) {
		return false
	}
	if r.scope != 0 {
		return p.Scopes.Any(r.scope)
	}
	return slices.Contains(p.Roles, r.role)
}

// bearerToken is the word of `Authorization: Bearer` if it has the form of a
// token of LOGIN.
func bearerToken(h http.Header) (token cscp.Secret, ours bool) {
	values := h["Authorization"]
	if len(values) != 1 {
		return "", false
	}
	scheme, word, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || !cce.IsToken(word) {
		return "", false
	}
	return cscp.Secret(word), true
}

// needsSession are the actions that are about a session of the caller's own.
var needsSession = map[cceapi.Action]bool{
	cceapi.LogIn: true, cceapi.Auth: true, cceapi.AuthKey: true, cceapi.EndKey: true,
}

// forGuest answers a guest, who acts in a session that he shares with all others
// of his account.
func (h *CCE) forGuest(ctx context.Context, c *call) (*cceapi.Answer, error) {
	q, account := c.request, c.visitor.rule.account
	if needsSession[q.Action] || q.SessionID != "" || q.Token != "" {
		c.cause = "session_of_a_guest"
		return noSessions(), nil
	}
	p := c.visitor.principal
	in := &cce.Caller{Limits: h.guests.limits(c.visitor.rule, p), Owner: "guest " + p.ID, Queue: "guest " + account.User() + " " + p.ID + " " + p.KeyID + p.TokenID}
	for first := true; ; first = false {
		session, err := h.desk.guestSession(ctx, account)
		if err != nil {
			return h.accountFailed(c, err), nil
		}
		in.Session = session
		answer, err := h.run(ctx, c, in)
		if !errors.Is(err, cscp.ErrRefused) {
			return answer, err
		}
		// cced has forgotten the session, before it has done anything.
		h.desk.forgetGuest(account, session)
		if !first {
			return h.accountFailed(c, err), nil
		}
	}
}

// limits is what a guest may do of what his account may. A rule for the scope read
// allows reading, whatever else the credential is good for: a password is good for
// everything.
func (g *guests) limits(r *rule, p *principal.Principal) *cce.Limits {
	l := &cce.Limits{Classes: g.classes, WriteOnly: !p.Scopes.Any(principal.Read)}
	if r.scope == principal.Read || !p.Scopes.Any(principal.Write) {
		l.ReadOnly, l.Hide = true, g.masked
	}
	return l
}

// guestSession is the session of an account, and a lock on it.
type guestSession struct {
	// turn is held while the session is looked at or made.
	turn    chan struct{}
	session cscp.Session
}

// guestOf returns the place of an account's session.
func (d *desk) guestOf(user string) *guestSession {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.guests[user]
	if g == nil {
		g = &guestSession{turn: make(chan struct{}, 1)}
		d.guests[user] = g
	}
	return g
}

// guestSession returns the session of an account, and logs it in if there is
// none.
func (d *desk) guestSession(ctx context.Context, a *cce.Account) (cscp.Session, error) {
	g := d.guestOf(a.User())
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return cscp.Session{}, context.Cause(ctx)
	}
	if g.session.ID != "" {
		return g.session, nil
	}
	session, err := d.logIn(ctx, a)
	if err == nil {
		g.session = session
	}
	return session, err
}

// forgetGuest forgets a session that cced does not know any more.
func (d *desk) forgetGuest(a *cce.Account, s cscp.Session) {
	g := d.guestOf(a.User())
	g.turn <- struct{}{}
	defer func() { <-g.turn }()
	if g.session == s {
		g.session = cscp.Session{}
	}
}

// endGuests ends the sessions of all accounts.
func (d *desk) endGuests() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for user, g := range d.guests {
		if g.session.ID != "" {
			d.end(g.session)
		}
		delete(d.guests, user)
	}
}
