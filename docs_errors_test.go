package sallyport_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/advice"
)

// TestErrorsExplained demands that docs/errors.md explains each code of a refusal.
func TestErrorsExplained(t *testing.T) {
	text := readFile(t, "docs/errors.md")
	codes := wordsIn(t, 5, `(?m)^\tcode\w+ += "(\w+)"$`, "caddyauth/refusal.go")
	for _, code := range codes {
		if !strings.Contains(text, "\n| `"+code+"`") {
			t.Errorf("'%s' has no row", code)
		}
	}
}

// TestErrorsAreAdvised holds the tables of docs/errors.md against those that
// `caddy auth why` tells from: the same rows, word for word. A link stands for its text.
func TestErrorsAreAdvised(t *testing.T) {
	_, section, _ := strings.Cut(readFile(t, "docs/errors.md"), "\n## What the log says\n")
	section, _, _ = strings.Cut(section, "\n## ")
	section = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(section, "$1")
	parts := strings.Split(section, "\n| status | `refused` | cause | what to change |\n|---|---|---|---|\n")[1:]
	if len(parts) != len(advice.Tables()) {
		t.Fatalf("%d tables, want %d", len(parts), len(advice.Tables()))
	}
	for i, table := range advice.Tables() {
		shown, _, _ := strings.Cut(parts[i], "\n\n")
		var want []string
		for _, row := range table.Rows {
			cause := "`" + row.Cause + "`"
			if row.Cause == advice.Sentence {
				cause = row.Cause
			}
			want = append(want, "| "+row.Status+" | "+cause+" | "+row.Means+" | "+row.Change+" |")
		}
		rows := strings.Split(shown, "\n")
		for _, row := range rows {
			if !slices.Contains(want, row) {
				t.Errorf("%s: internal/advice has no\n%s", table.Name, row)
			}
		}
		for _, row := range want {
			if !slices.Contains(rows, row) {
				t.Errorf("%s: docs/errors.md has no\n%s", table.Name, row)
			}
		}
	}
}

// causesOf says where the causes of a module stand in the source: at least so many of
// this pattern in these files.
var causesOf = []struct {
	module  string
	least   int
	pattern string
	files   []string
}{
	{"http.handlers.token_auth", 9, `cause: +"(\w+)"`, []string{"caddyauth/refusal.go"}},
	{"http.handlers.token_auth", 22, `\w+: +"(\w+)"`, []string{"internal/identity/check.go"}},
	{"http.handlers.token_auth", 20, `Rule = "(token_\w+)"`, []string{"internal/accesstoken/rule.go"}},
	{"http.handlers.auth_api", 4, `Failure: howler\.Provider\w+, cause: "(\w+)"`, []string{"caddyauth/authapi_provider.go"}},
	{"http.handlers.auth_api", 30, `(?:told|failure)[({].*, "(\w+)"[,)]`, []string{"caddyauth/*.go"}},
	{"http.handlers.auth_api", 3, `DerivedError{"(\w+)"}`, []string{"internal/identity/*.go"}},
	{"http.handlers.auth_api", 2, `code(?:XSRF|WeakPassword) += "(\w+)"`, []string{"caddyauth/*.go"}},
	{"http.handlers.auth_api", 1, `Failure: howler\.Internal, cause: "(\w+)"`, []string{"caddyauth/*.go"}},
	{"http.handlers.client_secret", 5, `\t\treturn "(\w+)"`, []string{"internal/allowlist/admit.go"}},
	{"http.handlers.client_secret", 1, `cause: "(not_listed)"`, []string{"caddyauth/clientsecret.go"}},
	{"http.handlers.cce", 11, `Cause += "(\w+)"`, []string{"internal/cce/explain.go"}},
	{"http.handlers.cce", 15, `\.cause(?:, c\.\w+)? = "(\w+[a-z])"`, []string{"caddycce/*.go"}},
	{"http.handlers.cce", 4, `\t\treturn "(\w+)"`, []string{"internal/allowlist/admit.go"}},
	{"http.handlers.intelmq", 8, `Cause += "(\w+)"`, []string{"internal/intelmqctl/failure.go"}},
	{"http.handlers.intelmq", 12, `\.cause(?:, c\.\w+)? = "(\w+)"`, []string{"caddyintelmq/*.go"}},
}

// TestEveryCauseHasAdvice finds causes that `caddy auth why` could not explain.
func TestEveryCauseHasAdvice(t *testing.T) {
	for _, c := range causesOf {
		causes := wordsIn(t, c.least, c.pattern, c.files...)
		for _, cause := range causes {
			if _, ok := advice.For(c.module, 0, cause); !ok && !slices.Contains(noCauses, cause) {
				t.Errorf("'%s' of %s has no row in internal/advice", cause, c.module)
			}
		}
	}
}

// noCauses are what the patterns find that refuses nobody: two successes, and a verdict
// that there is not.
var noCauses = []string{"accepted", "admitted", "unknown"}

// wordsIn returns what a pattern finds in files, tests left out.
func wordsIn(t *testing.T, least int, pattern string, globs ...string) (words []string) {
	t.Helper()
	for _, glob := range globs {
		files, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(readFile(t, file), -1) {
				words = append(words, match[1])
			}
		}
	}
	if len(words) < least {
		t.Fatalf("%s: %d words like %s, want at least %d; this test cannot read them", strings.Join(globs, ", "), len(words), pattern, least)
	}
	return words
}
