package redact

import (
	"encoding/base64"
	"strings"

	"github.com/sallyport/sallyport/internal/credential"
)

// Redacted stands in place of what is hidden.
const Redacted = "REDACTED"

// maxLength is how many bytes of a text are looked through: 16 KiB. Longer ones
// are hidden whole, since each line of a log has to be written in time.
const maxLength = 16 << 10

// Text hides what has the form of an API key, of an app token or of a JWT, and what is
// one of the first two in base64. If it is percent-encoded the whole text is hidden, since
// nobody can say where in it the key ends for a reader who decodes it in another
// way; so it is if it has more than 16 KiB.
func Text(text string) string {
	if len(text) > maxLength {
		return Redacted
	}
	text = hideForms(text)
	if strings.IndexByte(text, '%') >= 0 && holdsInside(text, hasForm) {
		return Redacted
	}
	return text
}

// finder finds the next text of some form, as credential.FindKey does.
type finder func(text string, from int) (start, end int)

// hideForms hides what has the form of a credential and stands there as it is.
func hideForms(text string) string {
	// A part of a JWT may look like one of the others, and without it nobody would know
	// the rest of the token.
	for _, find := range []finder{findJWT, findBase64, credential.FindKey, findAppToken} {
		text = hide(text, find)
	}
	return text
}

func hasForm(text string) bool {
	return finds(credential.FindKey, text) || finds(findAppToken, text) || finds(findJWT, text) || finds(findBase64, text)
}

func finds(find finder, text string) bool {
	start, _ := find(text, 0)
	return start >= 0
}

func hide(text string, find finder) string {
	start, end := find(text, 0)
	if start < 0 {
		return text
	}
	var out strings.Builder
	done := 0
	for start >= 0 {
		// The end of one key may be the prefix of the next one.
		if start > done {
			out.WriteString(text[done:start])
		}
		out.WriteString(Redacted)
		done = end
		start, end = find(text, end)
	}
	out.WriteString(text[done:])
	return out.String()
}

// appTokenDigits is how many hexadecimal digits an app token has behind the name
// of its user and a colon.
const appTokenDigits = 64

// findAppToken finds the digits of an app token. `sha256:` and a digest are not
// one: such are the names of container images.
func findAppToken(text string, from int) (start, end int) {
	for at := from; ; at++ {
		next := strings.IndexByte(text[at:], ':')
		if next < 0 {
			return -1, -1
		}
		at += next
		start, end = at+1, at+1
		for end < len(text) && hexValue(text[end]) < 16 {
			end++
		}
		if end-start == appTokenDigits && at > 0 && !strings.HasSuffix(text[:at], "sha256") {
			return start, end
		}
		at = end - 1
	}
}

// findBase64 finds a word in base64, of either alphabet, that is a key or an app
// token, or has one in it. Its beginning may be any letter of the word, since
// `/` is one in one of the alphabets.
func findBase64(text string, from int) (start, end int) {
	for start = from; start < len(text); start = end + 1 {
		for end = start; end < len(text) && isBase64Digit[text[end]]; end++ {
		}
		if end-start < minBase64 {
			continue
		}
		word := standardAlphabet.Replace(text[start:end])
		for offset := range 4 {
			part := word[offset:]
			if len(part)%4 == 1 {
				part = part[:len(part)-1]
			}
			decoded, err := base64.RawStdEncoding.DecodeString(part)
			if err == nil && (finds(credential.FindKey, string(decoded)) || finds(findAppToken, string(decoded))) {
				return start, end
			}
		}
	}
	return -1, -1
}

// minBase64 is less than the length of the shortest key in base64.
const minBase64 = 80

var (
	standardAlphabet = strings.NewReplacer("-", "+", "_", "/")
	isBase64Digit    = func() (is [256]bool) {
		for _, b := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_") {
			is[b] = true
		}
		return is
	}()
)
