package accesstoken

import (
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a text from its first quote past its last.
func (r *reader) text() (s, fault string) {
	r.pos++
	for start := r.pos; r.pos < len(r.s); r.pos++ {
		switch c := r.s[r.pos]; {
		case c == '"':
			s = r.s[start:r.pos]
			r.pos++
			return s, ""
		case c == '\\':
			return r.escapedText(start)
		case c < ' ':
			return "", notJSON
		}
	}
	return "", notJSON
}

// escapedText reads a text from its first escape on.
func (r *reader) escapedText(start int) (s, fault string) {
	b := []byte(r.s[start:r.pos])
	for r.pos < len(r.s) {
		c := r.s[r.pos]
		r.pos++
		switch {
		case c == '"':
			return string(b), ""
		case c < ' ':
			return "", notJSON
		case c != '\\':
			b = append(b, c)
		default:
			meant, fault := r.escape()
			if fault != "" {
				return "", fault
			}
			b = utf8.AppendRune(b, meant)
		}
	}
	return "", notJSON
}

// escape reads what follows a backslash.
func (r *reader) escape() (meant rune, fault string) {
	if r.pos == len(r.s) {
		return 0, notJSON
	}
	c := r.s[r.pos]
	r.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), ""
	case 'b':
		return '\b', ""
	case 'f':
		return '\f', ""
	case 'n':
		return '\n', ""
	case 'r':
		return '\r', ""
	case 't':
		return '\t', ""
	case 'u':
		return r.unicodeEscape()
	}
	return 0, notJSON
}

// unicodeEscape reads the digits of `\u`, and of the second one where it takes two.
// Half of such a pair is no character: readers differ in what they make of it.
func (r *reader) unicodeEscape() (meant rune, fault string) {
	meant, ok := r.hex()
	if !ok {
		return 0, notJSON
	}
	if !utf16.IsSurrogate(meant) {
		return meant, ""
	}
	if r.skip('\\') && r.skip('u') {
		if second, ok := r.hex(); ok {
			if pair := utf16.DecodeRune(meant, second); pair != unicode.ReplacementChar {
				return pair, ""
			}
		}
	}
	return 0, "has half a character in an escape"
}

// hex reads four hexadecimal digits.
func (r *reader) hex() (digits rune, ok bool) {
	if len(r.s)-r.pos < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(r.s[r.pos:r.pos+4], 16, 16)
	r.pos += 4
	return rune(n), err == nil
}

// foldHash is the same for all names that are equal under simple folding (FNV-1a over
// the least of the characters that each may be written as).
func foldHash(name string) uint32 {
	h := uint32(2166136261)
	for _, c := range name {
		h = (h ^ uint32(leastFold(c))) * 16777619
	}
	return h
}

func leastFold(c rune) rune {
	if c < utf8.RuneSelf {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		return c
	}
	least := c
	for other := unicode.SimpleFold(c); other != c; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}
