package cceapi

import (
	"net/http"
	"time"

	"github.com/sallyport/sallyport/internal/cscp"
)

// Forbidden answers anything from an address that is not listed, in the
// document's plain text.
func Forbidden() *Answer { return plainText(http.StatusForbidden, "Forbidden") }

// WrongSecret answers a missing or wrong X-Client-Secret, in the document's
// plain text.
func WrongSecret() *Answer {
	return plainText(http.StatusUnauthorized, "Unauthorized: invalid client secret")
}

func plainText(status int, text string) *Answer {
	return &Answer{HTTPStatus: status, ContentType: "text/plain; charset=utf-8", Body: []byte(text + "\n")}
}

// AuthFromRemote answers AUTH, AUTHKEY and session ids from a listed address.
func AuthFromRemote() *Answer {
	return Failure(http.StatusForbidden, "AUTH and AUTHKEY only allowed from localhost", "")
}

// LoginFromLocalhost answers LOGIN from localhost.
func LoginFromLocalhost() *Answer {
	return Failure(http.StatusForbidden, "LOGIN not allowed from localhost", "")
}

// LoginFailed answers a password, session or token that is not accepted, and a
// command without any of them. builtin is that of Request.BuiltIn.
func LoginFailed(builtin bool) *Answer { return refusal(builtin, line{cscp.CodeFail, "FAIL"}) }

// WhoAmIRefused answers WHOAMI whose log-in was refused: status 201 with an
// error in it, by the document, since the failed AUTHKEY is followed by a WHOAMI
// that says "nobody". The HTTP status is 401.
func WhoAmIRefused() *Answer {
	a := answerWith(cscp.CodeOK, messagePlain, func(data *object) {
		data.key("errors")
		data.lines([]line{{cscp.CodeFail, "FAIL"}})
		data.string("oid", "-1")
	})
	a.HTTPStatus = http.StatusUnauthorized
	return a
}

// Denied answers a command that the caller may not use, or a class that he may
// not see, as cced says it. what is the word or name.
func Denied(builtin bool, what string) *Answer {
	return refusal(builtin, line{cscp.CodePermissionDenied, "PERMISSION DENIED " + what}, line{cscp.CodeFail, "FAIL"})
}

// UnknownObject answers a command about an object that is not there for the
// caller, as cced says it.
func UnknownObject(oid cscp.OID) *Answer {
	return refusal(false, line{cscp.CodeUnknownObject, "UNKNOWN OBJECT " + oid.String()}, line{cscp.CodeFail, "FAIL"})
}

// ObjectNotFound answers GETOBJECT that finds nothing.
func ObjectNotFound() *Answer { return Failure(http.StatusNotFound, "Object not found", "") }

// NoTransaction answers COMMIT without BEGIN, in the words of the service that
// is replaced.
func NoTransaction() *Answer { return Failure(http.StatusBadRequest, "No active transaction", "") }

// TransactionOpen answers BEGIN while a transaction is open.
func TransactionOpen() *Answer {
	return Failure(http.StatusBadRequest, "A transaction is already open", "")
}

// MethodNotAllowed answers any method but POST.
func MethodNotAllowed() *Answer {
	return Failure(http.StatusMethodNotAllowed, "only POST is allowed", "")
}

// TooLarge answers a body over the limit.
func TooLarge() *Answer {
	return Failure(http.StatusRequestEntityTooLarge, "the body is too large", "")
}

// TooMany answers a log-in after too many failed ones.
func TooMany(retry time.Duration) *Answer {
	a := Failure(http.StatusTooManyRequests, "too many failed log-ins", "")
	a.RetryAfter = retry
	return a
}

// Busy answers when no connection to cced becomes free.
func Busy(id string, retry time.Duration) *Answer {
	a := Failure(http.StatusServiceUnavailable, "too many commands at once", id)
	a.RetryAfter = retry
	return a
}

// Internal answers an error of our own.
func Internal(id string) *Answer {
	return Failure(http.StatusInternalServerError, "internal error", id)
}

// Unreachable answers when there is no connection to cced, or it broke.
func Unreachable(id string) *Answer {
	return Failure(http.StatusBadGateway, "cced cannot be reached", id)
}

// BadReply answers when cced's reply is too long or cannot be read.
func BadReply(id string) *Answer {
	return Failure(http.StatusBadGateway, "cced's reply cannot be read", id)
}

// Deadline answers when cced takes too long.
func Deadline(id string) *Answer {
	return Failure(http.StatusGatewayTimeout, "cced has not answered in time", id)
}

// UnknownOutcome answers a change that was sent and whose reply is missing. Word
// is the command's, late whether time ran out; otherwise the connection broke.
func UnknownOutcome(word, id string, late bool) *Answer {
	status := http.StatusBadGateway
	if late {
		status = http.StatusGatewayTimeout
	}
	return Failure(status, "it is not known whether "+word+" has been carried out", id)
}

// Failure is an object without data. The id of an error, which is in the server's
// log too, is left out if empty.
func Failure(status int, message, id string) *Answer {
	body := begin(make([]byte, 0, 128), status, message)
	if id != "" {
		body.string("error_id", id)
	}
	a := body.answer(status)
	a.HTTPStatus = status
	return a
}
