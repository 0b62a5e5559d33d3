package cced

import "strings"

// elements takes an array value such as "&a&b&" apart.
func elements(value string) []string {
	value = strings.TrimSuffix(strings.TrimPrefix(value, "&"), "&")
	if value == "" {
		return nil
	}
	list := strings.Split(value, "&")
	for i, element := range list {
		list[i] = unpercent(element)
	}
	return list
}

// unpercent decodes %XX; the clients write a blank as +.
func unpercent(text string) string {
	if !strings.ContainsAny(text, "%+") {
		return text
	}
	var decoded strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '+':
			decoded.WriteByte(' ')
		case text[i] == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]):
			decoded.WriteByte(fromHex(text[i+1])<<4 | fromHex(text[i+2]))
			i += 2
		default:
			decoded.WriteByte(text[i])
		}
	}
	return decoded.String()
}

func isHex(b byte) bool { return isDigit(b) || 'a' <= b|0x20 && b|0x20 <= 'f' }

func fromHex(b byte) byte {
	if isDigit(b) {
		return b - '0'
	}
	return b | 0x20 - 'a' + 10
}
