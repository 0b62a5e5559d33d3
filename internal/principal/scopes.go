package principal

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Scopes is a set of the things a credential may be used for. As text and in
// JSON it is a list of words; where there is little room, letters: R, W and E.
type Scopes uint8

// The scopes. None of them includes another one.
const (
	Read Scopes = 1 << iota
	Write
	Extended
)

// AllScopes is every scope there is.
const AllScopes = Read | Write | Extended

// scopeWords is in the order in which scopes are listed.
var scopeWords = []struct {
	scope  Scopes
	word   string
	letter string
}{
	{Read, "read", "R"},
	{Write, "write", "W"},
	{Extended, "extended", "E"},
}

// wordLists holds the words of each set, made once, since every request asks
// for them.
var wordLists, joinedWords = func() (lists [AllScopes + 1][]string, joined [AllScopes + 1]string) {
	for set := range lists {
		for _, s := range scopeWords {
			if Scopes(set).Any(s.scope) {
				lists[set] = append(lists[set], s.word)
			}
		}
		joined[set] = strings.Join(lists[set], ",")
	}
	return lists, joined
}()

// ParseScopes reads scopes as words or letters, in any order. The error names
// what there is.
func ParseScopes(names []string) (Scopes, error) {
	var set Scopes
	for _, name := range names {
		one, err := parseScope(name)
		if err != nil {
			return 0, err
		}
		set |= one
	}
	return set, nil
}

func parseScope(name string) (Scopes, error) {
	for _, s := range scopeWords {
		if name == s.word || name == s.letter {
			return s.scope, nil
		}
	}
	return 0, fmt.Errorf("scope '%s' is unknown; there are read (R), write (W) and extended (E)", name)
}

// Any reports whether the sets have a scope in common.
func (s Scopes) Any(of Scopes) bool { return s&of != 0 }

// Words lists the scopes. The list must not be changed.
func (s Scopes) Words() []string { return wordLists[s&AllScopes] }

// String joins the words by commas.
func (s Scopes) String() string { return joinedWords[s&AllScopes] }

// MarshalJSON writes a list of words.
func (s Scopes) MarshalJSON() ([]byte, error) {
	words := s.Words()
	if words == nil {
		words = []string{}
	}
	return json.Marshal(words)
}

// UnmarshalJSON reads a list of words or letters.
func (s *Scopes) UnmarshalJSON(data []byte) error {
	var names []string
	if err := json.Unmarshal(data, &names); err != nil {
		return fmt.Errorf("scopes must be a list of words: %w", err)
	}
	if names == nil {
		return errors.New("scopes must be a list of words, and are null; write [] for none")
	}
	set, err := ParseScopes(names)
	if err != nil {
		return err
	}
	*s = set
	return nil
}
