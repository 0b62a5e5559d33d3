package accesstoken

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown is how many characters of a value are shown at most.
const maxShown = 64

// show quotes a text of a token for a log: short, and in one line.
func show(text string) string {
	if utf8.RuneCountInString(text) > maxShown {
		text = string([]rune(text)[:maxShown-1]) + "…"
	}
	return "'" + strings.Map(harmless, text) + "'"
}

// harmless replaces what would not be one visible character in a log.
func harmless(r rune) rune {
	if !unicode.IsPrint(r) || r == '\'' || r == utf8.RuneError {
		return '?'
	}
	return r
}

// describe says what a member is: the text if it is one, otherwise only what sort of
// value it is.
func describe(name string, v value) string {
	switch v.kind {
	case isAbsent:
		return name + " is missing"
	case isText:
		return name + " is " + show(v.text)
	default:
		return name + " is " + v.kind.String()
	}
}

// hasUnseen reports whether a text has characters that are none to see. The registry takes
// no names with those, so that nobody could be linked by such a subject, and no token be
// revoked by such an id.
func hasUnseen(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) })
}
