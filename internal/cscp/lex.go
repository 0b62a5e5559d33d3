package cscp

import "strings"

// token is a word of a line as cced takes it: plain, quoted, or one of the signs
// = == ~ . ( ) /. A quoted word may stand for any other, so how it was written
// does not matter afterwards.
type token struct {
	text string
	// bad says that here cced finds no word, and reads no further.
	bad bool
}

// lex takes what follows a command's word apart. Blanks, tabs, carriage returns
// and commas part words, and so does nothing where one cannot go on.
//
// Refused, as if cced could not read them, are words in base64, which end the
// connection if their length is a lie, and real line ends and NULs, which end
// the command.
func lex(text string) (tokens []token) {
	for i := 0; i < len(text); {
		if isBlank(text[i]) || text[i] == ',' {
			i++
			continue
		}
		t, n := next(text[i:])
		tokens = append(tokens, t)
		if t.bad {
			break
		}
		i += n
	}
	return tokens
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

func isPlain(c byte) bool { return inName(c) || c == '+' }

// next reads the token that text begins with, and says how long it is there.
func next(text string) (t token, n int) {
	switch c := text[0]; {
	case isPlain(c):
		for n < len(text) && isPlain(text[n]) {
			n++
		}
		return token{text: text[:n]}, n
	case c == '"':
		return nextQuoted(text)
	case strings.HasPrefix(text, "=="):
		return token{text: "=="}, 2
	case strings.IndexByte("=~.()/", c) >= 0:
		return token{text: text[:1]}, 1
	}
	return token{bad: true}, 0
}

func nextQuoted(text string) (t token, n int) {
	end := 1
	for ; end < len(text) && text[end] != '"'; end++ {
		switch text[end] {
		case '\n', 0:
			return token{bad: true}, 0
		case '\\':
			end++
			// A backslash does not make a line end part of the line.
			if end < len(text) && (text[end] == '\n' || text[end] == 0) {
				return token{bad: true}, 0
			}
		}
	}
	if end >= len(text) {
		return token{bad: true}, 0
	}
	value, err := AppendUnquoted(nil, []byte(text[:end+1]))
	return token{text: string(value), bad: err != nil}, end + 1
}
