package password

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// maxListSize bounds the text of a list, in bytes. The lists of a million words
// that are in use have 9 MB.
const maxListSize = 16 << 20

// maxListWords bounds the number of words, each of which takes 16 bytes more.
const maxListWords = 2_000_000

// List is a set of common passwords. It does not change, and may be used by many
// goroutines at once.
type List struct {
	words []string // folded, sorted, each once
}

// ParseList reads a list: UTF-8, one password a line, in any order and case.
// Empty lines do not count, and there are no comments, since a password may
// begin with any character. The list may have 16 MiB and 2,000,000 lines. Errors
// name the line, and a list without any password is one: where none is wanted,
// the policy says so.
func ParseList(r io.Reader) (*List, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxListSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading a list of passwords: %w", err)
	}
	if len(text) > maxListSize {
		return nil, fmt.Errorf("list of passwords: more than %d MiB; use the more common half of it", maxListSize>>20)
	}
	words, err := parseLines(string(text))
	if err != nil {
		return nil, err
	}
	slices.Sort(words)
	return &List{slices.Clip(slices.Compact(words))}, nil
}

func parseLines(text string) ([]string, error) {
	var words []string
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		line = strings.TrimSuffix(line, "\r")
		switch {
		case line == "":
			continue
		case len(line) > maxPresented:
			return nil, fmt.Errorf("list of passwords: line %d has more than %d bytes, which no password has", number, maxPresented)
		case !utf8.ValidString(line):
			return nil, fmt.Errorf("list of passwords: line %d is not UTF-8; convert or remove it", number)
		case len(words) == maxListWords:
			return nil, fmt.Errorf("list of passwords: more than %d passwords; use the more common half of it", maxListWords)
		}
		words = append(words, fold(line))
	}
	if len(words) == 0 {
		return nil, errors.New("list of passwords: there is none in it")
	}
	return words, nil
}

// Contains reports whether the list has a password. Case does not count.
func (l *List) Contains(clean string) bool { return l.has(fold(clean)) }

func (l *List) has(folded string) bool {
	_, found := slices.BinarySearch(l.words, folded)
	return found
}

//go:embed common.txt.gz
var embeddedText []byte

// embeddedList unpacks the embedded list once, when it is first needed: most
// processes never set a password.
var embeddedList = sync.OnceValues(func() (*List, error) {
	text, err := gzip.NewReader(bytes.NewReader(embeddedText))
	if err != nil {
		return nil, fmt.Errorf("embedded list of passwords: %w", err)
	}
	list, err := ParseList(text)
	if err != nil {
		return nil, fmt.Errorf("embedded list of passwords: %w", err)
	}
	return list, nil
})
