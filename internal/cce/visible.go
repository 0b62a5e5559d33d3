package cce

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/cceapi"
	"github.com/sallyport/sallyport/internal/cscp"
)

// DefaultHidden are patterns of properties that look like secrets.
func DefaultHidden() []string {
	var patterns []string
	for _, part := range cceapi.SecretParts {
		patterns = append(patterns, "*"+part+"*")
	}
	return patterns
}

// Limits are what a caller may see and do who is no administrator of CCE. cced
// does not hold them: the commands run as a user who may do more. The zero value
// limits nothing.
type Limits struct {
	// ReadOnly allows GET, FIND, NAMES, CLASSES and WHOAMI, and what is made of
	// them.
	ReadOnly bool
	// WriteOnly refuses those.
	WriteOnly bool
	// Hide are patterns of the properties whose values are not shown, and which
	// cannot be searched for or sorted by. `*` stands for any characters, `?` for
	// one; capital and small letters are the same.
	Hide []string
	// Classes are the classes of which objects may be seen and changed. Without
	// any, all may.
	Classes []string
}

// Check reports whether patterns and classes can be meant.
func (l *Limits) Check() error {
	for _, pattern := range l.Hide {
		if plain := strings.NewReplacer("*", "x", "?", "x").Replace(pattern); pattern == "" || !cscp.IsName(plain) {
			return fmt.Errorf("pattern '%s': write the name of a property, with * for any characters and ? for one", pattern)
		}
	}
	for _, class := range l.Classes {
		if !cscp.IsName(class) {
			return fmt.Errorf("class '%s': write the name of a class, such as Vsite", class)
		}
	}
	return nil
}

// Hides reports whether the value of a property is not shown. A namespace before
// the name, as in Email.aliases, counts for nothing.
func (l *Limits) Hides(name []byte) bool {
	name = name[bytes.LastIndexByte(name, '.')+1:]
	for _, pattern := range l.Hide {
		if matches(pattern, name) {
			return true
		}
	}
	return false
}

// AllowsClass reports whether objects of a class may be seen. cced tells capital
// from small letters, and so does this.
func (l *Limits) AllowsClass(class string) bool {
	return len(l.Classes) == 0 || slices.Contains(l.Classes, class)
}

// RefusedError says what in a command is beyond the limits.
type RefusedError struct{ text string }

func (e *RefusedError) Error() string { return e.text }

func refused(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }

// Allows returns a RefusedError if a command is beyond the limits by itself. The
// class of an object that a command names by its number has to be found out
// beforehand, where Classes is set.
func (l *Limits) Allows(command cscp.Command) error {
	if l.WriteOnly && reads(command) {
		return refused("%s is refused: the caller may not read", command.Word())
	}
	if l.ReadOnly && !reads(command) {
		return refused("%s is refused: the caller may only read", command.Word())
	}
	switch c := command.(type) {
	case cscp.Find:
		return l.allowsFind(c)
	case cscp.Create:
		return l.allowsClass(c.Class)
	case cscp.Suspend, cscp.Resume:
		if l.narrow() {
			return refused("%s is refused: it concerns all classes", command.Word())
		}
	case cscp.Names:
		if c.OID == 0 {
			return l.allowsClass(c.Class)
		}
	}
	return nil
}

// allowsFind also holds what is asked for: who may ask whether a password begins
// with an a knows it soon.
func (l *Limits) allowsFind(find cscp.Find) error {
	if err := l.allowsClass(find.Class); err != nil {
		return err
	}
	for _, c := range find.Criteria {
		if l.Hides([]byte(c.Property)) {
			return refused("property '%s' is hidden from the caller, and cannot be searched for", c.Property)
		}
	}
	if find.Sort != nil && l.Hides([]byte(find.Sort.Property)) {
		return refused("property '%s' is hidden from the caller, and cannot be sorted by", find.Sort.Property)
	}
	return nil
}

func (l *Limits) allowsClass(class string) error {
	if !l.AllowsClass(class) {
		return refused("class '%s' is not among those that the caller may see", class)
	}
	return nil
}

// reads reports whether a command only tells something. Those that are not
// named do not, so that a new one is refused.
func reads(command cscp.Command) bool {
	switch command.(type) {
	case cscp.Get, cscp.Find, cscp.Names, cscp.Classes, cscp.WhoAmI:
		return true
	}
	return false
}

// matches reports whether a name is what a pattern means. It goes back to the
// last star only, so that no pattern takes long.
func matches(pattern string, name []byte) bool {
	star, retry := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || small(pattern[p]) == small(name[n])):
			p++
			n++
		case star >= 0:
			retry++
			p, n = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func small(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
