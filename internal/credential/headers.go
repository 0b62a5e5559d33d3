package credential

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"
)

// Names of the request headers that carry credentials, in canonical form.
const (
	AuthorizationHeader = "Authorization"
	APIKeyHeader        = "X-Api-Key"
)

// MaxHeader is the longest credential header that is read, in bytes.
const MaxHeader = 8 << 10

// Errors of FromHeaders: the request is malformed, whatever the credential may
// be worth. The texts are shown to the client.
var (
	ErrSeveral = errors.New("send one credential: one Authorization or one X-Api-Key header")
	ErrTooLong = errors.New("the credential is longer than 8 KiB")
	ErrEmpty   = errors.New("the credential header is empty")
	ErrForm    = errors.New("the Authorization header must be a scheme, a blank and the credential")
	ErrBase64  = errors.New("Basic credentials must be base64 of UTF-8 text")
)

// Kind says in which way a credential was presented.
type Kind uint8

const (
	// None means that the request carries no credential at all.
	None Kind = iota
	// Bearer is the value of `Authorization: Bearer`.
	Bearer
	// APIKey is the value of X-Api-Key.
	APIKey
	// Basic is a user name with a secret (RFC 7617).
	Basic
	// Bare is an Authorization header that is one word without a scheme.
	Bare
	// UnknownScheme is an Authorization header of a scheme nobody here speaks.
	UnknownScheme
)

// Presented is the credential of a request, as the client sent it.
type Presented struct {
	Kind Kind
	// User is the user name of Basic. It is empty otherwise.
	User string
	// Secret is what follows the user name of Basic: a password, a key, or
	// `keyname:key`. It is empty otherwise.
	Secret string
	// KeyName is what stood between user name and key in
	// `Basic user:keyname:key`. It is empty when there was nothing.
	KeyName string
	// Word is the key or the token.
	Word string
}

// FromHeaders reads the credential of a request from its headers (an
// http.Header). Scheme names are case-insensitive (RFC 9110 section 11.1).
func FromHeaders(headers map[string][]string) (Presented, error) {
	authorization, apiKey := headers[AuthorizationHeader], headers[APIKeyHeader]
	switch len(authorization) + len(apiKey) {
	case 0:
		return Presented{}, nil
	case 1:
	default:
		return Presented{}, ErrSeveral
	}
	if len(apiKey) == 1 {
		if err := checkLength(apiKey[0]); err != nil {
			return Presented{}, err
		}
		return Presented{Kind: APIKey, Word: apiKey[0]}, nil
	}
	return fromAuthorization(authorization[0])
}

func fromAuthorization(value string) (Presented, error) {
	if err := checkLength(value); err != nil {
		return Presented{}, err
	}
	scheme, rest, found := strings.Cut(value, " ")
	rest = strings.Trim(rest, " ")
	switch {
	case !found && BareToken.Matches(value):
		return Presented{Kind: Bare, Word: value}, nil
	case !found, scheme == "", rest == "":
		return Presented{}, ErrForm
	case strings.EqualFold(scheme, "Bearer"):
		return Presented{Kind: Bearer, Word: rest}, nil
	case strings.EqualFold(scheme, "Basic"):
		return fromBasic(rest)
	default:
		return Presented{Kind: UnknownScheme}, nil
	}
}

// fromBasic splits `user:key` and `user:keyname:key`. A key has no colon, so it
// is what follows the last one; a user name has none either (RFC 7617 section
// 2), so it ends at the first.
func fromBasic(encoded string) (Presented, error) {
	// The decoder skips line ends even when it is strict; RFC 7617 has none.
	if strings.ContainsAny(encoded, "\r\n") {
		return Presented{}, ErrBase64
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || !utf8.Valid(decoded) {
		return Presented{}, ErrBase64
	}
	user, rest, _ := strings.Cut(string(decoded), ":")
	p := Presented{Kind: Basic, User: user, Secret: rest, Word: rest}
	if at := strings.LastIndexByte(rest, ':'); at >= 0 {
		p.KeyName, p.Word = rest[:at], rest[at+1:]
	}
	return p, nil
}

func checkLength(value string) error {
	switch {
	case value == "":
		return ErrEmpty
	case len(value) > MaxHeader:
		return ErrTooLong
	}
	return nil
}
