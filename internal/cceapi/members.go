package cceapi

import (
	"bytes"
	"encoding/json"
	"iter"
)

// members goes through the members of an object, in their order. The text has to
// be valid JSON, so that names and values need only be cut out of it: a decoder
// takes more time for a small body than all else that is done with it.
func members(text json.RawMessage) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		rest := skipBlanks(text)[1:]
		for {
			rest = skipBlanks(rest)
			if rest[0] == ',' {
				rest = skipBlanks(rest[1:])
			}
			if rest[0] == '}' {
				return
			}
			end := valueEnd(rest)
			name, err := stringOf(json.RawMessage(rest[:end]))
			// Behind the colon.
			rest = skipBlanks(skipBlanks(rest[end:])[1:])
			end = valueEnd(rest)
			if err != nil || !yield(name, json.RawMessage(rest[:end:end])) {
				return
			}
			rest = rest[end:]
		}
	}
}

func skipBlanks(text []byte) []byte {
	for i, c := range text {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return text[i:]
		}
	}
	return nil
}

// valueEnd is how long the value is that a text begins with.
func valueEnd(text []byte) int {
	switch text[0] {
	case '"':
		return stringEnd(text)
	case '{', '[':
		return bracketEnd(text)
	}
	// A number, true, false or null.
	if end := bytes.IndexAny(text, ",]} \t\r\n"); end >= 0 {
		return end
	}
	return len(text)
}

func stringEnd(text []byte) int {
	end := 1
	for ; text[end] != '"'; end++ {
		if text[end] == '\\' {
			end++
		}
	}
	return end + 1
}

func bracketEnd(text []byte) int {
	depth := 0
	for i := 0; ; i++ {
		switch text[i] {
		case '"':
			i += stringEnd(text[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}

// stringOf is what a JSON string says. It is UTF-8.
func stringOf(text json.RawMessage) (string, error) {
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text[1 : len(text)-1]), nil
	}
	var s string
	err := json.Unmarshal(text, &s)
	return s, err
}
