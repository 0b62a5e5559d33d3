package caddycce

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
	"github.com/sallyport/sallyport/internal/plugin/caller"
)

// forLocal answers a caller on this machine, who has a session of cced or makes
// one by AUTH. A token is no use to him.
func (h *CCE) forLocal(ctx context.Context, c *call) (*cceapi.Answer, error) {
	q := c.request
	switch {
	case q.Action == cceapi.LogIn:
		return cceapi.LoginFromLocalhost(), nil
	case q.Action == cceapi.Auth:
		return h.logIn(ctx, c)
	case q.SessionID != "":
		return h.run(ctx, c, &cce.Caller{Session: cscp.Session{User: q.User, ID: q.SessionID}})
	case q.Action == cceapi.WhoAmI && q.Password != "":
		return h.whoIs(ctx, c)
	}
	c.cause = string(cce.NotLoggedIn)
	return loginFailed(q), nil
}

// logIn makes a session.
func (h *CCE) logIn(ctx context.Context, c *call) (*cceapi.Answer, error) {
	session, refused, err := h.prove(ctx, c)
	if refused != nil || err != nil {
		return refused, err
	}
	return cceapi.SessionIssued(session.ID), nil
}

// whoIs answers whose the user name and password are. The session that this
// makes is told to nobody, so it is ended.
func (h *CCE) whoIs(ctx context.Context, c *call) (*cceapi.Answer, error) {
	session, refused, err := h.prove(ctx, c)
	if refused != nil || err != nil {
		return refused, err
	}
	defer h.desk.end(session)
	return h.run(ctx, c, &cce.Caller{Session: session})
}

// prove logs in at cced with the user name and password of the request, unless
// there were too many failures.
func (h *CCE) prove(ctx context.Context, c *call) (cscp.Session, *cceapi.Answer, error) {
	q := c.request
	c.user = q.User
	attempt, wait, err := h.desk.brake.Begin(ctx, h.settings.failures, caller.Address(c.r), q.User)
	if err != nil {
		return cscp.Session{}, nil, err
	}
	if wait > 0 {
		c.cause = "too_many_failures"
		metrics.braked()
		return cscp.Session{}, cceapi.TooMany(wait), nil
	}
	defer attempt.Undecided()
	session, err := h.desk.authenticate(q.User, q.Password)
	if gone := context.Cause(ctx); err == nil && gone != nil {
		// Nobody will ever use this session.
		h.desk.end(session)
		err = gone
	}
	switch {
	case err == nil:
		attempt.Succeeded()
	case errors.Is(err, cscp.ErrRefused):
		attempt.Failed()
		c.failed = "password"
	}
	return session, nil, err
}
