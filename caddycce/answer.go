package caddycce

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/internal/cce"
	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/plugin/body"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/wire"
)

// busyRetry is when to try again where too much is asked for at once.
const busyRetry = time.Second

// failure is a cause that is not the caller's fault: the HTTP status, and the
// answer with the id of the error.
type failure struct {
	status int
	answer func(id string) *cceapi.Answer
}

var (
	noAccount = failure{http.StatusServiceUnavailable, func(id string) *cceapi.Answer {
		return cceapi.Failure(http.StatusServiceUnavailable, "the account behind this endpoint does not log in", id)
	}}
	notReady = failure{http.StatusServiceUnavailable, func(id string) *cceapi.Answer {
		a := cceapi.Failure(http.StatusServiceUnavailable, "client secrets cannot be checked now", id)
		a.RetryAfter = busyRetry
		return a
	}}
	broken = failure{http.StatusInternalServerError, cceapi.Internal}
)

// failures are those of the causes. ClientGone is for the log: nobody reads it.
var failures = map[cce.Cause]failure{
	cce.Busy:        {http.StatusServiceUnavailable, func(id string) *cceapi.Answer { return cceapi.Busy(id, busyRetry) }},
	cce.Deadline:    {http.StatusGatewayTimeout, cceapi.Deadline},
	cce.ClientGone:  {http.StatusGatewayTimeout, cceapi.Deadline},
	cce.Unreachable: {http.StatusBadGateway, cceapi.Unreachable},
	cce.Nonsense:    {http.StatusBadGateway, cceapi.BadReply},
}

// failureOf is the failure for a cause, and the error that says more of it.
func failureOf(cause cce.Cause, word string, err error) failure {
	if cause == cce.UnknownOutcome {
		late := errors.Is(err, context.DeadlineExceeded)
		status := http.StatusBadGateway
		if late {
			status = http.StatusGatewayTimeout
		}
		return failure{status, func(id string) *cceapi.Answer { return cceapi.UnknownOutcome(word, id, late) }}
	}
	if f, known := failures[cause]; known {
		return f
	}
	return broken
}

// loginFailed answers a caller whose log-in is not accepted, as the document has
// it: only WHOAMI is answered all the same, that he is nobody.
func loginFailed(q *cceapi.Request) *cceapi.Answer {
	if q.Action == cceapi.WhoAmI {
		return cceapi.WhoAmIRefused()
	}
	return cceapi.LoginFailed(q.BuiltIn())
}

// badParameters answers a command that cced would refuse, or die of.
func badParameters(q *cceapi.Request) *cceapi.Answer {
	return (&cceapi.Refused{Word: q.Word, Code: http.StatusForbidden}).Answer()
}

// refused answers a body that is no request.
func refused(err error) *cceapi.Answer {
	if bad, ok := errors.AsType[*cceapi.BadRequest](err); ok {
		return bad.Answer()
	}
	if bad, ok := errors.AsType[*cceapi.Refused](err); ok {
		return bad.Answer()
	}
	return cceapi.Failure(http.StatusBadRequest, "the request cannot be read", "")
}

// Answers to callers who may ask, but not so.

func notFound() *cceapi.Answer {
	return cceapi.Failure(http.StatusNotFound, "there is nothing at this path", "")
}

func unreadable() *cceapi.Answer {
	return cceapi.Failure(http.StatusBadRequest, "the body did not come whole", "")
}

func twoTokens() *cceapi.Answer {
	return cceapi.Failure(http.StatusBadRequest, "two different tokens; send one", "")
}

func crossSite() *cceapi.Answer {
	return cceapi.Failure(http.StatusForbidden, "pages of another site cannot ask here", "")
}

func plainHTTP() *cceapi.Answer {
	return cceapi.Failure(http.StatusForbidden, "LOGIN is accepted over HTTPS only", "")
}

// noSessions answers a guest who speaks of sessions or tokens: he has none.
func noSessions() *cceapi.Answer {
	return cceapi.Failure(http.StatusForbidden, "AUTH, AUTHKEY, ENDKEY, LOGIN, session ids and tokens do not go with a credential of another kind", "")
}

// notAuthenticated answers a credential that the caddyauth app refuses.
func notAuthenticated(r *principal.Refusal) *cceapi.Answer {
	return cceapi.Failure(r.Status, r.Message, "")
}

// write sends an answer.
func write(w http.ResponseWriter, a *cceapi.Answer) error {
	if a.HTTPStatus == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	if a.RetryAfter > 0 {
		w.Header().Set("Retry-After", wire.RetryAfter(a.RetryAfter))
	}
	body.Write(w, a.HTTPStatus, a.ContentType, a.Body)
	return nil
}
