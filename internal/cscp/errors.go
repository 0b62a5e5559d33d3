package cscp

import "errors"

var (
	// ErrRefused: cced does not accept the password or session.
	ErrRefused = errors.New("cced refuses the log-in")
	// ErrClosed: cced has closed the connection without a word.
	ErrClosed = errors.New("cced has closed the connection")
	// ErrShutdown: cced is shutting down, or on fire (998, 999).
	ErrShutdown = errors.New("cced is shutting down")
	// ErrTooLong: a reply is longer than Options.MaxReply.
	ErrTooLong = errors.New("cced's reply is longer than is allowed")
	// ErrProtocol: what was read is not CSCP.
	ErrProtocol = errors.New("cced's reply is not CSCP")
	// ErrTooManyConnections: cced takes no more connections.
	ErrTooManyConnections = errors.New("cced has too many connections")
	// ErrBusy: a Pool had no connection free in time.
	ErrBusy = errors.New("all connections to cced are in use; raise the limits or try again later")
	// ErrPoolClosed: the Pool is closed.
	ErrPoolClosed = errors.New("the pool of connections to cced is closed")
	// ErrBroken: the connection cannot be used any more.
	ErrBroken = errors.New("the connection to cced is not usable any more")
)

// UnknownOutcomeError says that a change was sent and its reply is missing: it
// may have been made, may still be made, or not.
type UnknownOutcomeError struct {
	// Word is the word of the command.
	Word string
	Err  error
}

func (e *UnknownOutcomeError) Error() string {
	return "it is not known whether cced has carried out " + e.Word + ": " + e.Err.Error()
}

// Unwrap is why the reply is missing.
func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// unsentError says that no byte of a command was sent, so that it can be sent
// again on another connection whatever it is.
type unsentError struct{ err error }

func (e *unsentError) Error() string { return e.err.Error() }

// Unwrap is why nothing could be sent.
func (e *unsentError) Unwrap() error { return e.err }
