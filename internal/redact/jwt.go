package redact

import (
	"encoding/base64"
	"strings"
)

// minJWTHeader is less than the length of any header that names an algorithm, in
// base64: `{"alg":"RS256"}` has 20 digits.
const minJWTHeader = 16

// maxJWTParts is how many parts follow the header of a token, each behind a dot: two
// where it is signed (RFC 7515 section 7.1), four where it is encrypted (RFC 7516
// section 7.1).
const maxJWTParts = 4

// findJWT finds a JSON Web Token. Its header tells it from the names of hosts and files
// with dots in them: it is an object in JSON. It may begin within a word, as in
// `token-eyJ…`.
func findJWT(text string, from int) (start, end int) {
	for at := from; ; at++ {
		next := strings.IndexByte(text[at:], '.')
		if next < 0 {
			return -1, -1
		}
		at += next
		if start = jwtHeader(text[from:at]); start < 0 {
			continue
		}
		if end = jwtEnd(text, at); end >= 0 {
			return from + start, end
		}
	}
}

// jwtHeader is where the header of a token begins that ends where a text does, -1 if
// there is none.
func jwtHeader(text string) int {
	begin := len(text)
	for begin > 0 && isBase64URLDigit(text[begin-1]) {
		begin--
	}
	if len(text)-begin < minJWTHeader || !endsObject(text) {
		return -1
	}
	for ; begin <= len(text)-minJWTHeader; begin++ {
		if beginsObject(text[begin:]) {
			return begin
		}
	}
	return -1
}

// jwtEnd is where a token ends whose header ends at the first dot, -1 if a part is
// missing. One of the first two may be empty: so is the key of a token that is encrypted
// with one that is known, and the signature of one that has none.
func jwtEnd(text string, dot int) int {
	for part := range maxJWTParts {
		if dot == len(text) || text[dot] != '.' {
			return -1
		}
		end := dot + 1
		for end < len(text) && isBase64URLDigit(text[end]) {
			end++
		}
		if part > 1 && end == dot+1 {
			return dot
		}
		if part > 0 && (end == len(text) || text[end] != '.') {
			return end
		}
		dot = end
	}
	return dot
}

// beginsObject reports whether a text is base64 of `{` and a quotation mark, which may
// have a blank in front.
func beginsObject(text string) bool {
	// `{` and the first half of what follows it: a control character, or one of those
	// that `"` and the blank are among.
	if text[0] != 'e' || text[1] != 'w' && text[1] != 'y' {
		return false
	}
	var decoded [3]byte
	if _, err := base64.RawURLEncoding.Decode(decoded[:], []byte(text[:4])); err != nil {
		return false
	}
	return decoded[1] == '"' || isBlank(decoded[1]) && (decoded[2] == '"' || isBlank(decoded[2]))
}

// endsObject reports whether a text ends as base64 does of what ends in `}`, which may
// have blanks behind it. It does not ask in which of three places among the bytes of four
// digits the end is: only so is a text that was redacted once the same when it is again.
func endsObject(text string) bool {
	var decoded [6]byte
	for digits := 6; digits <= 8; digits++ {
		n, err := base64.RawURLEncoding.Decode(decoded[:], []byte(text[len(text)-digits:]))
		for err == nil && n > 0 && isBlank(decoded[n-1]) {
			n--
		}
		if err == nil && n > 0 && decoded[n-1] == '}' {
			return true
		}
	}
	return false
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

func isBase64URLDigit(b byte) bool { return isBase64Digit[b] && b != '+' && b != '/' }
