package caddyauth

import (
	"errors"
	"strconv"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// logIn makes an app token of a password or of an API key. With a password it
// begins a browser session as well, whose cookie replaces the one that the
// browser has: a word that somebody else may know is never taken over.
func (h *AuthAPI) logIn(c *apiCall) (any, *failure) {
	method, answer, failed := h.tryLogIn(c)
	if _, away := answer.(atProvider); away {
		// It is counted when it comes back.
		return answer, nil
	}
	metrics.countLogin(method, failed)
	if failed != nil {
		return nil, failed
	}
	return answer, nil
}

func (h *AuthAPI) tryLogIn(c *apiCall) (method string, answer any, failed *failure) {
	// A key that is logged in with deserves the same care.
	if !h.maySend(c.r, principal.MethodPassword) {
		return methodNone, nil, told(howler.PlainHTTP, plainHTTP.cause)
	}
	body, failed := c.readBody()
	if failed != nil {
		return methodNone, nil, failed
	}
	parse := howler.ParseLogin
	if h.InsecureQueryCredentials {
		parse = howler.ParseLoginWithQuery
	}
	login, refused := parse(c.r.Header.Get("Content-Type"), body, c.r.URL.Query())
	if refused != nil {
		return methodNone, nil, told(refused, "malformed")
	}
	if login.Provider != "" {
		c.step("credential: " + principal.MethodJWT)
		answer, failed = h.logInByProvider(c, &login)
		return principal.MethodJWT, answer, failed
	}
	if fromOtherOrigin(c.r) {
		return methodNone, nil, told(crossLogin, crossSite.cause)
	}
	method = principal.MethodPassword
	begin := h.logInByPassword
	if login.ByKey {
		method, begin = principal.MethodAPIKey, h.logInByKey
	}
	c.step("credential: " + method)
	session, word, failed := begin(c, &login)
	if failed != nil {
		return method, nil, failed
	}
	replacerOf(c.r).Set(userPlaceholders+"id", session.Username)
	return method, howler.LoginAnswer{AppToken: word, RefreshToken: login.RefreshToken, Privileges: session.Scopes}, nil
}

func (h *AuthAPI) logInByPassword(c *apiCall, login *howler.Login) (store.Session, credential.Secret, *failure) {
	attempt := identity.Attempt{Username: login.User, Password: login.Password.Reveal(), Address: caller.Address(c.r)}
	session, words, err := c.people.LogInByPassword(c.r.Context(), attempt, h.newSession(c,
		identity.NewToken{Kind: credential.AppToken, Lifetime: h.appTokens},
		identity.NewToken{Kind: credential.SessionToken, Lifetime: h.sessions}))
	if err != nil {
		return session, credential.Secret{}, passwordFailure(err, howler.InvalidLogin)
	}
	setSessionCookie(c.w, words[1].Reveal(), h.sessions.Absolute)
	return session, words[0], nil
}

// logInByKey sets no cookie: it is programs that have keys.
func (h *AuthAPI) logInByKey(c *apiCall, login *howler.Login) (store.Session, credential.Secret, *failure) {
	claimed := claim{method: principal.MethodAPIKey, Presented: credential.Presented{
		Kind: credential.Basic, User: login.User, KeyName: login.KeyName, Word: login.Key.Reveal(),
		Secret: login.KeyName + ":" + login.Key.Reveal(),
	}}
	caller, reason, err := h.prove(c.r, &claimed)
	if failed := claimFailure(&claimed, reason, err); failed != nil {
		return store.Session{}, credential.Secret{}, h.keyFailure(c, &claimed, failed)
	}
	session, words, err := c.people.LogInByKey(c.r.Context(), caller, h.newSession(c,
		identity.NewToken{Kind: credential.AppToken, Lifetime: h.appTokens}))
	often, isOften := errors.AsType[*identity.KeyLogInsError](err)
	switch {
	case errors.Is(err, identity.ErrEnded), errors.Is(err, store.ErrNotFound):
		return session, credential.Secret{}, told(howler.InvalidLogin, "ended")
	case isOften:
		return session, credential.Secret{}, &failure{Failure: howler.TooManyAttempts, cause: "key_log_ins", wait: often.Wait}
	case err != nil:
		return session, credential.Secret{}, unknown(err)
	}
	return session, words[0], nil
}

func (h *AuthAPI) newSession(c *apiCall, tokens ...identity.NewToken) identity.NewSession {
	return identity.NewSession{Tokens: tokens, Address: caller.Address(c.r), UserAgent: c.r.UserAgent()}
}

// logOut ends the session of the token or the cookie, with all that it has: both
// came from one log-in. Where there is no session, success would be a lie.
func (h *AuthAPI) logOut(c *apiCall) (any, *failure) {
	hasEnd := c.caller.TokenID != "" || c.caller.External != nil && c.caller.External.TokenID != ""
	if !hasEnd || c.caller.Impersonation != nil {
		return nil, told(noSession, "no_session")
	}
	if c.caller.Method == principal.MethodJWT {
		return nil, h.refuseToken(c)
	}
	err := c.people.LogOut(c.r.Context(), c.actor(), c.caller.TokenID)
	// It may have ended in this very moment, which is what is asked for.
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, unknown(err)
	}
	c.step("session ended: " + strconv.FormatBool(err == nil))
	clearSessionCookie(c.w)
	return nil, nil
}

// refuseToken ends a token of another provider here: it is not accepted any more. The
// provider goes on to give others.
func (h *AuthAPI) refuseToken(c *apiCall) *failure {
	e := c.caller.External
	if err := c.people.RefuseToken(c.r.Context(), c.actor(), e.Issuer, e.TokenID, c.caller.ID, e.Expires); err != nil {
		return unknown(err)
	}
	c.step("token refused from now on")
	return h.endSessionBeside(c)
}

// endSessionBeside ends the browser session of the caller whose cookie came along with his
// token: a log-in by a provider gives both. It is nobody's credential here, so that one of
// somebody else stays.
func (h *AuthAPI) endSessionBeside(c *apiCall) *failure {
	word, err := sessionWord(c.r)
	if err != nil || word == "" {
		return nil
	}
	beside := claim{method: principal.MethodSession, Presented: credential.Presented{Word: word}}
	owner, reason, err := h.prove(c.r, &beside)
	switch {
	case reason == identity.NotFresh:
		return claimFailure(&beside, reason, err)
	case reason != identity.Accepted || owner.User.ID != c.caller.ID:
		return nil
	}
	if err := c.people.LogOut(c.r.Context(), c.actor(), owner.ID.String()); err != nil && !errors.Is(err, store.ErrNotFound) {
		return unknown(err)
	}
	c.step("session ended beside it")
	clearSessionCookie(c.w)
	return nil
}
