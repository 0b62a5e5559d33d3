package identity

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	// maxAdopted is as long as a name is that is made of a claim; a number may follow.
	maxAdopted = 60
	// maxUsername is as long as any user name is, in characters.
	maxUsername = 64
	// maxText is as long as a display name and an address of mail are, in bytes.
	maxText = 255
	// maxAdoptedNumber bounds the numbers that make names different.
	maxAdoptedNumber = 1 << 30
)

// reservedNames are given to nobody for a claim. Of the first two there are paths in the
// place of a user's; the others are written into rules before there is such a user.
var reservedNames = map[string]bool{"whoami": true, "password": true, "admin": true, "administrator": true, "root": true, "system": true}

// adoptedName makes a user name of a claim. Of what Unicode takes its letters apart to
// (NFKD, so that é is e) letters and digits of ASCII survive, and . _ - @ between them:
// so no name can look like another one by letters of another script. It is cut to 60
// characters, and `user` where nothing is left.
func adoptedName(claim string) string {
	claim = claim[:min(len(claim), maxTyped)]
	name := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && !notInUsername(r) {
			return r
		}
		return -1
	}, norm.NFKD.String(claim))
	const between = "._-@"
	name = strings.TrimLeft(name, between)
	name = strings.TrimRight(name[:min(len(name), maxAdopted)], between)
	return cmp.Or(name, "user")
}

// freeName is a name, or one with the first number that is free where the one before it
// is taken: alice, alice1, alice2. So many may have the same one that the numbers are not
// tried one after another: from a million some forty are.
func freeName(base string, taken func(string) (bool, error)) (string, error) {
	numbered := func(n int) string {
		if n == 0 {
			return base
		}
		digits := strconv.Itoa(n)
		return base[:min(len(base), maxUsername-len(digits))] + digits
	}
	last, free := -1, 0
	for {
		is, err := taken(numbered(free))
		if err != nil {
			return "", err
		}
		if !is {
			break
		}
		if free >= maxAdoptedNumber {
			return "", fmt.Errorf("there is no free name like '%s'; rename or delete users", base)
		}
		last, free = free, max(1, 2*free)
	}
	for free-last > 1 {
		middle := (last + free) / 2
		is, err := taken(numbered(middle))
		if err != nil {
			return "", err
		}
		if is {
			last = middle
		} else {
			free = middle
		}
	}
	return numbered(free), nil
}

// adoptedText makes a text of a claim that can be shown: without control characters, and
// cut between two characters.
func adoptedText(claim string) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(claim, ""))
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return strings.TrimSpace(text)
}
