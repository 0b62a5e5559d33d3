package intelmqapi

import (
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqctl"
	"github.com/sallyport/sallyport/internal/wire"
)

// NotFound answers a path that is no route.
func NotFound() *Answer { return refused(http.StatusNotFound, "Not Found") }

// MethodNotAllowed answers a method that a route does not have.
func MethodNotAllowed(r Route) *Answer {
	return refused(http.StatusMethodNotAllowed, "Method Not Allowed").with("Allow", strings.Join(r.Methods(), ", "))
}

// Unauthorized answers who has no valid token. Ansible tasks compare the text.
func Unauthorized() *Answer {
	return &Answer{
		Status: http.StatusUnauthorized, ContentType: typeJSON,
		Body: []byte(`{"error":{"Authentication Required":"Please provide valid Token verification credentials"}}`),
	}
}

// LoginFailed answers a wrong password and an unknown user alike.
func LoginFailed() *Answer {
	return LoginRefused(http.StatusUnauthorized, "Invalid username and/or password.", 0)
}

// LoginRefused answers a log-in that is not looked at, with when to try again; 0 is
// not said. The text is there twice: scripts know error, and the manager shows what
// is in errors, and calls anything else a bug.
func LoginRefused(status int, text string, wait time.Duration) *Answer {
	a := &Answer{Status: status, ContentType: typeJSON, Body: marshal(struct {
		Error  string            `json:"error"`
		Errors map[string]string `json:"errors"`
	}{text, map[string]string{"login": text}})}
	return a.retryAfter(wait)
}

// LoginOff answers a log-in where nobody has to log in.
func LoginOff() *Answer {
	return refused(http.StatusBadRequest, "Session store is disabled by configuration! No login possible and required.")
}

// Unprocessable answers bad arguments or a bad body.
func Unprocessable(i *Invalid) *Answer {
	return &Answer{Status: http.StatusUnprocessableEntity, ContentType: typeJSON, Body: marshal(i)}
}

// Refused answers anything else that is not done, with a text for people and when
// to try again; 0 is not said.
func Refused(status int, text string, wait time.Duration) *Answer {
	return refused(status, text).retryAfter(wait)
}

func refused(status int, text string) *Answer {
	return &Answer{Status: status, ContentType: typeJSON, Body: marshal(struct {
		Error string `json:"error"`
	}{text})}
}

// SaveFailed answers when nothing was saved, with what is wrong as plain text.
// intelmq-api says so with status 200, which scripts take for success; a manager
// takes anything but its one word for a failure.
func SaveFailed(text string) *Answer { return plainText(http.StatusInternalServerError, text) }

// Failed answers when a command has given no answer.
func Failed(f *intelmqctl.Failure) *Answer {
	a := &Answer{Status: statusOf(f.Cause), ContentType: typeJSON, Body: marshal(struct {
		Tip     string `json:"tip"`
		Message string `json:"message"`
		Command string `json:"command"`
	}{f.Tip, f.Message, f.Command})}
	return a.retryAfter(f.Wait)
}

func statusOf(c intelmqctl.Cause) int {
	switch c {
	case intelmqctl.TimedOut:
		return http.StatusGatewayTimeout
	case intelmqctl.Busy, intelmqctl.Locked, intelmqctl.Stuck, intelmqctl.Gone:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// retryAfter says when to try again, unless it is not known.
func (a *Answer) retryAfter(wait time.Duration) *Answer {
	if wait <= 0 {
		return a
	}
	return a.with("Retry-After", wire.RetryAfter(wait))
}

// NotAsBefore answers a save whose condition does not hold any more (RFC 9110,
// 13.1.1), in plain text as every failed save.
func NotAsBefore(text string) *Answer { return plainText(http.StatusPreconditionFailed, text) }
