package credential

import (
	"errors"
	"strings"
)

// ImpersonatingHeader is the request header of who acts as another user, in canonical
// form: `Basic` with the user, the name of the user's key and the key. The caller's own
// credential stands in the other headers.
const ImpersonatingHeader = "X-Impersonating"

// Errors of FromImpersonating. The texts are shown to the client.
var (
	ErrSeveralImpersonating = errors.New("send one X-Impersonating header")
	ErrImpersonatingForm    = errors.New("the X-Impersonating header must be Basic, a blank and base64 of user:keyname:key")
	ErrImpersonatingScheme  = errors.New("the X-Impersonating header must be of the scheme Basic")
)

// FromImpersonating reads ImpersonatingHeader from the headers of a request (an
// http.Header). What it presents is of the kind Basic, or None where there is no such
// header. Besides the errors above there are ErrTooLong and ErrBase64.
func FromImpersonating(headers map[string][]string) (Presented, error) {
	values := headers[ImpersonatingHeader]
	switch len(values) {
	case 0:
		return Presented{}, nil
	case 1:
	default:
		return Presented{}, ErrSeveralImpersonating
	}
	value := values[0]
	if len(value) > MaxHeader {
		return Presented{}, ErrTooLong
	}
	scheme, data, found := strings.Cut(value, " ")
	switch {
	case !found || scheme == "" || data == "" || strings.Contains(data, " "):
		return Presented{}, ErrImpersonatingForm
	case !strings.EqualFold(scheme, "Basic"):
		return Presented{}, ErrImpersonatingScheme
	}
	return fromBasic(data)
}
