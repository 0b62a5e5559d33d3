package caddyauth

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/howler"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/principal"
)

// admit finds out who is calling, and whether he may do what he asks for.
func (h *AuthAPI) admit(c *apiCall) *failure {
	caller, method, failed := h.identify(c)
	c.known.method = method
	if failed == nil {
		c.known.user = caller.Name
		caller, failed = h.impersonate(c, caller)
	}
	if failed == nil {
		c.caller, c.known.user = caller, nameOf(caller)
		publish(c.r, caller)
		failed = c.authorize()
	}
	metrics.countCheck(method, asRefusal(failed))
	return failed
}

// asRefusal gives a failure the code that a gate has for it, for the metrics.
func asRefusal(f *failure) *refusal {
	switch {
	case f == nil:
		return nil
	case f.Code == howler.InvalidLogin.Code:
		return &refusal{code: codeInvalid}
	}
	return &refusal{code: f.Code}
}

// identify proves the credential of a call, and says what kind it is. A caller
// whom a gate has proven before is held against the circumstances of this
// request once more; one without an account, whom an address list has let in,
// is nobody here.
func (h *AuthAPI) identify(c *apiCall) (p *principal.Principal, method string, failed *failure) {
	if p := caller.Earlier(c.r); p != nil && p.User != nil && p.Method != principal.MethodClientSecret {
		c.step("earlier gate: " + p.Method)
		reason, err := h.recheck(c.r, p)
		failed := claimFailure(&claim{method: p.Method}, reason, err)
		if failed == nil && p.Method == principal.MethodSession {
			failed = h.guardEarlierSession(c, p)
		}
		return p, p.Method, failed
	}
	claimed, failed := readAPIClaim(c.r, len(h.app.idps.list) > 0)
	if failed != nil {
		return nil, methodNone, failed
	}
	c.step("credential: " + claimed.method)
	if !h.maySend(c.r, claimed.method) {
		return nil, claimed.method, told(howler.PlainHTTP, plainHTTP.cause)
	}
	caller, reason, err := h.prove(c.r, &claimed)
	if failed := claimFailure(&claimed, reason, err); failed != nil {
		return nil, claimed.method, h.keyFailure(c, &claimed, failed)
	}
	if claimed.method == principal.MethodSession {
		failed = h.guardSession(c, claimed.Word)
	}
	return claimed.principal(&caller), claimed.method, failed
}

// readAPIClaim finds the credential of a call, in howler's order and with its
// texts where it has them. It takes no bare tokens. forTokens is as in readClaim.
func readAPIClaim(r *http.Request, forTokens bool) (claim, *failure) {
	presented, err := credential.FromHeaders(r.Header)
	if forTokens && errors.Is(err, credential.ErrTooLong) && isBearer(r.Header.Get(credential.AuthorizationHeader)) {
		return claim{}, tokenFailure(longToken)
	}
	if errors.Is(err, credential.ErrSeveral) || errors.Is(err, credential.ErrTooLong) {
		return claim{}, toldAs(malformed(err))
	}
	if lines := r.Header[credential.AuthorizationHeader]; len(lines) > 0 {
		if refused := howler.CheckAuthorization(lines[0]); refused != nil {
			return claim{}, told(refused, "malformed")
		}
	}
	if err != nil {
		return claim{}, toldAs(malformed(err))
	}
	if presented.Kind != credential.None {
		return claim{method: methodOf(&presented), Presented: presented}, nil
	}
	c, refused := readCookie(r)
	switch {
	case refused == missing:
		return claim{}, told(howler.NoAuthorization, missing.cause)
	case refused != nil:
		return claim{}, toldAs(refused)
	}
	return c, nil
}

// claimFailure says what is told of a claim that was not proven, and nil for one
// that was. A key that has expired, and one under a wrong name, are told apart
// from others only because the secret was right.
func claimFailure(c *claim, reason identity.Reason, err error) *failure {
	cause := reason.String()
	if f := tokenRefusal(err); f != nil {
		return tokenFailure(f)
	}
	switch {
	case reason == identity.Accepted:
		return nil
	case reason == identity.UserDisabled && c.method == principal.MethodJWT:
		return told(howler.NotAllowed, cause)
	case reason == identity.NotFresh && err != nil:
		return unknown(err)
	case reason == identity.NotFresh:
		return &failure{Failure: howler.Unavailable, cause: cause, wait: time.Second}
	case reason == identity.Malformed && err != nil:
		return toldAs(malformed(err))
	case reason == identity.Locked, reason == identity.Throttled, reason == identity.Busy:
		return brakeFailure(reason, err)
	case reason == identity.Expired && c.method == principal.MethodAPIKey:
		return told(howler.ExpiredKey, cause)
	case reason == identity.Impersonation:
		return told(howler.ImpersonationKey, cause)
	case reason == identity.WrongName:
		return told(howler.UnknownKey, cause)
	}
	switch c.Kind {
	case credential.Basic:
		return told(howler.InvalidLogin, cause)
	case credential.Bearer:
		return told(howler.RefusedBearer(c.Word), cause)
	case credential.APIKey:
		return told(howler.InvalidToken, cause)
	default:
		return told(howler.NoUser, cause)
	}
}

// tokenFailure gives the refusal of a provider's token howler's texts.
func tokenFailure(f *refusal) *failure {
	text := howler.UndecodableToken
	switch {
	case f == groupRequired:
		text = howler.NotAllowed
	case f == noAccount:
		text = howler.NoAutoCreation
	case f.code == codeProvider:
		text = howler.ProviderDown
	case f.code == codeScope:
		text = howler.NoAccess
	}
	return &failure{text, f.cause, f.wait, f.err}
}

// authorize holds the caller against what the route asks for: privileges first,
// then user types, as howler has it.
func (c *apiCall) authorize() *failure {
	c.step("caller: proven by " + c.caller.Method)
	if c.caller.Impersonation != nil {
		c.step("acts as another user: by key " + c.caller.Impersonation.KeyID)
	}
	if wanted := c.target.Privileges; wanted != 0 {
		has := c.caller.Scopes.Any(wanted)
		c.step("privilege " + strings.Join(howler.Letters(wanted), " or ") + ": " + strconv.FormatBool(has))
		if !has {
			c.known.wanted = "scope " + strings.Join(wanted.Words(), " or ")
			return told(howler.NoAccess, scopeMissing.cause)
		}
	}
	if types := c.target.UserTypes; len(types) > 0 {
		has := haveCommon(c.caller.Roles, types)
		c.step("user type " + strings.Join(types, " or ") + ": " + strconv.FormatBool(has))
		if !has {
			c.known.wanted = "role " + strings.Join(types, " or ")
			return told(howler.WrongUserType(originalURL(c.r).EscapedPath(), types), roleMissing.cause)
		}
	}
	return nil
}

// explain logs what was decided and why. There is nothing in it that a client
// has sent.
func (h *AuthAPI) explain(c *apiCall, failed *failure) {
	action := "none"
	if c.target.Action != 0 {
		action = actions[c.target.Action].name
	}
	decision := "done"
	if failed != nil {
		decision = "failed: " + failed.Code + ", " + failed.cause
	}
	h.log.Info("endpoint decided", zap.String("action", action), zap.String("decision", decision), zap.Strings("steps", c.steps))
}
