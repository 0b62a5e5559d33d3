package caddyauth

import (
	"errors"
	"net/http"

	"github.com/sallyport/sallyport/internal/accesstoken"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/provider"
	"github.com/sallyport/sallyport/internal/store"
)

// atProvider is the payload of an answer that sends the browser to a provider.
type atProvider struct{ url string }

// logInByProvider sends a browser to the provider, takes up what it comes back with, or
// refreshes a token.
func (h *AuthAPI) logInByProvider(c *apiCall, login *howler.Login) (any, *failure) {
	p := h.app.idps.byName(login.Provider)
	switch {
	case !h.app.idps.haveLogIn():
		return nil, told(howler.OAuthDisabled, "no_provider")
	case p == nil || p.logIn == nil:
		return nil, told(howler.UnknownProvider, "unknown_provider")
	case login.RefreshToken.Reveal() != "":
		return h.refreshAtProvider(c, p, login.RefreshToken)
	case login.Return.Empty():
		return h.departToProvider(c, p)
	}
	return h.returnFromProvider(c, p, &login.Return)
}

// departToProvider begins a log-in. Any page may make a browser do so: without the
// user at the provider nothing comes of it.
func (h *AuthAPI) departToProvider(c *apiCall, p *idp) (any, *failure) {
	departure, err := p.logIn.Begin(c.r.Context(), caller.Address(c.r))
	if err != nil {
		return nil, providerFailure(err)
	}
	bindLogIn(c.w, c.r, departure)
	c.step("sent to the provider")
	return atProvider{departure.URL}, nil
}

// returnFromProvider ends a log-in. The answer has the provider's access token, for
// programs; the browser gets a session of its own.
func (h *AuthAPI) returnFromProvider(c *apiCall, p *idp, back *howler.ProviderReturn) (any, *failure) {
	finish := func() (provider.Grant, error) { return p.logIn.Finish(c.r.Context(), comeBack(c, back)) }
	if back.Error != "" {
		// The provider has said no by the browser, and is not asked.
		_, err := finish()
		return nil, providerFailure(err)
	}
	grant, failed := h.askForGrant(c, finish)
	if failed != nil {
		return nil, failed
	}
	t, user, failed := h.proveGrant(c, p, &grant)
	if failed != nil {
		return nil, failed
	}
	session, words, err := c.people.LogInByProvider(c.r.Context(), user, t.roles, t.groups,
		h.newSession(c, identity.NewToken{Kind: credential.SessionToken, Lifetime: h.sessions}))
	switch {
	case errors.Is(err, identity.ErrEnded), errors.Is(err, store.ErrNotFound):
		return nil, told(howler.NotAllowed, "ended")
	case err != nil:
		return nil, unknown(err)
	}
	setSessionCookie(c.w, words[0].Reveal(), h.sessions.Absolute)
	c.step("session begun: " + session.ID)
	return grantAnswer(p, user, &grant), nil
}

// comeBack is what a browser comes back with. Its binding is good for one return.
func comeBack(c *apiCall, back *howler.ProviderReturn) provider.Return {
	state := back.State.Reveal()
	return provider.Return{
		State: state, Code: back.Code.Reveal(), Issuer: back.Issuer, Error: back.Error, Binding: takeBinding(c.w, c.r, state),
	}
}

// askForGrant lets a provider be asked for tokens, unless it has refused too many codes
// and refresh tokens from the caller's network: strangers can make them up, and each costs
// a request.
func (h *AuthAPI) askForGrant(c *apiCall, ask func() (provider.Grant, error)) (grant provider.Grant, failed *failure) {
	if failed := h.storeAway(c); failed != nil {
		return grant, failed
	}
	end, wait := h.app.idps.beginGrant(caller.Address(c.r))
	if wait > 0 {
		return grant, &failure{Failure: howler.TooManyAttempts, cause: identity.Throttled.String(), wait: wait}
	}
	refused := false
	defer func() { end(refused) }()
	grant, err := ask()
	_, refused = errors.AsType[*provider.RefusedError](err)
	if err != nil {
		return grant, providerFailure(err)
	}
	return grant, nil
}

// storeAway is a failure while accounts cannot be looked at. A provider takes a code or a
// refresh token once, and what it gives for it could not be handed out then.
func (h *AuthAPI) storeAway(c *apiCall) *failure {
	mirror, err := h.app.mirror(c.r.Context())
	switch {
	case err != nil:
		return unknown(err)
	case !mirror.Refresh(c.r.Context()):
		return claimFailure(&claim{method: principal.MethodJWT}, identity.NotFresh, nil)
	}
	return nil
}

// refreshAtProvider gives a new access token for a refresh token. It begins no session:
// programs refresh.
func (h *AuthAPI) refreshAtProvider(c *apiCall, p *idp, token credential.Secret) (any, *failure) {
	if fromOtherOrigin(c.r) {
		return nil, told(crossLogin, crossSite.cause)
	}
	grant, failed := h.askForGrant(c, func() (provider.Grant, error) { return p.logIn.Refresh(c.r.Context(), token) })
	if failed != nil {
		return nil, failed
	}
	_, user, failed := h.proveGrant(c, p, &grant)
	if failed != nil {
		return nil, failed
	}
	return grantAnswer(p, user, &grant), nil
}

// proveGrant holds the access token that a provider has given against all that any
// other one is held against. It must be of this provider, and of the user whom the ID
// token names.
func (h *AuthAPI) proveGrant(c *apiCall, p *idp, grant *provider.Grant) (*seenToken, *principal.Principal, *failure) {
	mirror, err := h.app.mirror(c.r.Context())
	if err != nil {
		return nil, nil, unknown(err)
	}
	claimed := claim{method: principal.MethodJWT, Presented: credential.Presented{Kind: credential.Bearer, Word: grant.AccessToken.Reveal()}}
	t, proven, reason, err := h.app.idps.prove(c.r.Context(), claimed.Word, accounts{mirror, h.app.registry})
	if failed := claimFailure(&claimed, reason, err); failed != nil {
		return nil, nil, failed
	}
	if t.name != p.name || grant.Subject != "" && grant.Subject != t.external.Subject {
		return nil, nil, told(howler.ProviderRefused, "other_subject")
	}
	claimed.external = t.external
	user := claimed.principal(&proven)
	replacerOf(c.r).Set(userPlaceholders+"id", user.Name)
	return t, user, nil
}

func grantAnswer(p *idp, user *principal.Principal, grant *provider.Grant) howler.LoginAnswer {
	return howler.LoginAnswer{AppToken: grant.AccessToken, Provider: p.name, RefreshToken: grant.RefreshToken, Privileges: user.Scopes}
}

// providerFailure says how an error of a log-in by a provider is answered.
func providerFailure(err error) *failure {
	_, refused := errors.AsType[*provider.RefusedError](err)
	_, badToken := errors.AsType[*accesstoken.Error](err)
	switch {
	case refused:
		return &failure{Failure: howler.ProviderRefused, cause: "provider_refused", err: err}
	case badToken:
		return &failure{Failure: howler.ProviderRefused, cause: "id_token", err: err}
	case errors.Is(err, provider.ErrReturn):
		return &failure{Failure: howler.ProviderRefused, cause: "log_in_not_begun", err: err}
	case errors.Is(err, provider.ErrAnswer):
		return &failure{Failure: howler.ProviderDown, cause: "provider_answer", wait: providerRetry, err: err}
	case errors.Is(err, provider.ErrTooMany):
		return &failure{Failure: howler.TooManyAttempts, cause: identity.Throttled.String(), wait: identity.BusyRetry}
	case errors.Is(err, provider.ErrUnavailable):
		return &failure{Failure: howler.ProviderDown, cause: codeProvider, wait: providerRetry, err: err}
	}
	return unknown(err)
}

// redirect sends the browser to another place.
func redirect(w http.ResponseWriter, to atProvider) {
	h := w.Header()
	h["Location"] = []string{to.url}
	h["Cache-Control"] = []string{"no-store"}
	h["Content-Length"] = []string{"0"}
	w.WriteHeader(http.StatusFound)
}
