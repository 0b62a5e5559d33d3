package cce

import (
	"context"
	"errors"
	"io/fs"
	"net"

	"github.com/sallyport/sallyport/internal/cscp"
)

// Cause is why a request has no answer of cced, as one word of a closed set for
// logs and metrics.
type Cause string

// The causes.
const (
	// NotLoggedIn: cced does not accept the session.
	NotLoggedIn Cause = "not_logged_in"
	// UnknownOutcome: a change was sent, and nobody knows what came of it.
	UnknownOutcome Cause = "unknown_outcome"
	// BadRegexp: cced has closed the connection over a regular expression.
	BadRegexp Cause = "bad_regexp"
	// BadParameters: the command cannot be said.
	BadParameters Cause = "bad_parameters"
	// Busy: no connection was free in time.
	Busy Cause = "busy"
	// Deadline: cced did not answer in time.
	Deadline Cause = "deadline"
	// ClientGone: the client did not wait.
	ClientGone Cause = "client_gone"
	// NoPassword: the files of an account do not tell its password.
	NoPassword Cause = "no_password"
	// Unreachable: there is no cced, or it ended the connection.
	Unreachable Cause = "unreachable"
	// Nonsense: what cced has said is not understood, or too long.
	Nonsense Cause = "nonsense"
	// Internal: something else, a mistake of this program perhaps.
	Internal Cause = "internal"
)

// causes are looked through in order.
var causes = []struct {
	err   error
	cause Cause
}{
	{cscp.ErrRefused, NotLoggedIn},
	{cscp.ErrBusy, Busy},
	{context.DeadlineExceeded, Deadline},
	{context.Canceled, ClientGone},
	{cscp.ErrShutdown, Unreachable},
	{cscp.ErrClosed, Unreachable},
	{cscp.ErrTooManyConnections, Unreachable},
	{cscp.ErrBroken, Unreachable},
	{cscp.ErrProtocol, Nonsense},
	{cscp.ErrTooLong, Nonsense},
	{cscp.ErrNotQuoted, Nonsense},
	{fs.ErrNotExist, Unreachable},
	{fs.ErrPermission, Unreachable},
}

// Explain finds the cause of an error of Run.
func Explain(err error) Cause {
	if _, ok := errors.AsType[*cscp.UnknownOutcomeError](err); ok {
		return UnknownOutcome
	}
	if _, ok := errors.AsType[*cscp.ParameterError](err); ok {
		return BadParameters
	}
	if _, ok := errors.AsType[*PasswordError](err); ok {
		return NoPassword
	}
	if _, ok := errors.AsType[*regexpError](err); ok {
		return BadRegexp
	}
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return c.cause
		}
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return Unreachable
	}
	return Internal
}
