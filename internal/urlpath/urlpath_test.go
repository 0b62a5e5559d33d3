package urlpath

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

func TestOnlyPathsThatEverybodyReadsTheSameAreClean(t *testing.T) {
	for _, p := range []string{"/", "/a", "/a/", "/a/b.txt", "/a/...", "/ä/b c", "/.well-known/x"} {
		if !IsClean(p) {
			t.Errorf("'%s' is refused", p)
		}
	}
	for name, p := range map[string]string{
		"nothing":                          "",
		"no slash at the beginning":        "a/b",
		"a dot segment":                    "/a/./b",
		"two dots":                         "/a/../b",
		"two dots at the end":              "/a/..",
		"dots with a blank":                "/a/.. /b",
		"blanks between slashes":           "/a/ /b",
		"blanks at the end":                "/\u00a0",
		"dots of another alphabet":         "/a/\uff0e\uff0e/b",
		"a doubled slash":                  "/a//b",
		"two slashes":                      "//",
		"a backslash":                      `/a\b`,
		"a slash of another alphabet":      "/a\uff0fb",
		"a parameter":                      "/a;x=1/b",
		"a percent sign":                   "/a%2fb",
		"a query":                          "/a?b",
		"a fragment":                       "/a#b",
		"a control character":              "/a\x00b",
		"bytes that are no letters at all": "/a\xffb",
	} {
		if IsClean(p) {
			t.Errorf("%s: %q is taken", name, p)
		}
	}
}

// FuzzIsClean: a clean path is the same for path.Clean, for net/url, and after
// everything else that a reader might do to it.
func FuzzIsClean(f *testing.F) {
	for _, p := range []string{"/", "/a/b/", "/a/../b", "//a", `/a\b`, "/a%2fb", "/a/．．/b", "/a/.. /b", "/ä", "/a;b", "/\xff"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if !IsClean(p) {
			return
		}
		trimmed := strings.TrimSuffix(p, "/")
		for reader, seen := range map[string]string{
			"path.Clean":                 path.Clean(p),
			"blanks around dots":         path.Clean(blanksAround.ReplaceAllString(p, "$1")),
			"a second decoding":          unescaped(t, p),
			"slashes of backslashes":     strings.ReplaceAll(p, `\`, "/"),
			"compatibility forms":        path.Clean(norm.NFKC.String(p)),
			"what is written in its URL": urlOf(t, p),
		} {
			if seen != p && seen != trimmed && strings.Count(strings.TrimSuffix(seen, "/"), "/") != strings.Count(trimmed, "/") {
				t.Errorf("%q is %q by %s", p, seen, reader)
			}
		}
		if unescaped(t, p) != p || urlOf(t, p) != p {
			t.Errorf("%q changes when it is decoded", p)
		}
	})
}

// blanksAround are the blanks before and behind what stands between two slashes.
var blanksAround = regexp.MustCompile(`\s*(/)\s*|\s+$`)

func unescaped(t *testing.T, p string) string {
	t.Helper()
	decoded, err := url.PathUnescape(p)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// urlOf is the path of the URL that a path is written in.
func urlOf(t *testing.T, p string) string {
	t.Helper()
	u, err := url.Parse((&url.URL{Scheme: "https", Host: "a", Path: p}).String())
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}
