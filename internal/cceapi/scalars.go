package cceapi

import (
	"bytes"
	"strings"
)

// CCE keeps a list as one text, `&first&second&`; the empty list is the empty
// text. Within an element %XX stands for a byte, and '+' for a blank.

// isArray reports whether a value is taken for a list: it begins and ends with
// '&', and has two of them at least. A text of that shape cannot be told from a
// list; nor can an empty list from an empty text, which stays a text.
func isArray(value []byte) bool {
	return len(value) >= 2 && value[0] == '&' && value[len(value)-1] == '&'
}

// appendArray appends the elements of a list as a JSON array of strings.
func appendArray(dst, value []byte) []byte {
	dst = append(dst, '[')
	for element := range bytes.SplitSeq(value[1:len(value)-1], []byte{'&'}) {
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		dst = appendString(dst, decodeElement(element))
	}
	return append(dst, ']')
}

// decodeElement resolves %XX and '+'. A '%' without two hexadecimal digits stands
// for itself.
func decodeElement(element []byte) []byte {
	if bytes.IndexByte(element, '%') < 0 && bytes.IndexByte(element, '+') < 0 {
		return element
	}
	decoded := make([]byte, 0, len(element))
	for i := 0; i < len(element); i++ {
		c := element[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(element) && unhex(element[i+1]) >= 0 && unhex(element[i+2]) >= 0:
			c = byte(unhex(element[i+1])<<4 | unhex(element[i+2]))
			i += 2
		}
		decoded = append(decoded, c)
	}
	return decoded
}

func unhex(c byte) int { return strings.IndexByte(hexDigits, c|0x20) }

// elementEscapes escapes what would be read otherwise within a list.
var elementEscapes = strings.NewReplacer("%", "%25", "&", "%26", "+", "%2B")

// joinArray is the value that holds the elements.
func joinArray(elements []string) string {
	if len(elements) == 0 {
		return ""
	}
	var b strings.Builder
	for _, e := range elements {
		b.WriteByte('&')
		_, _ = elementEscapes.WriteString(&b, e)
	}
	b.WriteByte('&')
	return b.String()
}
