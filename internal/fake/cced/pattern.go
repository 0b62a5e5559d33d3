package cced

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

var errBackReference = errors.New("back-references are beyond the stand-in")

// compilePattern compiles a POSIX extended regular expression with the meaning
// that the C library gives it: `.` matches a newline, `^` and `$` only the ends
// of the value, and a backslash before a letter means the letter.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	plain, err := translate(pattern)
	if err != nil {
		return nil, err
	}
	parsed, err := syntax.Parse(plain, syntax.OneLine|syntax.MatchNL)
	if err != nil {
		return nil, err
	}
	return regexp.Compile(parsed.String())
}

// translate changes what Go's parser would take for something else.
func translate(pattern string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '[':
			end := bracketEnd(pattern, i)
			b.WriteString(strings.ReplaceAll(pattern[i:end], `\`, `\\`))
			i = end - 1
		case c == '\\' && i+1 < len(pattern):
			i++
			if err := translateEscape(&b, pattern[i]); err != nil {
				return "", err
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// translateEscape writes what the C library makes of a backslash and c: the
// GNU classes and borders, else c itself.
func translateEscape(b *strings.Builder, c byte) error {
	switch c {
	case 'w':
		b.WriteString("[[:alnum:]_]")
	case 'W':
		b.WriteString("[^[:alnum:]_]")
	case 's':
		b.WriteString("[[:space:]]")
	case 'S':
		b.WriteString("[^[:space:]]")
	default:
		if '1' <= c && c <= '9' {
			return errBackReference
		}
		if !isAlphanumeric(c) {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return nil
}

// bracketEnd is the index after a bracket expression, or the pattern's length
// if it is not closed. A `]` that stands first does not close it, nor does one
// of a class such as [:alpha:].
func bracketEnd(pattern string, start int) int {
	i := start + 1
	if i < len(pattern) && pattern[i] == '^' {
		i++
	}
	for first := i; i < len(pattern); i++ {
		if pattern[i] == ']' && i > first {
			return i + 1
		}
		if pattern[i] == '[' && i+1 < len(pattern) && strings.IndexByte(".:=", pattern[i+1]) >= 0 {
			if length := strings.Index(pattern[i+2:], pattern[i+1:i+2]+"]"); length >= 0 {
				i += 2 + length + 1
			}
		}
	}
	return len(pattern)
}
