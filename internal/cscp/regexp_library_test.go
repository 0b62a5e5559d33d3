package cscp_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/cscp"
)

// matchInLibrary makes bash ask the C library, by regcomp and regexec: it
// prints 0 for a match, 1 for none, and 2 where the library rejects the
// expression. (grep has an engine of its own.)
const matchInLibrary = `while IFS= read -r -d '' expression && IFS= read -r -d '' value; do
	[[ $value =~ $expression ]]
	printf %d $?
done`

// TestTheLibraryAgrees shows for examples and for what chance puts together that
// the C library compiles all that is accepted, and finds in it what Go finds.
func TestTheLibraryAgrees(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI must have bash: %v", err)
		}
		t.Skip("there is no bash on this machine")
	}
	var expressions []string
	for _, row := range table(t, "expression", "matches", "does not match") {
		expressions = append(expressions, row[0][0])
	}
	for _, row := range table(t, "expression", "error", "write instead") {
		expressions = append(expressions, row[2]...)
	}
	expressions = append(expressions, "", "(abcd){75}", "a{255}b{0,45}", strings.Repeat("(", 50)+"a"+strings.Repeat(")", 50))
	expressions = append(expressions, byChance(2000)...)
	for _, locale := range []string{"C", "C.UTF-8"} {
		t.Run(locale, func(t *testing.T) { compareWithLibrary(t, bash, locale, expressions) })
	}
}

func compareWithLibrary(t *testing.T, bash, locale string, expressions []string) {
	var input, want strings.Builder
	var asked [][2]string
	for _, expression := range expressions {
		for _, value := range samples {
			// Without a language the library counts a character of two bytes
			// twice, with one it is a letter.
			if strings.ContainsRune(value, 'é') && (locale == "C" || strings.Contains(expression, "[:")) {
				continue
			}
			asked = append(asked, [2]string{expression, value})
			input.WriteString(expression + "\x00" + value + "\x00")
			if matches(t, expression, value) {
				want.WriteByte('0')
			} else {
				want.WriteByte('1')
			}
		}
	}
	command := exec.CommandContext(t.Context(), bash, "-c", matchInLibrary)
	command.Env = []string{"LC_ALL=" + locale}
	command.Stdin = strings.NewReader(input.String())
	got, err := command.Output()
	if err != nil || len(got) != want.Len() {
		t.Fatalf("bash: %v, %d answers to %d questions", err, len(got), want.Len())
	}
	for i, pair := range asked {
		if got[i] != want.String()[i] {
			t.Errorf("'%s' in '%s': the library says %c, Go %c", pair[0], pair[1], got[i], want.String()[i])
		}
	}
}

// byChance puts n expressions together that are accepted, the same in each run.
func byChance(n int) (list []string) {
	chance := rand.New(rand.NewPCG(1, 2))
	words := []string{
		"a", "b", "c", "1", "é", ".", "^", "$", "|", "(", ")", "()", "*", "+", "?", "{2}", "{1,2}", "{2,}", "{0,1}", "{,2}",
		`\.`, `\$`, `\\`, `\d`, `\<`, "[ab]", "[^a]", "[]a]", "[a-c]", "[^b-]", "[[:digit:]]", "[[:alpha:]-]", "[[]", "[", "]", "{", "}", ",", "-",
	}
	for len(list) < n {
		var expression strings.Builder
		for range 1 + chance.IntN(9) {
			expression.WriteString(words[chance.IntN(len(words))])
		}
		if cscp.CheckRegexp(expression.String()) == nil {
			list = append(list, expression.String())
		}
	}
	return list
}
