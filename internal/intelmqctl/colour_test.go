package intelmqctl

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestAMessageHasNoTerminalColours(t *testing.T) {
	for _, c := range []struct{ name, output, want string }{
		{"colours of intelmqctl", "\x1b[31mBot is still running.\x1b[0m\n", "Bot is still running.\n"},
		{"several parameters", "\x1b[1;31;40mred\x1b[m", "red"},
		{"a private sequence", "a\x1b[?25lb", "ab"},
		{"a sequence as one character", "a\u009b31mb", "ab"},
		{"a title, ended by the bell", "\x1b]0;title\x07text", "text"},
		{"a link, ended by ST", "\x1b]8;;https://example.org\x1b\\text\x1b]8;;\x1b\\", "text"},
		{"a title as one character", "\u009dtitle\u009ctext", "text"},
		{"a device control string", "\x1bPq#0\x1b\\text", "text"},
		{"a title that never ends hides one line only", "\x1b]0;title\nPermission denied", "\nPermission denied"},
		{"a sequence that ends with the text", "text\x1b[31", "text"},
		{"a lone escape at the end", "text\x1b", "text"},
		{"another character set", "\x1b(Btext", "text"},
		{"a reset", "\x1bctext", "text"},
		{"a reverse line feed", "\x1bMtext", "text"},
		{"a sequence that is cut by a letter of another script", "\x1b[31ätext", "ätext"},
		{"newlines and tabs stay", "a\n\tb\r\nc\n", "a\n\tb\nc\n"},
		{"other control characters go", "a\x00b\x08c\x7fd\u0085e", "abcde"},
		{"text of all scripts stays", "grüß ☃ 漢字", "grüß ☃ 漢字"},
		{"what is not UTF-8 is replaced", "a\xff\xfeb\xc3", "a\uFFFDb\uFFFD"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Plain([]byte(c.output)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzPlain(f *testing.F) {
	for _, output := range []string{"\x1b[31mred\x1b[0m", "\x1b]0;t\x07", "\x1bP\x1b\\", "\u009b1m", "\xff\x1b", "\x1b\x1b[", "a\r\nb"} {
		f.Add([]byte(output))
	}
	f.Fuzz(func(t *testing.T, output []byte) {
		text := Plain(output)
		if !utf8.ValidString(text) {
			t.Errorf("%q is not UTF-8", text)
		}
		for _, r := range text {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				t.Errorf("%q has a control character", text)
			}
		}
		if got, want := strings.Count(text, "\n"), strings.Count(string(output), "\n"); got != want {
			t.Errorf("%d newlines of %d are left", got, want)
		}
		if again := Plain([]byte(text)); again != text {
			t.Errorf("cleaned again it is %q", again)
		}
	})
}
