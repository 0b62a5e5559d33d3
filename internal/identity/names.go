package identity

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/sallyport/sallyport/internal/store"
	"github.com/sallyport/sallyport/internal/urlpath"
)

// InvalidError says which input is wrong and what is expected. Its text may be
// shown to whoever sent the input.
type InvalidError struct{ text string }

func (e *InvalidError) Error() string { return e.text }

func invalid(format string, args ...any) error {
	return &InvalidError{fmt.Sprintf(format, args...)}
}

// Fold gives the form of a user name that is unique: case does not count, nor
// do the other ways in which Unicode writes the same letters (NFKC, case-folded,
// NFKC again, as RFC 8264 section 7 orders it).
func Fold(username string) string {
	if isLowerASCII(username) {
		return username
	}
	folded := cases.Fold().String(norm.NFKC.String(username))
	return norm.NFKC.String(strings.Map(foldCherokee, folded))
}

// foldCherokee gives Cherokee letters the form that Unicode folds them to, which
// for this script are the capitals (CaseFolding.txt of Unicode 8.0 and later).
// Package cases makes small letters of capitals and capitals of small ones.
func foldCherokee(r rune) rune {
	switch {
	case 0xAB70 <= r && r <= 0xABBF:
		return r - 0xAB70 + 0x13A0
	case 0x13F8 <= r && r <= 0x13FD:
		return r - 0x13F8 + 0x13F0
	}
	return r
}

func isLowerASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || 'A' <= s[i] && s[i] <= 'Z' {
			return false
		}
	}
	return true
}

// checkUsername holds names to 1 to 64 letters, digits and . _ - @ so that they
// can stand in Basic (no colon), in `user/key` (no slash) and in headers.
func checkUsername(name string) error {
	n := utf8.RuneCountInString(name)
	if n < 1 || n > 64 || !utf8.ValidString(name) || strings.ContainsFunc(Fold(name)+name, notInUsername) {
		return invalid("user name '%s': use 1 to 64 letters, digits and . _ - @", printable(name))
	}
	return nil
}

// foldName checks and folds the name of a user who is asked for, so that no
// error ever repeats more than a name.
func foldName(name string) (string, error) {
	if err := checkUsername(name); err != nil {
		return "", err
	}
	return Fold(name), nil
}

func notInUsername(r rune) bool {
	if unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) {
		// A letter by name that nobody can see.
		return true
	}
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-@", r)
}

// keyNamePattern is also that of roles and groups.
var keyNamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func checkKeyName(name string) error {
	if !keyNamePattern.MatchString(name) {
		return invalid("key name '%s': use 1 to 64 letters, digits and . _ - with a letter or digit first", printable(name))
	}
	return nil
}

// maxList bounds every list that a record holds.
const maxList = 64

// checkNames checks roles or groups, and returns them sorted, each once.
func checkNames(what string, names []string) ([]string, error) {
	if len(names) > maxList {
		return nil, invalid("%d %ss: there can be %d", len(names), what, maxList)
	}
	for _, name := range names {
		if !keyNamePattern.MatchString(name) {
			return nil, invalid("%s '%s': use 1 to 64 letters, digits and . _ - with a letter or digit first", what, printable(name))
		}
	}
	sorted := append([]string{}, names...)
	slices.Sort(sorted)
	return slices.Compact(sorted), nil
}

// checkText bounds free text, and keeps line ends and other control characters
// out of lists and logs, those that turn the direction of writing among them.
func checkText(what, text string, most int) error {
	unseen := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }
	if len(text) > most || !utf8.ValidString(text) || strings.ContainsFunc(text, unseen) {
		return invalid("%s: use at most %d bytes of text without control characters", what, most)
	}
	return nil
}

// checkLimits checks what a key is to be bound to, and writes networks in their
// usual form.
func checkLimits(l *store.Limits) error {
	if len(l.Networks) > maxList || len(l.Audience) > maxList || len(l.Subject) > maxList {
		return invalid("a key can be bound to %d networks, %d audiences and %d subjects", maxList, maxList, maxList)
	}
	for i, network := range l.Networks {
		if !network.IsValid() {
			return invalid("network %d is none", i+1)
		}
		l.Networks[i] = unmapPrefix(network).Masked()
	}
	for _, audience := range l.Audience {
		if audience == "" {
			return invalid("audience: the text is empty")
		}
		if err := checkText("audience", audience, 255); err != nil {
			return err
		}
	}
	for _, subject := range l.Subject {
		if err := checkSubject(subject); err != nil {
			return err
		}
	}
	if err := checkText("user agent", l.UserAgent, 512); err != nil {
		return err
	}
	return checkText("API version", l.APIVersion, 64)
}

// unmapPrefix writes ::ffff:192.0.2.0/120 as 192.0.2.0/24, since callers'
// addresses are compared in that form.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// checkSubject checks a path pattern: a clean path, or the beginning of one
// followed by a single '*'.
func checkSubject(pattern string) error {
	literal := strings.TrimSuffix(pattern, "*")
	if !urlpath.IsClean(literal) || strings.ContainsRune(literal, '*') {
		return invalid("subject '%s': write a path such as /reports/daily, or a beginning such as /reports/*", printable(pattern))
	}
	return checkText("subject", pattern, 1024)
}

// printable shortens and cleans a text for an error.
func printable(s string) string { return printableText(s, 80) }

// printableText cleans a foreign text and shortens it to so many characters.
func printableText(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(s, "?"))
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
