package intelmqconf

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// appendCompact appends JSON without blanks. Only what JSON does not allow in a
// string is escaped.
func appendCompact(to []byte, v *value) []byte {
	switch v.kind {
	case null:
		return append(to, "null"...)
	case text:
		return appendString(to, v.text, utf8.MaxRune)
	case list:
		to = append(to, '[')
		for i := range v.items {
			if i > 0 {
				to = append(to, ',')
			}
			to = appendCompact(to, &v.items[i])
		}
		return append(to, ']')
	case object:
		to = append(to, '{')
		for i, m := range v.members {
			if i > 0 {
				to = append(to, ',')
			}
			to = append(appendString(to, m.key, utf8.MaxRune), ':')
			to = appendCompact(to, &m.value)
		}
		return append(to, '}')
	default:
		return append(to, v.text...)
	}
}

// appendIndented appends JSON as Python's json.dumps(…, indent=4) writes it: four
// blanks for each level, and nothing but ASCII. Numbers keep the form they came
// in.
func appendIndented(to []byte, v *value, level int) []byte {
	switch {
	case v.kind == text:
		return appendString(to, v.text, '~')
	case v.kind == list && len(v.items) > 0:
		for i := range v.items {
			to = appendNewLine(append(to, opener(i, '[')), level+1)
			to = appendIndented(to, &v.items[i], level+1)
		}
		return append(appendNewLine(to, level), ']')
	case v.kind == object && len(v.members) > 0:
		for i, m := range v.members {
			to = appendNewLine(append(to, opener(i, '{')), level+1)
			to = append(appendString(to, m.key, '~'), ": "...)
			to = appendIndented(to, &m.value, level+1)
		}
		return append(appendNewLine(to, level), '}')
	case v.literal != "":
		return append(to, v.literal...)
	default:
		return appendCompact(to, v)
	}
}

// opener stands before the item of a number.
func opener(i int, first byte) byte {
	if i == 0 {
		return first
	}
	return ','
}

func appendNewLine(to []byte, level int) []byte {
	to = append(to, '\n')
	for range level {
		to = append(to, "    "...)
	}
	return to
}

// shortEscapes are those that Python uses.
var shortEscapes = map[rune]string{
	'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\f': `\f`, '\b': `\b`,
}

// appendString appends a JSON string in which characters beyond last are escaped.
func appendString(to []byte, s string, last rune) []byte {
	to = append(to, '"')
	for _, c := range s {
		short, special := shortEscapes[c]
		switch {
		case special:
			to = append(to, short...)
		case ' ' <= c && c <= last:
			to = utf8.AppendRune(to, c)
		case c > 0xffff:
			high, low := utf16.EncodeRune(c)
			to = fmt.Appendf(to, `\u%04x\u%04x`, high, low)
		default:
			to = fmt.Appendf(to, `\u%04x`, c)
		}
	}
	return append(to, '"')
}
