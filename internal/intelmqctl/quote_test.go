package intelmqctl

import (
	"os/exec"
	"strings"
	"testing"
)

func TestWordsAreQuotedAsShlexDoes(t *testing.T) {
	for text, want := range map[string]string{
		"status":             "status",
		"":                   "''",
		"-":                  "-",
		"/usr/bin/x@%+=:,.-": "/usr/bin/x@%+=:,.-",
		"a b":                "'a b'",
		"it's":               `'it'"'"'s'`,
		"'":                  `''"'"''`,
		"$(id)":              "'$(id)'",
		"ü":                  "'ü'",
		"~":                  "'~'",
		"a\nb":               "'a\nb'",
		`{"a":"b"}`:          `'{"a":"b"}'`,
	} {
		if got := quote(text); got != want {
			t.Errorf("%s: quoted as %s, want %s", text, got, want)
		}
	}
}

func TestAShellReadsTheQuotedWordsBack(t *testing.T) {
	words := []string{"", " ", "'", "''", `"`, `\`, "$HOME", "`id`", "a;b&c|d>e<f", "!!", "*?[a]", "#x", "~root", "\t\n", "ü☃", "\xff\xfe", "-n", "%s"}
	for c := byte(1); c < 128; c++ {
		words = append(words, string(c), "a"+string(c))
	}
	line := "printf '%s\\000' " + quoteAll(words)
	read, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", line).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(words, "\x00") + "\x00"; string(read) != want {
		t.Errorf("the shell has read\n%q\nwant\n%q", read, want)
	}
}

// FuzzQuote shows that no text gets out of its quotes.
func FuzzQuote(f *testing.F) {
	for _, text := range []string{"", "a", "it's", "'''", "a'\"'\"'b", "\\'"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted := quote(text)
		if got := unquote(t, quoted); got != text {
			t.Errorf("%q is quoted as %q, which is %q", text, quoted, got)
		}
	})
}

// unquote reads one word as a shell does, of what quote may write.
func unquote(t *testing.T, quoted string) string {
	t.Helper()
	var word strings.Builder
	for quoted != "" {
		first := quoted[0]
		if first != '\'' && first != '"' {
			if needsQuotes(rune(first)) {
				t.Fatalf("%q is outside of quotes", first)
			}
			word.WriteByte(first)
			quoted = quoted[1:]
			continue
		}
		inside, rest, closed := strings.Cut(quoted[1:], string(first))
		if !closed || first == '"' && strings.ContainsAny(inside, "$`\\!") {
			t.Fatalf("'%s' does not end, or means something", quoted)
		}
		word.WriteString(inside)
		quoted = rest
	}
	return word.String()
}
