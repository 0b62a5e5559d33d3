package redact

import "strings"

// maxEncodings is how many times a value may be percent-encoded. What is
// encoded more often nobody wrote by accident, and it is hidden.
const maxEncodings = 3

// holdsInside decodes a text again and again and asks each time whether a
// credential has come out.
func holdsInside(text string, found func(string) bool) bool {
	for range maxEncodings {
		decoded := unescape(text)
		if decoded == text {
			return false
		}
		if found(decoded) {
			return true
		}
		text = decoded
	}
	return unescape(text) != text
}

// unescape decodes what is percent-encoded, and leaves a `%` that encodes
// nothing as it is, as some readers do.
func unescape(text string) string {
	at := strings.IndexByte(text, '%')
	if at < 0 {
		return text
	}
	out := append(make([]byte, 0, len(text)), text[:at]...)
	for ; at < len(text); at++ {
		if b, ok := escaped(text[at:]); ok {
			out = append(out, b)
			at += 2
		} else {
			out = append(out, text[at])
		}
	}
	return string(out)
}

// escaped decodes the `%xx` at the beginning of a text.
func escaped(text string) (byte, bool) {
	if len(text) < 3 || text[0] != '%' {
		return 0, false
	}
	high, low := hexValue(text[1]), hexValue(text[2])
	return high<<4 | low, high < 16 && low < 16
}

func hexValue(b byte) byte {
	switch {
	case '0' <= b && b <= '9':
		return b - '0'
	case 'a' <= b && b <= 'f':
		return b - 'a' + 10
	case 'A' <= b && b <= 'F':
		return b - 'A' + 10
	}
	return 0xff
}
