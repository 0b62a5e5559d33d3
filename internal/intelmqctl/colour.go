package intelmqctl

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	escape = '\x1b'
	bell   = '\a'
	// stringTerminator ends a control string, in its form of one character.
	stringTerminator = '\u009c'
)

// Plain is what a terminal would show of output: without colours, titles and
// other control sequences (ECMA-48), and without control characters but newline
// and tab. What is not UTF-8 becomes U+FFFD.
func Plain(output []byte) string {
	text := strings.ToValidUTF8(string(output), string(utf8.RuneError))
	var b strings.Builder
	b.Grow(len(text))
	for text != "" {
		if n := sequence(text); n > 0 {
			text = text[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		if r == '\n' || r == '\t' || !unicode.IsControl(r) {
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// sequence is the length of the control sequence that text begins with, or 0.
func sequence(text string) int {
	introducer, size := utf8.DecodeRuneInString(text)
	if introducer == escape && len(text) > 1 {
		// ESC and a character of this column stand for one control character.
		if c := text[1]; '@' <= c && c <= '_' {
			introducer, size = rune(c)-'@'+'\u0080', 2
		}
	}
	switch introducer {
	case escape:
		return size + span(text[size:], ' ', '/', '0', '~')
	case '\u009b': // CSI
		return size + span(text[size:], ' ', '?', '@', '~')
	case '\u0090', '\u0098', '\u009d', '\u009e', '\u009f': // DCS, SOS, OSC, PM, APC
		return size + controlString(text[size:])
	}
	if size == 2 && text[0] == escape {
		return size
	}
	return 0
}

// span is the length of any number of bytes from first to last, and of one more
// from low to high, if it is there.
func span(text string, first, last, low, high byte) int {
	n := 0
	for n < len(text) && first <= text[n] && text[n] <= last {
		n++
	}
	if n < len(text) && low <= text[n] && text[n] <= high {
		n++
	}
	return n
}

// controlString is the length of a string up to its terminator. One that is
// never terminated goes to the end of its line, so that it hides no other.
func controlString(text string) int {
	for i, r := range text {
		switch {
		case r == '\n':
			return i
		case r == bell:
			return i + 1
		case r == stringTerminator:
			return i + utf8.RuneLen(r)
		case r == escape && strings.HasPrefix(text[i+1:], `\`):
			return i + 2
		}
	}
	return len(text)
}
