package password

import (
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func list(t *testing.T, text string) *List {
	t.Helper()
	l, err := ParseList(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestListIsReadInAnyOrderCaseAndLineEnd(t *testing.T) {
	l := list(t, "zebra\r\n\nAardvark\n#hash\nzebra\nJu\u0308rgen\n two words")
	for _, word := range []string{"zebra", "ZEBRA", "aardvark", "#hash", "JÜRGEN", " two words"} {
		if !l.Contains(word) {
			t.Errorf("'%s' is not in it", word)
		}
	}
	for _, word := range []string{"", "zebr", "zebras", "two words", "hash"} {
		if l.Contains(word) {
			t.Errorf("'%s' is in it", word)
		}
	}
	if len(l.words) != 5 {
		t.Errorf("%d words, want each once: 5", len(l.words))
	}
}

func TestListsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"an empty one":           {"", "there is none in it"},
		"one of empty lines":     {"\n\r\n\n", "there is none in it"},
		"a line that is Latin-1": {"good\nj\xfcrgen\n", "line 2 is not UTF-8"},
		"a line of 1025 bytes":   {"good\n\n" + strings.Repeat("x", 1025), "line 3 has more than 1024 bytes"},
		"more than 16 MiB":       {strings.Repeat(strings.Repeat("x", 1023)+"\n", 16*1024) + "x", "more than 16 MiB"},
		"too many lines":         {strings.Repeat("x\n", maxListWords+1), "more than 2000000 passwords"},
	} {
		if _, err := ParseList(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want '%s'", name, err, c.want)
		}
	}
	broken := errors.New("disk gone")
	if _, err := ParseList(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a broken reader: %v", err)
	}
}

func TestEmbeddedListIsAsItsREADMESays(t *testing.T) {
	packed, err := gzip.NewReader(strings.NewReader(string(embeddedText)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(packed)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	l, err := embeddedList()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 17950 || !slices.Equal(lines, l.words) {
		t.Errorf("%d lines, %d words; want 17950 sorted lines, each once", len(lines), len(l.words))
	}
	for _, line := range lines {
		if utf8.RuneCountInString(line) < 8 || fold(line) != line {
			t.Errorf("'%s' is too short or not lower case", line)
		}
	}
	if len(embeddedText) > 100_000 {
		t.Errorf("%d bytes; it should take at most 100000 in the repository", len(embeddedText))
	}
}

func FuzzParseList(f *testing.F) {
	f.Add("zebra\r\nAardvark\n\n", 1)
	f.Add("j\xfcrgen", 0)
	f.Add("\u0130\ufdfa\n", 0)
	f.Fuzz(func(t *testing.T, text string, at int) {
		l, err := ParseList(strings.NewReader(text))
		if err != nil {
			return
		}
		lines := strings.Split(text, "\n")
		word := strings.TrimSuffix(lines[max(0, at)%len(lines)], "\r")
		if word != "" && !l.Contains(word) {
			t.Errorf("%q is not in the list made of %q", word, text)
		}
		if l.Contains("") {
			t.Errorf("the list made of %q has the empty password", text)
		}
	})
}

func BenchmarkEmbeddedList(b *testing.B) {
	b.Run("unpack", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			packed, err := gzip.NewReader(strings.NewReader(string(embeddedText)))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := ParseList(packed); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("contains", func(b *testing.B) {
		l, err := embeddedList()
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			l.Contains("correct horse battery staple")
		}
	})
}
