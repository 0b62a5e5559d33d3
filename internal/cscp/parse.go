package cscp

import "strings"

// SyntaxError is replaced by the real one at merge.
type SyntaxError struct {
	Code  int
	Parse bool
}

func (e *SyntaxError) Error() string { return "syntax" }

// ParseLine is replaced by the real one at merge.
func ParseLine(string) (Command, error) { return nil, &SyntaxError{Code: 402} }

// ParseFind is replaced by the real one at merge.
func ParseFind(string) (Find, error) { return Find{}, &SyntaxError{Code: 402} }

// Word is replaced by the real one at merge.
func Word(line string) (word, rest string) {
	word, rest, _ = strings.Cut(strings.TrimLeft(line, " "), " ")
	return word, rest
}
