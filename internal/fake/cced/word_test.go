package cced

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       string // the words in brackets
		fault      fault
	}{
		{"blanks of all kinds", "a \t\r,b", "[a][b]", sound},
		{"kinds need no blank between them", `6.Email a="b"c="d"`, "[6][.][Email][a][=][b][c][=][d]", sound},
		{"two equals signs are a word", "a==b", "[a][==][b]", sound},
		{"escapes", `"\a\b\f\n\r\t\v\"\\"`, "[\a\b\f\n\r\t\v\"\\]", sound},
		{"octal", `"\303\251\777"`, "[\303\251\377]", sound},
		{"what is no escape", `"\u00e9\x41\12b\$"`, "[u00e9x4112b$]", sound},
		{"a NUL cuts the value", `"a\000b" c`, "[a][c]", sound},
		{"base64", "#5#aGVsbG8= #2#aGVsbG8= #9#aGVsbG8=", "[hello][he][hello]", sound},
		{"base64 of a huge length", "#4294967295#AAAA", "[]", deadly},
		{"base64 without a length", "##AAAA", "[]", broken},
		{"base64 that is none", "#1#A", "[]", broken},
		{"base64 that is not begun", "#1", "[]", broken},
		{"a broken word counts as one", "a-b", "[a][]", broken},
		{"a quote that is not closed", `a "b`, "[a][]", broken},
		{"a backslash at the end", `"b\`, "[]", broken},
		{"nothing", " , ", "", sound},
	} {
		t.Run(c.name, func(t *testing.T) {
			var l lexer
			found := l.split([]byte(c.line))
			var got strings.Builder
			for _, word := range l.words {
				fmt.Fprintf(&got, "[%s]", word)
			}
			if got.String() != c.want || found != c.fault {
				t.Errorf("%q and %v, want %q and %v", got.String(), found, c.want, c.fault)
			}
		})
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		name, pattern, value string
		want                 bool
	}{
		{"a backslash before a letter is nothing", `\d`, "d", true},
		{"so that it is no digit", `\d`, "1", false},
		{"GNU's word characters", `^\w\W$`, "_-", true},
		{"GNU's blanks", `^\s\S$`, " x", true},
		{"a backslash in brackets is itself", `^[\d]+$`, `\d`, true},
		{"a bracket that stands first does not close", `^[]a]+$`, "]a", true},
		{"nor where all others are meant", `^[^]a]+$`, "]", false},
		{"classes", `^[[:digit:]\]$`, `7`, true},
		{"the point is also a newline", `^a.b$`, "a\nb", true},
		{"the ends are those of the value", `^b`, "a\nb", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			pattern, err := compilePattern(c.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := pattern.MatchString(c.value); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	for _, bad := range []string{"(", "[", "[a", `a\`, `(a)\1`, "a{2,1}"} {
		if _, err := compilePattern(bad); err == nil {
			t.Errorf("'%s' compiles", bad)
		}
	}
}

// FuzzWords feeds lines to the lexer, and its words back to it in quotes.
func FuzzWords(f *testing.F) {
	for _, seed := range []string{`SET 3 . Email a="b\n"`, `#5#aGVsbG8=`, `"\777\`, "a-b", "==~.()/,", "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var l, again lexer
		if l.split(line) != sound {
			return
		}
		var quoted []byte
		for _, word := range l.words {
			quoted = appendQuoted(quoted, string(word))
		}
		if again.split(quoted) != sound || len(again.words) != len(l.words) {
			t.Fatalf("%q was written as %q, which is not understood", l.words, quoted)
		}
		for i, word := range l.words {
			// A NUL in a plain line never gets here: it ends what is read.
			if !bytes.Equal(word, again.words[i]) && !bytes.ContainsRune(line, 0) {
				t.Errorf("%q was written as %q", word, quoted)
			}
		}
	})
}
