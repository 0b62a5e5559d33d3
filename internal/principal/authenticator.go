package principal

import (
	"fmt"
	"net/http"
	"time"
)

// Authenticator finds out who has made a request. The app caddyauth is one;
// endpoints of other modules ask it.
type Authenticator interface {
	// Authenticate proves the one credential that a request carries: an API key,
	// a token, a password, or the cookie of a session. A caller whom an earlier
	// gate has proven, by a method that is accepted here, is held against the
	// circumstances of this service instead.
	//
	// The accepted credential is removed from the request, and the caller is put
	// into the Variable. Where the caller is refused, the request stays as it is.
	Authenticate(r *http.Request, s *Service) (*Principal, *Refusal)
}

// Login gives tokens to those who prove a password, and takes them back. The app
// caddyauth is one.
type Login interface {
	// LogIn proves user name and password, and begins a session with one token.
	// The address of the caller is that of the request, and failures count
	// against the same limits as everywhere. No cookie is set.
	LogIn(r *http.Request, l *LogIn) (Session, *Refusal)
	// LogOut ends the session of the token by which p was authenticated, with all
	// tokens that it has. When it has returned they are not accepted any more, and
	// the audit trail has it. One that has ended already is ended. Whoever has come
	// by an API key or a password has no session, nor has nobody (nil): that is
	// refused with 400 and CodeNoSession. No cookie is taken away.
	LogOut(r *http.Request, p *Principal) *Refusal
}

// Service is what asks who a caller is.
type Service struct {
	// Accept lists the methods that are accepted; none means all of them but
	// MethodClientSecret.
	Accept []string
	// Audience and APIVersion are what API keys may be bound to; "" where the
	// service has none.
	Audience, APIVersion string
	// InsecurePlainHTTP accepts passwords over connections that are not
	// encrypted. Without it they are accepted over TLS, and from this machine.
	InsecurePlainHTTP bool
}

// LogIn is somebody who logs in.
type LogIn struct {
	User, Password string
	// Method is how the token will be presented: MethodAppToken or
	// MethodBareToken.
	Method string
	// Lifetime is that of the token; the zero value stands for the app's own.
	Lifetime Lifetime
	// InsecurePlainHTTP is as in Service.
	InsecurePlainHTTP bool
}

// Session is what a log-in has begun.
type Session struct {
	// User is the user name as it was added, whatever was typed.
	User string
	// Token is what the client presents from now on. It is told this once.
	Token Secret
	// Expires is when the token ends whatever happens; zero means never.
	Expires time.Time
}

// Secret is a text that prints as REDACTED.
type Secret interface {
	fmt.Stringer
	// Reveal returns the text.
	Reveal() string
}

const (
	// CodeMissing is the Code of a Refusal where there was no credential at all.
	CodeMissing = "credential_missing"
	// CodeNoSession is that of a log-out where there is no session that could end.
	CodeNoSession = "no_session"
)

// Refusal is why a caller is not authenticated, for an endpoint that answers in a
// form of its own. As an error it is for logs.
type Refusal struct {
	// Status is the HTTP status: 400, 401, 403, 429 or 503.
	Status int
	// Code is stable, Message is for people. Both may be told to the client.
	Code, Message string
	// Cause is for the log. There is no secret in it.
	Cause string
	// Method is the kind of credential that was presented, if any, and User the caller, if
	// he has proven who he is. Both are for administrators.
	Method, User string
	// Challenge is the values of WWW-Authenticate, if there are any.
	Challenge []string
	// Wait is when to try again, for Retry-After; zero means not to.
	Wait time.Duration
}

func (f *Refusal) Error() string { return f.Code + ": " + f.Cause }
