package identity

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

func TestFoldMakesOneOfTheSameName(t *testing.T) {
	for _, same := range [][]string{
		{"alice", "ALICE", "Alice"},
		{"jürgen", "JÜRGEN", "Ju\u0308rgen"},
		{"strasse", "STRASSE", "straße"},
		{"σ", "Σ", "ς"},
		{"a", "Ａ", "ａ"},
	} {
		for _, name := range same {
			if Fold(name) != Fold(same[0]) {
				t.Errorf("'%s' and '%s' are two", same[0], name)
			}
			if Fold(Fold(name)) != Fold(name) {
				t.Errorf("folding '%s' twice gives another name", name)
			}
		}
	}
}

func TestPrintableKeepsTerminalsSafe(t *testing.T) {
	if got := printable("a\x1b[31m\n\xff" + strings.Repeat("x", 200)); strings.ContainsAny(got, "\x1b\n\xff") || len(got) > 90 {
		t.Errorf("%q", got)
	}
}

func FuzzCleanPathsStayWhereTheyAre(f *testing.F) {
	for _, p := range []string{"/", "/a/b", "/a/../b", "//a", "/a/.", "/a/", `/a\b`, ""} {
		f.Add("/reports/*", p)
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if checkSubject(pattern) != nil || !covers([]string{pattern}, path) {
			return
		}
		beginning := strings.TrimSuffix(pattern, "*")
		if !strings.HasPrefix(path, beginning) {
			t.Errorf("%q covers %q", pattern, path)
		}
		if strings.Contains(path, "/../") || strings.HasSuffix(path, "/..") || strings.Contains(path, "//") || strings.ContainsAny(path, "\\\x00") {
			t.Errorf("%q is taken for a clean path", path)
		}
	})
}

// TestFoldingALetterTwiceIsFoldingItOnce goes through all letters: two users whose
// names differ in case only must not be.
func TestFoldingALetterTwiceIsFoldingItOnce(t *testing.T) {
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if !unicode.IsLetter(r) {
			continue
		}
		letter := string(r)
		folded := Fold(letter)
		if again := Fold(folded); again != folded {
			t.Errorf("%U becomes '%s' and then '%s'", r, folded, again)
		}
		if checkUsername(letter) != nil {
			continue
		}
		for _, other := range []string{string(unicode.ToUpper(r)), string(unicode.ToLower(r))} {
			if strings.EqualFold(letter, other) && checkUsername(other) == nil && Fold(other) != folded {
				t.Errorf("%U and '%s' are two names", r, other)
			}
		}
	}
}

func FuzzUsernames(f *testing.F) {
	for _, name := range []string{"alice", "Ａ", "a:b", "ﬃ", "İ", "ꮃ"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if checkUsername(name) != nil {
			return
		}
		if Fold(Fold(name)) != Fold(name) {
			t.Errorf("folding %q is not stable", name)
		}
		if strings.ContainsAny(name+Fold(name), ":/, \r\n\x00") {
			t.Errorf("%q is taken for a name", name)
		}
	})
}
