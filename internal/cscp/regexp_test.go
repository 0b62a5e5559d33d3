package cscp_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/cscp"
)

// samples are values against which accepted expressions are matched.
var samples = []string{
	"", "a", "ab", "aab", "abc", "b", "c-a", "a.b", "ABC", "a1", "a,b,a", "site1",
	"t1.smd.example", "mary@smd.example", "Mary Smith", "192.0.2.7", "^a$", "a|b", "(a)", "{2}", `\d`, "é", "aéé",
}

func TestTheDocumentsExamplesMatch(t *testing.T) {
	for _, row := range table(t, "expression", "matches", "does not match") {
		expression := row[0][0]
		for _, values := range []struct {
			list []string
			want bool
		}{{row[1], true}, {row[2], false}} {
			for _, value := range values.list {
				if got := matches(t, expression, value); got != values.want {
					t.Errorf("'%s' matches '%s': %t, want %t", expression, value, got, values.want)
				}
			}
		}
	}
}

func TestTheDocumentsExamplesAreRefused(t *testing.T) {
	for _, row := range table(t, "expression", "error", "write instead") {
		expression, want := row[0][0], "regular expression, "+row[1][0]
		if err := cscp.CheckRegexp(expression); err == nil || err.Error() != want {
			t.Errorf("'%s': %v, want %s", expression, err, want)
		}
		for _, instead := range row[2] {
			if err := cscp.CheckRegexp(instead); err != nil {
				t.Errorf("'%s' in place of '%s': %v", instead, expression, err)
			}
		}
	}
}

func TestMoreThatIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ expression, want string }{
		"a NUL":                              {"a\x00b", "position 2: NUL"},
		"a line break":                       {"a\nb", "position 2: a line break"},
		"a line break in brackets":           {"[^\n]", "position 3: a line break"},
		"what is not UTF-8":                  {"é\xffb", "position 2: this is not UTF-8"},
		"a surrogate":                        {"\xed\xa0\x80", "position 1: this is not UTF-8"},
		"an error behind other characters":   {"ééé*", "position 4: to some libraries"},
		"too long":                           {strings.Repeat("a", 1025), "it has 1025 bytes; write at most 1024"},
		"too many groups in groups":          {strings.Repeat("(", 51) + "a" + strings.Repeat(")", 51), "position 51: groups go more than 50 deep"},
		"an open group":                      {"(", "position 1: the group is not closed"},
		"an open group with an alternative":  {"(a|b", "position 1: the group is not closed"},
		"only a closing parenthesis":         {")", "position 1: ')' closes no group"},
		"a closing one behind an anchor":     {"a$)", "position 3: ')' closes no group"},
		"only an alternative":                {"|", "position 1: an empty alternative"},
		"an empty alternative in the middle": {"(a||b)", "position 4: an empty alternative"},
		"a group of an empty group":          {"(())", "position 2: '()' is not defined"},
		"a repeated start":                   {"^*a", "position 2: '*' has nothing to repeat"},
		"a repeated end":                     {"a$+", "position 2: '$' is the end"},
		"a start twice":                      {"^^a", "position 2: '^' is the start"},
		"an end inside of a group":           {"(a$b)", "position 3: '$' is the end"},
		"a repeated group with an end":       {"(a|b$)?", "position 7: a repeat of '^' or '$'"},
		"a repeat of an empty match":         {"(^$)*", "position 5: a repeat of '^' or '$'"},
		"a repeat of a repeat, counted":      {"a{2}{3}", "position 5: a repeat of a repeat"},
		"a repeat of a repeat, in groups":    {"((a+))*", "position 7: a repeat of a repeat"},
		"a counted repeat of an optional":    {"(ab?){2}", "position 6: a counted repeat"},
		"a counted repeat of a counted one":  {"(a{2}b){2}", "position 8: a counted repeat"},
		"a counted repeat far inside":        {"((ab*)c){2}", "position 9: a counted repeat"},
		"a count that is open":               {"a{2", "position 2: this is no count"},
		"a count with a sign":                {"a{-2}", "position 2: this is no count"},
		"a count with blanks":                {"a{ 2}", "position 2: this is no count"},
		"a count with two commas":            {"a{1,2,3}", "position 2: this is no count"},
		"no count":                           {"a{}", "position 2: this is no count"},
		"a comma alone":                      {"a{,}", "position 2: this is no count"},
		"a count from 0 to 0":                {"a{0,0}", "position 2: a repeat that never happens"},
		"a second count that is too large":   {"a{2,256}", "position 2: a count above 255"},
		"an open count that is too large":    {"a{256,}", "position 2: a count above 255"},
		"a count that is no int":             {"a{99999999999999999999}", "position 2: a count above 255"},
		"a second count that is no int":      {"a{1,99999999999999999999}", "position 2: a count above 255"},
		"too large by one repeat":            {"(abcd){76}", "position 7: with its repeats written out"},
		"too large by many":                  {"a{255}b{30}cdefghijk{7}l", "position 24: with its repeats written out"},
		"too large by alternatives":          {"a{255}b{20}|c{20}d{6}", "position 22: with its repeats written out"},
		"too large by '+' in '+'":            {strings.Repeat("(", 20) + "a" + strings.Repeat("b)+", 20), "with its repeats written out"},
		"the start of a word, as in Emacs":   {"\\`a", "position 1: '\\`' is of another dialect; write '^'"},
		"the end, as in Emacs":               {`a\'`, "position 2: '\\'' is of another dialect; write '$'"},
		"a backslash before a blank":         {`a\ b`, "position 2: a backslash before a character that needs none"},
		"a backslash before DEL":             {"\\\x7f", "position 1: a backslash before"},
		"a lazy repeat of a group":           {"(ab)+?", "position 6: a repeat of a repeat"},
		"a named group":                      {"(?P<x>a)", "position 1: '(?' is of another dialect"},
		"an empty bracket":                   {"[]", "position 1: the bracket is not closed"},
		"an empty negated bracket":           {"[^]", "position 1: the bracket is not closed"},
		"a bracket open after '['":           {"[", "position 1: the bracket is not closed"},
		"a bracket open in a range":          {"[a-", "position 1: the bracket is not closed"},
		"a bracket open after a class":       {"[[:alpha:]", "position 1: the bracket is not closed"},
		"a class without its end":            {"[[:alpha]]", "position 2: no class"},
		"a class in capitals":                {"[[:ALPHA:]]", "position 2: no class"},
		"a negated class":                    {"[[:^alpha:]]", "position 2: no class"},
		"a negated class without brackets":   {"[^:alpha:]", "position 1: a class stands in brackets"},
		"a range to a class":                 {"[a-[:digit:]]", "position 2: a range from one kind"},
		"a range to '['":                     {"[+-[]", "position 2: a range from one kind"},
		"a range from ']'":                   {"[]-a]", "position 2: a range from one kind"},
		"a range from '-'":                   {"[--/]", "position 2: a range from one kind"},
		"a range of punctuation":             {"[!-/]", "position 2: a range from one kind"},
		"a range that ends outside of ASCII": {"[a-é]", "position 2: a range from one kind"},
		"a reversed range of digits":         {"[9-0]", "position 2: a range that ends before it begins; write '0-9'"},
	} {
		if err := cscp.CheckRegexp(c.expression); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, '%s': %v, want …%s…", name, c.expression, err, c.want)
		}
	}
}

func TestWhatIsJustWithinTheLimits(t *testing.T) {
	for name, expression := range map[string]string{
		"nothing":              "",
		"1,024 bytes":          strings.Repeat("[a-z0-9]", 128),
		"50 groups":            strings.Repeat("(", 50) + "a" + strings.Repeat(")", 50),
		"255 times":            ".{0,255}b{0,45}",
		"300 characters":       "(abcd){75}",
		"300 in parts":         "a{255}b{30}|c{14}e",
		"six groups under '+'": strings.Repeat("(", 6) + "a" + strings.Repeat("b)+", 6),
	} {
		if err := cscp.CheckRegexp(expression); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCheckRegexp(f *testing.F) {
	for _, row := range table(f, "expression", "matches", "does not match") {
		f.Add(row[0][0])
	}
	for _, row := range table(f, "expression", "error", "write instead") {
		f.Add(row[0][0])
	}
	f.Fuzz(func(t *testing.T, expression string) {
		if cscp.CheckRegexp(expression) != nil {
			return
		}
		if _, err := regexp.CompilePOSIX(expression); err != nil {
			t.Errorf("'%s' is accepted, but %v", expression, err)
		}
	})
}

// matches tells what Go's own package makes of an expression that is accepted.
func matches(t *testing.T, expression, value string) bool {
	t.Helper()
	if err := cscp.CheckRegexp(expression); err != nil {
		t.Fatalf("'%s': %v", expression, err)
	}
	re, err := regexp.CompilePOSIX(expression)
	if err != nil {
		t.Fatal(err)
	}
	return re.MatchString(value)
}

// table reads the table of docs/cce-regexp.md that has these headings. Of each
// cell it returns what stands in backquotes.
func table(t testing.TB, headings ...string) (rows [][][]string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/cce-regexp.md")
	if err != nil {
		t.Fatal(err)
	}
	begin := "\n| " + strings.Join(headings, " | ") + " |\n" + strings.Repeat("|---", len(headings)) + "|\n"
	_, text2, found := strings.Cut(string(text), begin)
	text2, _, _ = strings.Cut(text2, "\n\n")
	quoted := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(text2) {
		// Within a table, a vertical line is written with a backslash.
		line = strings.ReplaceAll(strings.Trim(line, "|\n"), `\|`, "\x00")
		var row [][]string
		for cell := range strings.SplitSeq(line, "|") {
			var list []string
			for _, part := range quoted.FindAllStringSubmatch(cell, -1) {
				list = append(list, strings.ReplaceAll(part[1], "\x00", "|"))
			}
			row = append(row, list)
		}
		if len(row) != len(headings) || len(row[0]) != 1 {
			t.Fatalf("docs/cce-regexp.md: row '%s' has not %d cells, or no expression", line, len(headings))
		}
		rows = append(rows, row)
	}
	if !found || len(rows) < 10 {
		t.Fatalf("docs/cce-regexp.md has no table of %s", strings.Join(headings, ", "))
	}
	return rows
}
