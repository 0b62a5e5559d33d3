package password

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxPresented is the number of bytes that a password may have. It leaves room
// for any sentence, and keeps a body of megabytes from being normalized.
const maxPresented = 1024

// ErrForm: what was presented cannot be a password. Clean wraps it with words
// that say why.
var ErrForm = errors.New("a password is 1 to 1024 bytes of UTF-8")

// Clean checks what a caller presented as a password and brings it to NFC, in
// which it is checked and hashed: 1 to 1024 bytes of valid UTF-8. The limit
// counts the bytes presented (NFC may have up to three times as many), and what
// is longer is refused, not cut: two passwords that begin alike must not open
// the same account. The error is ErrForm, wrapped in words that may be shown.
func Clean(presented string) (string, error) {
	switch {
	case presented == "":
		return "", fmt.Errorf("%w; this one is empty", ErrForm)
	case len(presented) > maxPresented:
		return "", fmt.Errorf("%w; this one has %d bytes", ErrForm, len(presented))
	case !utf8.ValidString(presented):
		return "", fmt.Errorf("%w; this one is not UTF-8", ErrForm)
	}
	return norm.NFC.String(presented), nil
}

// fold gives the form in which passwords are held against lists and user names:
// case does not count, nor do the other ways in which Unicode writes the same
// letters (NFKC, case-folded, NFKC again, as RFC 8264 section 7 orders it).
func fold(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return strings.ToLower(s)
	}
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
}
