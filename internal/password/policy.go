package password

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DefaultMinLength is the number of characters that a password must have where
// the configuration says nothing else.
const DefaultMinLength = 12

// Policy is what a password must satisfy when it is set. Its zero value is the
// default policy. There are no rules on kinds of characters: they make people
// write Password2026! and nothing better (NIST SP 800-63B-4, section 3.1.1.2).
type Policy struct {
	// MinLength is the least number of characters, that is code points after
	// NFC. 0 means DefaultMinLength.
	MinLength int
	// AllowCommon lets passwords pass that are guessed first. The user name
	// is refused nevertheless.
	AllowCommon bool
	// Common is what counts as common; nil means the embedded list.
	Common *List
}

// PolicyError says why a password cannot be set.
type PolicyError struct{ text string }

// Error is a sentence for the user, without the password.
func (e *PolicyError) Error() string { return e.text }

// Check reports whether a password, as Clean returns it, may be set for the user
// of that name; "" stands for no name. The error is a *PolicyError if the
// password is at fault; any other means that it could not be found out, and that
// the password must not be set.
//
// Refused are, without regard to case: what is too short; the user name, once or
// repeated; and what is common, that is what
//   - the list has, also repeated, or with digits and marks around it that make
//     up less than half,
//   - repeats three characters or fewer,
//   - is made of nothing but runs such as 1234, qwerty, fedcba and 000.
func (p Policy) Check(clean, username string) error {
	least := p.MinLength
	if least <= 0 {
		least = DefaultMinLength
	}
	if utf8.RuneCountInString(clean) < least {
		return &PolicyError{fmt.Sprintf("Password needs to be at least %d characters", least)}
	}
	folded := fold(clean)
	if repeats(folded, fold(username)) {
		return &PolicyError{"Password must not be the user name"}
	}
	if p.AllowCommon {
		return nil
	}
	list, err := p.list()
	if err != nil {
		return err
	}
	if isCommon(list, folded) {
		return &PolicyError{"Password is too common"}
	}
	return nil
}

func (p Policy) list() (*List, error) {
	if p.Common != nil {
		return p.Common, nil
	}
	return embeddedList()
}

func isCommon(list *List, folded string) bool {
	unit := shortestUnit([]rune(folded))
	return len(unit) <= 3 || onlyRuns(unit) ||
		list.has(folded) || list.has(stem(folded)) ||
		list.has(string(unit)) || list.has(stem(string(unit)))
}

// stem is s without the digits and marks around it, or s itself if these are
// half of it or more, and so may be what is hard to guess.
func stem(s string) string {
	rest := strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
	if 2*utf8.RuneCountInString(rest) <= utf8.RuneCountInString(s) {
		return s
	}
	return rest
}

// repeats reports whether s is unit, once or more often. The last one may be cut
// short.
func repeats(s, unit string) bool {
	return unit != "" && len(s) >= len(unit) && strings.HasPrefix(strings.Repeat(unit, len(s)/len(unit)+1), s)
}

// shortestUnit is the shortest beginning of s that s repeats at least twice, the
// last one perhaps cut short, or s itself.
func shortestUnit(s []rune) []rune {
	for n := 1; n <= len(s)/2; n++ {
		if slices.Equal(s[n:], s[:len(s)-n]) {
			return s[:n]
		}
	}
	return s
}
