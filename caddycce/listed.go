package caddycce

import (
	"context"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/plugin/accesslist"
	"github.com/sallyport/sallyport/internal/plugin/caller"
)

// forListed answers a caller at a listed address. He needs the secret of his
// entry for everything but PING, and a token of that entry for everything but
// LOGIN.
func (h *CCE) forListed(ctx context.Context, c *call) (*cceapi.Answer, error) {
	q := c.request
	if q.Action == cceapi.Auth || q.Action == cceapi.AuthKey || q.SessionID != "" {
		c.cause = "session_from_elsewhere"
		return cceapi.AuthFromRemote(), nil
	}
	if refused := h.checkSecret(c); refused != nil {
		return refused, nil
	}
	if q.Action == cceapi.LogIn {
		return h.issue(ctx, c)
	}
	token, refused := c.token()
	if refused != nil {
		return refused, nil
	}
	session, good := h.desk.tokens.Find(token, c.visitor.entry.Prefix)
	if !good {
		c.cause = string(cce.NotLoggedIn)
		return loginFailed(q), nil
	}
	answer, err := h.run(ctx, c, &cce.Caller{Session: session, Owner: c.visitor.name()})
	if q.Action == cceapi.Bye || q.Action == cceapi.EndKey {
		// Whatever came of it: the caller has done with the token.
		h.desk.tokens.End(token)
	}
	return answer, err
}

// checkSecret is the answer to a caller without the secret of his entry, or nil.
func (h *CCE) checkSecret(c *call) *cceapi.Answer {
	presented, err := accesslist.OneSecret(c.r.Header, accesslist.DefaultHeader)
	if err != nil {
		c.cause = "malformed_secret"
		return cceapi.WrongSecret()
	}
	verdict, wait := h.list.Admit(c.r.Context(), c.visitor.entry, caller.Address(c.r), presented)
	if verdict == allowlist.Admitted {
		return nil
	}
	if verdict == allowlist.WrongSecret {
		c.failed = "client_secret"
	}
	switch c.cause = verdict.String(); verdict {
	case allowlist.TooManyFailures:
		metrics.braked()
		return cceapi.TooMany(wait)
	case allowlist.NotLoaded:
		return h.fail(c, notReady)
	default:
		return cceapi.WrongSecret()
	}
}

// token is the token of a request: that of the body, or of Authorization.
func (c *call) token() (cscp.Secret, *cceapi.Answer) {
	bearer, _ := bearerToken(c.r.Header)
	switch given := c.request.Token; {
	case given == "":
		return bearer, nil
	case bearer == "" || bearer == given:
		return given, nil
	}
	c.cause = "two_tokens"
	return "", twoTokens()
}

// issue logs the account of the endpoint in and answers with a token.
func (h *CCE) issue(ctx context.Context, c *call) (*cceapi.Answer, error) {
	if !h.InsecurePlainHTTP && !caller.MaySendPassword(c.r) {
		c.cause = "plain_http"
		return plainHTTP(), nil
	}
	account := h.settings.accounts[h.settings.apiUser]
	if account == nil {
		c.cause = "no_account"
		return h.fail(c, noAccount), nil
	}
	c.user = h.settings.apiUser
	session, err := h.desk.logIn(ctx, account)
	if err != nil {
		return h.accountFailed(c, err), nil
	}
	token, expires, err := h.desk.tokens.Issue(c.visitor.entry.Prefix, session, h.settings.tokens)
	if err != nil {
		h.desk.end(session)
		return nil, err
	}
	return cceapi.TokenIssued(token, expires), nil
}

// accountFailed is the answer where our own account does not log in: the caller
// has done nothing wrong.
func (h *CCE) accountFailed(c *call, err error) *cceapi.Answer {
	cause := cce.Explain(err)
	c.cause, c.err = "account_"+string(cause), err
	if cause == cce.NotLoggedIn || cause == cce.NoPassword || cause == cce.Internal {
		return h.fail(c, noAccount)
	}
	return h.fail(c, failureOf(cause, c.request.Word, err))
}
