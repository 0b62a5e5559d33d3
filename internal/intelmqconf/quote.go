package intelmqconf

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// word writes a scalar on one line.
func word(v *value) string {
	switch v.kind {
	case null:
		return "null"
	case float:
		// Readers of YAML 1.1 want a point in each of them.
		if mantissa, exponent, has := strings.Cut(v.text, "e"); has && !strings.Contains(mantissa, ".") {
			return mantissa + ".0e" + exponent
		}
		return v.text
	case text:
		return quote(v.text)
	default:
		return v.text
	}
}

// quote writes a string so that all readers of YAML, of 1.1 and 1.2, take it for
// that string: without quotes where that is certain.
func quote(s string) string {
	switch {
	case strings.ContainsFunc(s, needsEscape):
		return escape(s)
	case isPlain(s):
		return s
	default:
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
}

// isPlain reports whether a string of printable characters needs no quotes.
func isPlain(s string) bool {
	switch {
	case s == "", s != strings.Trim(s, " "):
		return false
	case strings.ContainsRune("-?:,[]{}#&*!|>'\"%@`=", rune(s[0])), strings.HasPrefix(s, "..."):
		return false
	case strings.Contains(s, ": "), strings.Contains(s, " #"), strings.HasSuffix(s, ":"):
		return false
	}
	return !isWord[strings.ToLower(s)] && (!numberLike.MatchString(s) || address.MatchString(s))
}

// isWord has what is no string in some version of YAML, in small letters.
var isWord = map[string]bool{
	"~": true, "null": true, "true": true, "false": true, "<<": true,
	"yes": true, "no": true, "on": true, "off": true, "y": true, "n": true,
	".inf": true, "+.inf": true, ".nan": true,
}

var (
	// numberLike strings may be numbers, dates or times of some version of YAML.
	numberLike = regexp.MustCompile(`^[-+.0-9][-+.:_ 0-9a-fA-FxXoOtTzZ]*$`)
	// address is a form with more than one point, which no number has.
	address = regexp.MustCompile(`^[0-9]+(?:\.[0-9]+){2,}$`)
)

// needsEscape is true of what must not stand in a line of YAML: what does not
// print, what ends lines for some readers, and tabs, which look like blanks.
func needsEscape(c rune) bool {
	return c < ' ' || 0x7f <= c && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff ||
		c > 0xffff && !unicode.IsGraphic(c)
}

// escape writes a string in double quotes.
func escape(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch short, special := shortEscapes[c]; {
		case special:
			b.WriteString(short)
		case !needsEscape(c):
			b.WriteRune(c)
		case c > 0xffff:
			fmt.Fprintf(&b, `\U%08X`, c)
		default:
			fmt.Fprintf(&b, `\u%04X`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
