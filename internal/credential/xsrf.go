package credential

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// xsrfLabel keeps the token apart from all else that could ever be made of the word
// of a session.
const xsrfLabel = "sallyport xsrf token v1"

// XSRFToken is what pages of a session send along with what changes something: 64
// hexadecimal digits that follow from the word of the session, and tell nothing of
// it.
func XSRFToken(word string) string {
	mac := hmac.New(sha256.New, []byte(word))
	mac.Write([]byte(xsrfLabel))
	return hex.EncodeToString(mac.Sum(nil))
}

// IsXSRFToken reports, in constant time, whether a text is the token of a session.
func IsXSRFToken(word, text string) bool {
	return subtle.ConstantTimeCompare([]byte(XSRFToken(word)), []byte(text)) == 1
}
