package password

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestCleanTakesAnyTextOf1To1024Bytes(t *testing.T) {
	for name, c := range map[string]struct{ presented, want string }{
		"one byte":                     {"x", "x"},
		"1024 bytes":                   {strings.Repeat("x", 1024), strings.Repeat("x", 1024)},
		"blanks at both ends":          {"  two words ", "  two words "},
		"a NUL in it":                  {"a\x00b", "a\x00b"},
		"an umlaut typed as two":       {"Ju\u0308rgen", "J\u00fcrgen"},
		"one that NFC makes longer":    {strings.Repeat("\u0958", 341), strings.Repeat("\u0915\u093c", 341)},
		"what only NFKC would replace": {"ﬃ", "ﬃ"},
	} {
		if got, err := Clean(c.presented); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestCleanRefusesAndNeverRepeatsThePassword(t *testing.T) {
	for name, presented := range map[string]string{
		"nothing":                    "",
		"1026 bytes":                 strings.Repeat("sesame", 171),
		"1025 bytes that NFC shrink": strings.Repeat("e\u0301", 341) + "es",
		"bytes that are no UTF-8":    "sesame\xff",
		"half a character":           "sesame\xc3",
	} {
		got, err := Clean(presented)
		if !errors.Is(err, ErrForm) || got != "" {
			t.Errorf("%s: %q, %v; want ErrForm", name, got, err)
			continue
		}
		if strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "\u0301") {
			t.Errorf("%s: the error repeats it: %v", name, err)
		}
	}
}

func FuzzCleanAndCheck(f *testing.F) {
	f.Add("correct horse battery", "alice")
	f.Add("alicealicealice", "Alice")
	f.Add("Ju\u0308rgen Ju\u0308rgen", "j\u00fcrgen")
	f.Add("qwerty123456", "")
	f.Add("\ufdfa\u0345\xff", "\u0130")
	f.Fuzz(func(t *testing.T, presented, username string) {
		clean, err := Clean(presented)
		if err != nil {
			return
		}
		if !norm.NFC.IsNormalString(clean) || clean == "" || !utf8.ValidString(clean) {
			t.Errorf("%q comes out as %q", presented, clean)
		}
		policy := Policy{MinLength: 8}
		first := policy.Check(clean, username)
		if first == nil && (fold(clean) == fold(username) || utf8.RuneCountInString(clean) < 8) {
			t.Errorf("%q is allowed for %q", clean, username)
		}
		if errors.As(first, new(*PolicyError)) == (first == nil) {
			t.Errorf("%q: %v is not about the password", clean, first)
		}
	})
}

func TestFoldMakesOneOfTheSameLetters(t *testing.T) {
	for _, same := range [][]string{
		{"alice", "ALICE", "Alice", "ａｌｉｃｅ"},
		{"jürgen", "JÜRGEN", "Ju\u0308rgen"},
		{"strasse", "STRASSE", "straße"},
		{"kelvin", "\u212aelvin"},
	} {
		for _, text := range same {
			if fold(text) != same[0] {
				t.Errorf("'%s' folds to '%s', want '%s'", text, fold(text), same[0])
			}
		}
	}
}
