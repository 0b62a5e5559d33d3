package caddyauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// Authenticate is the gate for endpoints of other modules. They ask for scopes
// and roles themselves, and answer refusals in their own form.
func (a *App) Authenticate(r *http.Request, s *principal.Service) (*principal.Principal, *principal.Refusal) {
	t := Rules{Accept: s.Accept, prover: prover{
		app: a, audience: s.Audience, apiVersion: s.APIVersion, insecurePlainHTTP: s.InsecurePlainHTTP,
	}}
	p, known, refused := t.authenticate(r)
	if refused != nil {
		told := refused.forService(t.accepts)
		if known.method != methodNone {
			told.Method = known.method
		}
		told.User = known.user
		return nil, told
	}
	t.admit(r, p)
	return p, nil
}

// tokenKinds are the tokens that a log-in can ask for, by the method with which
// they are presented.
var tokenKinds = map[string]credential.TokenKind{
	principal.MethodAppToken:  credential.AppToken,
	principal.MethodBareToken: credential.BareToken,
}

// LogIn is the log-in for endpoints of other modules.
func (a *App) LogIn(r *http.Request, l *principal.LogIn) (principal.Session, *principal.Refusal) {
	session, refused := a.logIn(r, l)
	if refused != nil {
		metrics.countLogin(principal.MethodPassword, toldAs(refused))
		return principal.Session{}, refused.forService(func(method string) bool { return method == l.Method })
	}
	metrics.countLogin(principal.MethodPassword, nil)
	replacerOf(r).Set(userPlaceholders+"id", session.User)
	return session, nil
}

func (a *App) logIn(r *http.Request, l *principal.LogIn) (s principal.Session, refused *refusal) {
	v := prover{app: a, insecurePlainHTTP: l.InsecurePlainHTTP}
	if !v.maySend(r, principal.MethodPassword) {
		return s, plainHTTP
	}
	people, err := a.people(r.Context())
	if err != nil {
		return s, unavailable(err)
	}
	ends := l.Lifetime
	if ends == (principal.Lifetime{}) {
		ends = a.session
	}
	attempt := identity.Attempt{Username: l.User, Password: l.Password, Address: caller.Address(r)}
	session, words, err := people.LogInByPassword(r.Context(), attempt, identity.NewSession{
		Tokens:  []identity.NewToken{{Kind: tokenKinds[l.Method], Lifetime: ends}},
		Address: attempt.Address, UserAgent: r.UserAgent(),
	})
	if err != nil {
		return s, refusalFor(attemptReason(err), err)
	}
	return principal.Session{User: session.Username, Token: words[0], Expires: session.Tokens[0].Expires}, nil
}

// LogOut is the log-out for endpoints of other modules.
func (a *App) LogOut(r *http.Request, p *principal.Principal) *principal.Refusal {
	if refused := a.logOut(r, p); refused != nil {
		return refused.forService(func(string) bool { return false })
	}
	return nil
}

func (a *App) logOut(r *http.Request, p *principal.Principal) *refusal {
	if p == nil || p.TokenID == "" || p.Impersonation != nil {
		return noSessionToEnd
	}
	people, err := a.people(r.Context())
	if err != nil {
		return unavailable(err)
	}
	err = people.LogOut(r.Context(), identity.UserActor(p.Name), p.TokenID)
	// It may have ended in this very moment, which is what is asked for.
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return unavailable(err)
	}
	return nil
}

// Users counts the users, for an endpoint that tells whether anybody could log in.
// It is an error if nobody can, since nothing is known of the store now.
func (a *App) Users(ctx context.Context) (int, error) {
	mirror, err := a.mirror(ctx)
	if err != nil {
		return 0, err
	}
	if !mirror.Refresh(ctx) {
		return 0, errNotRead
	}
	people, err := a.registry()
	if err != nil {
		return 0, err
	}
	info, err := people.Info(ctx)
	return int(info.Users), err
}

// forService is a refusal for an endpoint of another module, which accepts these
// kinds of credentials.
func (f *refusal) forService(accepts func(method string) bool) *principal.Refusal {
	told := &principal.Refusal{Status: f.status, Code: f.code, Message: f.message, Cause: f.cause, Wait: f.wait}
	if f.wait == 0 {
		told.Challenge = newChallenges(0, accepts)[f.code]
	}
	return told
}

var (
	_ principal.Authenticator = (*App)(nil)
	_ principal.Login         = (*App)(nil)
)
