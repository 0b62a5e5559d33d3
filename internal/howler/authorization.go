package howler

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// CheckAuthorization holds the one Authorization header of a request against
// howler's form of it, in howler's order. It does not look into what the header
// holds. Whether another header or a cookie stands in for a missing one, the
// caller knows.
//
// Schemes are case-insensitive (RFC 9110 section 11.1) and base64 is strict,
// which both are not in howler.
func CheckAuthorization(value string) *Failure {
	if value == "" {
		return NoAuthorization
	}
	scheme, data, _ := strings.Cut(value, " ")
	switch {
	case scheme == "" || data == "" || strings.Contains(data, " "):
		return MalformedAuthorization
	case strings.EqualFold(scheme, "Basic"):
		return checkBasic(data)
	case strings.EqualFold(scheme, "Bearer"):
		return nil
	default:
		return WrongScheme
	}
}

func checkBasic(data string) *Failure {
	decoded, err := base64.StdEncoding.Strict().DecodeString(data)
	// The decoder skips line ends even when it is strict.
	if err != nil || strings.ContainsAny(data, "\r\n") || !utf8.Valid(decoded) {
		return NotBase64
	}
	return nil
}

// RefusedBearer is what is told of a Bearer value that is not accepted: whoever
// sends a JWT learns that he needs a new one. App tokens may have dots, too, in
// the name of the user, but never without a colon.
func RefusedBearer(value string) *Failure {
	if strings.Count(value, ".") == 2 && !strings.Contains(value, ":") {
		return UndecodableToken
	}
	return InvalidToken
}
