package urlpath

import "testing"

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
