package howler

import (
	"slices"
	"strings"
)

// Tags are the values of an If-Match or If-None-Match header (RFC 9110 section
// 13.1).
type Tags struct {
	// Given: there is such a header, whatever it holds.
	Given bool
	// Any is set by `*`.
	Any  bool
	tags []string
}

// ParseTags reads all lines of a header. Howler compares the whole value with the
// bare version, so tags count with quotation marks and without. `W/` in front is
// skipped, as compressing proxies put it there.
func ParseTags(lines []string) (t Tags) {
	t.Given = len(lines) > 0
	for _, line := range lines {
		for tag := range strings.SplitSeq(line, ",") {
			tag = strings.TrimPrefix(strings.Trim(tag, " \t"), "W/")
			switch tag = strings.Trim(tag, `"`); tag {
			case "":
			case "*":
				t.Any = true
			default:
				t.tags = append(t.tags, tag)
			}
		}
	}
	return t
}

// Has reports whether a tag, which has no quotation marks, is among them.
func (t *Tags) Has(tag string) bool { return slices.Contains(t.tags, tag) }
