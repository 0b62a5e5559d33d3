// Package urlpath says which paths of URLs mean the same to everybody.
package urlpath

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// IsClean reports whether p, a decoded path, is absolute and one that every
// reader takes for the same. It has no dot segments and no doubled slashes, nor
// anything that some reader makes one of: backslashes and their like in other
// alphabets, blanks around dots or around nothing, parameters behind ';', control
// characters, and '%', '?' and '#', which a second decoding would change.
func IsClean(p string) bool {
	if !strings.HasPrefix(p, "/") || strings.ContainsAny(p, `\;%?#`) || !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl) {
		return false
	}
	for segment := range strings.SplitSeq(p, "/") {
		folded := strings.TrimSpace(norm.NFKC.String(segment))
		if folded == "" && segment != "" || folded == "." || folded == ".." || strings.ContainsAny(folded, `/\;%?#`) {
			return false
		}
	}
	clean := path.Clean(p)
	return p == clean || p == clean+"/" && clean != "/"
}
