package intelmqapi

import (
	"net/url"
	"strings"
)

// parseQuery takes a query or an urlencoded form apart as Python does, which is
// lenient: a percent sign that begins no escape stands for itself, a name without
// a value has the empty one, and what is not UTF-8 becomes U+FFFD. Each name has
// one value, the last; a semicolon separates nothing.
func parseQuery(text string) url.Values {
	values := make(url.Values)
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		values.Set(unescape(name), unescape(value))
	}
	return values
}

func unescape(text string) string {
	if strings.ContainsAny(text, "+%") {
		text = unescapeBytes(text)
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

func unescapeBytes(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]):
			c = hexValue(text[i+1])<<4 | hexValue(text[i+2])
			i += 2
		}
		out.WriteByte(c)
	}
	return out.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return (c | 0x20) - 'a' + 10
}
