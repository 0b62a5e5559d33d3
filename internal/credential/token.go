package credential

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// TokenKind is the form of a token, which says where it may be presented.
type TokenKind string

// The kinds of tokens.
const (
	// AppToken is `username:` and 64 hexadecimal digits (256 bits), for
	// `Authorization: Bearer`.
	AppToken TokenKind = "app_token"
	// BareToken is 32 hexadecimal digits (128 bits), for Authorization without
	// a scheme or after `Bearer`.
	BareToken TokenKind = "bare_token"
	// SessionToken is 43 base62 characters (256 bits), for the session cookie.
	SessionToken TokenKind = "session"
)

const (
	appTokenDigits     = 64
	bareTokenDigits    = 32
	sessionTokenLength = keySecretLength
	// maxTokenLength is that of an app token whose user name has 64 characters
	// of four bytes.
	maxTokenLength = 64*4 + 1 + appTokenDigits
)

// NewToken makes a token of that kind for a user.
func NewToken(random io.Reader, kind TokenKind, username string) (Secret, error) {
	switch kind {
	case AppToken:
		digits, err := randomHex(random, appTokenDigits)
		return NewSecret(username + ":" + digits), err
	case BareToken:
		digits, err := randomHex(random, bareTokenDigits)
		return NewSecret(digits), err
	case SessionToken:
		word, err := RandomBase62(random, sessionTokenLength)
		return NewSecret(word), err
	}
	return Secret{}, fmt.Errorf("token kind '%s' is unknown", kind)
}

func randomHex(random io.Reader, digits int) (string, error) {
	raw := make([]byte, digits/2)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("reading random bytes: %w", err)
	}
	return hex.EncodeToString(raw), nil
}

// Matches reports whether word has the form of a token of this kind. It proves
// nothing.
func (k TokenKind) Matches(word string) bool {
	switch k {
	case AppToken:
		at := strings.IndexByte(word, ':')
		return at > 0 && len(word) <= maxTokenLength && isHex(word[at+1:], appTokenDigits)
	case BareToken:
		return isHex(word, bareTokenDigits)
	case SessionToken:
		return len(word) == sessionTokenLength && !strings.ContainsFunc(word, func(r rune) bool {
			return r >= 0x80 || digitValues[byte(r)] == notBase62
		})
	}
	return false
}

// isHex reports whether text is n lower-case hexadecimal digits.
func isHex(text string, n int) bool {
	if len(text) != n {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// ID is the public id of the token that has this verifier: the token itself has
// none. It gives nothing away, since the verifier is a hash under the pepper.
func (v *Verifier) ID() (id KeyID) {
	for i := range id {
		id[i] = base62[v[i]%62]
	}
	return id
}

// OpenToken begins the check of a presented token, as Open does for keys.
// wellFormed is false if it has not the form of its kind.
func (p *Pepper) OpenToken(kind TokenKind, word string) (w *Word, wellFormed bool) {
	if !kind.Matches(word) {
		return nil, false
	}
	return p.take(word), true
}
