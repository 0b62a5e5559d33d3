package cceapi

import (
	"net/http"
	"time"

	"github.com/sallyport/sallyport/internal/cscp"
)

// suspendedRetry is when a change that a suspended cced refuses may be tried
// again. Nobody can know; a minute keeps waiting clients from pressing.
const suspendedRetry = time.Minute

// HTTPStatus is the HTTP status for a code of cced or a status of the JSON
// object. The API document names none but 403 for strangers, and PHP's client
// never looks at it; so it tells other clients what the JSON tells.
func HTTPStatus(code int) int {
	switch code {
	case http.StatusAccepted: // PING
		return http.StatusAccepted
	case cscp.CodeUnknownObject, cscp.CodeUnknownClass, cscp.CodeUnknownNamespace, http.StatusNotFound:
		return http.StatusNotFound
	case cscp.CodeBadData:
		return http.StatusUnprocessableEntity
	case cscp.CodePermissionDenied:
		return http.StatusForbidden
	case cscp.CodeError, cscp.CodeBadCommand, cscp.CodeBadParameters:
		return http.StatusBadRequest
	case cscp.CodeSuspended:
		return http.StatusServiceUnavailable
	case cscp.CodeFail:
		return http.StatusUnauthorized
	}
	if code < http.StatusMultipleChoices {
		return http.StatusOK
	}
	if code < http.StatusBadRequest {
		// A code of cced that is not known here.
		return http.StatusBadGateway
	}
	return code
}

// messages are the words of codes in the results of a transaction.
var messages = map[int]string{
	cscp.CodeOK:               "OK",
	cscp.CodeGoodbye:          "GOODBYE",
	cscp.CodeUnknownObject:    "UNKNOWN OBJECT",
	cscp.CodeUnknownClass:     "UNKNOWN CLASS",
	cscp.CodeBadData:          "BAD DATA",
	cscp.CodeUnknownNamespace: "UNKNOWN NAMESPACE",
	cscp.CodePermissionDenied: "PERMISSION DENIED",
	cscp.CodeWarning:          "WARNING",
	cscp.CodeError:            "COMMAND ERROR",
	307:                       "OUT OF MEMORY",
	cscp.CodeSuspended:        "SUSPENDED",
	cscp.CodeFail:             "FAIL",
	cscp.CodeBadCommand:       "BAD COMMAND",
	cscp.CodeBadParameters:    "BAD PARAMETERS",
}

// messageOf is the word of a code. A newer cced may have codes of its own.
func messageOf(code int) string {
	if m := messages[code]; m != "" {
		return m
	}
	return messages[cscp.CodeFail]
}
