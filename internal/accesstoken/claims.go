package accesstoken

import (
	"slices"
	"strings"
	"time"
)

// Claims are those of a token that is good. They are never changed. Their texts share the
// memory of the payload, of up to 6 KiB: who keeps some of them for long clones those.
type Claims struct {
	Subject string
	// ID is jti, "" if there is none.
	ID string
	// Issued is iat, zero if there is none. NotBefore is nbf, likewise.
	Issued, NotBefore, Expires time.Time
	// Scopes are what the claim of scopes says.
	Scopes []string

	all value
}

func newClaims(t *Token, scopes []string) *Claims {
	return &Claims{
		Subject: t.payload.member("sub").text,
		ID:      t.payload.member("jti").text,
		Issued:  t.issued.time, NotBefore: t.notBefore.time, Expires: t.expires.time,
		Scopes: scopes,
		all:    t.payload,
	}
}

// maxPath is how many bytes the name of a claim may have. Claims of longer names are not
// found.
const maxPath = 256

// Text returns the claim at a path if it is a text, a number or a boolean, the latter
// two as they are written.
//
// A path is the name of a claim, or names in one another with dots between them, as in
// `realm_access.roles`. A name may have dots itself: at each level one that is the whole
// rest of the path is looked for first, and then the shorter ones, the shortest first.
func (c *Claims) Text(path string) (text string, ok bool) {
	switch v := c.find(path); v.kind {
	case isText, isNumber, isBoolean:
		return v.text, true
	default:
		return "", false
	}
}

// List returns the claim at a path if it is a list of texts. A text is none, nor is a
// list that has something else in it: nil.
func (c *Claims) List(path string) []string {
	texts, _ := c.find(path).texts()
	return texts
}

// Bool reports whether the claim at a path is true. The text "true" is not.
func (c *Claims) Bool(path string) bool {
	v := c.find(path)
	return v.kind == isBoolean && v.text == "true"
}

func (c *Claims) find(path string) value {
	if len(path) > maxPath {
		return value{}
	}
	return c.all.find(path)
}

// find goes one level deeper with each step, and there are at most maxDepth.
func (v value) find(path string) value {
	if found := v.member(path); found.kind != isAbsent {
		return found
	}
	for i, c := range []byte(path) {
		if c != '.' {
			continue
		}
		if inner := v.member(path[:i]); inner.kind == isObject {
			if found := inner.find(path[i+1:]); found.kind != isAbsent {
				return found
			}
		}
	}
	return value{}
}

// scopes returns those of the claim at a path, "" for the usual ones.
func (t *Token) scopes(path string) []string {
	if path != "" {
		return t.payload.find(path).words()
	}
	scope := t.payload.member("scope")
	if scope.kind == isAbsent {
		scope = t.payload.member("scp")
	}
	return scope.words()
}

// words are those of a claim that is written as scopes are: a text of words with one
// blank between each (RFC 6749 section 3.3), or a list of such words. Otherwise nil.
func (v value) words() []string {
	words, ok := v.texts()
	if v.kind == isText {
		words, ok = strings.Split(v.text, " "), true
	}
	if !ok || slices.ContainsFunc(words, func(w string) bool { return !isScope(w) }) {
		return nil
	}
	return words
}

// isScope is scope-token of RFC 6749 section 3.3.
func isScope(word string) bool {
	for _, c := range []byte(word) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return word != ""
}
