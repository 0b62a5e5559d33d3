package howler

import (
	"strings"
	"testing"
)

func TestTagsCountWithQuotationMarksAndWithout(t *testing.T) {
	for name, test := range map[string]struct {
		lines           []string
		given, any, has bool
	}{
		"no header":             {nil, false, false, false},
		"an empty one":          {[]string{""}, true, false, false},
		"an empty tag":          {[]string{`""`}, true, false, false},
		"quoted":                {[]string{`"abc"`}, true, false, true},
		"bare":                  {[]string{`abc`}, true, false, true},
		"weak":                  {[]string{`W/"abc"`}, true, false, true},
		"one of several":        {[]string{`"x", "abc"`}, true, false, true},
		"on the second line":    {[]string{`"x"`, "\t\"abc\" "}, true, false, true},
		"a star":                {[]string{`*`}, true, true, false},
		"another one":           {[]string{`"abd"`}, true, false, false},
		"the beginning of it":   {[]string{`"ab"`}, true, false, false},
		"in another case":       {[]string{`"ABC"`}, true, false, false},
		"a tag with a W before": {[]string{`Wabc`}, true, false, false},
	} {
		tags := ParseTags(test.lines)
		if tags.Given != test.given || tags.Any != test.any || tags.Has("abc") != test.has {
			t.Errorf("%s: given %v, any %v, has %v", name, tags.Given, tags.Any, tags.Has("abc"))
		}
	}
}

// FuzzParseTags holds that only what stands in a header is found in it.
func FuzzParseTags(f *testing.F) {
	for _, line := range []string{`"abc"`, `W/"abc", *`, `,,""`, `"`, "a\x00b"} {
		f.Add(line, "abc")
	}
	f.Fuzz(func(t *testing.T, line, tag string) {
		tags := ParseTags([]string{line})
		switch {
		case !tags.Given:
			t.Error("there was a header")
		case tags.Has(""):
			t.Error("the empty tag was found")
		case tags.Has(tag) && !strings.Contains(line, tag):
			t.Errorf("%q was found in %q", tag, line)
		case tags.Any && !strings.Contains(line, "*"):
			t.Errorf("a star was found in %q", line)
		}
	})
}
