package cceapi

import (
	"bytes"
	"encoding/json"
	"iter"
)

// A body is checked to be JSON as a whole, so these functions need not check
// anything. They keep the order of members, which maps do not, and make nothing
// of what nobody asks for.

// members goes through the members of an object, in their order.
func members(text json.RawMessage) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for rest := trimBlanks(text[1:]); rest[0] != '}'; {
			end := endOf(rest)
			// What is JSON can be unquoted.
			name, _ := unquote(rest[:end])
			// The colon.
			rest = trimBlanks(trimBlanks(rest[end:])[1:])
			end = endOf(rest)
			if !yield(name, rest[:end]) {
				return
			}
			rest = trimComma(rest[end:])
		}
	}
}

// elements goes through the elements of an array.
func elements(text json.RawMessage) iter.Seq[json.RawMessage] {
	return func(yield func(json.RawMessage) bool) {
		for rest := trimBlanks(text[1:]); rest[0] != ']'; {
			end := endOf(rest)
			if !yield(rest[:end]) {
				return
			}
			rest = trimComma(rest[end:])
		}
	}
}

func trimBlanks(text []byte) []byte {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\t' || text[0] == '\r' || text[0] == '\n') {
		text = text[1:]
	}
	return text
}

// trimComma takes away a comma, which may be there, and the blanks around it.
func trimComma(text []byte) []byte {
	text = trimBlanks(text)
	if text[0] == ',' {
		text = trimBlanks(text[1:])
	}
	return text
}

// endOf is where the value ends that the text begins with.
func endOf(text []byte) int {
	switch text[0] {
	case '"':
		return endOfString(text)
	case '{', '[':
		depth := 0
		for i := 0; ; i++ {
			switch text[i] {
			case '"':
				i += endOfString(text[i:]) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	if end := bytes.IndexAny(text, ",]} \t\r\n"); end >= 0 {
		return end
	}
	return len(text)
}

// endOfString is where the string ends that the text begins with, or the end of
// the text if it does not.
func endOfString(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// unquote is the text of a JSON string.
func unquote(text json.RawMessage) (string, error) {
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text[1 : len(text)-1]), nil
	}
	var s string
	err := json.Unmarshal(text, &s)
	return s, err
}

// maxDepth is how deeply a body may be nested. Lists of values need three.
const maxDepth = 32

// tooDeep reports whether brackets are open deeper than maxDepth. It is asked
// before the text is known to be JSON, so that nothing has to go down that far.
func tooDeep(text []byte) bool {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += endOfString(text[i:]) - 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}
