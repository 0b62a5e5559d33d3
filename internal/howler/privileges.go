package howler

import (
	"encoding/json"
	"strings"

	"github.com/sallyport/sallyport/internal/principal"
)

// privileges are howler's letters and the scopes that they are, in the order in
// which they are listed. I is no scope but a kind of key.
var privileges = []struct {
	letter string
	scope  principal.Scopes
}{
	{"R", principal.Read},
	{"W", principal.Write},
	{"E", principal.Extended},
}

const impersonation = "I"

// Letters lists scopes as howler does: R, W, E. It is never nil.
func Letters(scopes principal.Scopes) []string {
	letters := make([]string, 0, len(privileges))
	for _, p := range privileges {
		if scopes.Any(p.scope) {
			letters = append(letters, p.letter)
		}
	}
	return letters
}

// KeyLetters are the Letters of a key. One for impersonation has I last.
func KeyLetters(scopes principal.Scopes, impersonates bool) []string {
	letters := Letters(scopes)
	if impersonates {
		letters = append(letters, impersonation)
	}
	return letters
}

// readPrivileges reads "RW" or ["R","W"], which are the same. Whether there are
// such letters is another question.
func readPrivileges(value json.RawMessage) ([]string, bool) {
	if text, ok := readText(value); ok {
		return strings.Split(text, ""), true
	}
	return readTextList(value)
}

// parseLetters reads letters in any order, each once or more often.
func parseLetters(letters []string) (scopes principal.Scopes, impersonates bool, failure *Failure) {
	for _, letter := range letters {
		if letter == impersonation {
			impersonates = true
			continue
		}
		scope := scopeOf(letter)
		if scope == 0 {
			return 0, false, UnknownPrivilege
		}
		scopes |= scope
	}
	return scopes, impersonates, nil
}

func scopeOf(letter string) principal.Scopes {
	for _, p := range privileges {
		if p.letter == letter {
			return p.scope
		}
	}
	return 0
}
