package intelmqapi

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// What Python 3.11 says of these texts.
func TestFaultsOfJSONAreToldAsPythonDoes(t *testing.T) {
	for text, want := range map[string]string{
		``:                      `Expecting value: line 1 column 1 (char 0)`,
		`  `:                    `Expecting value: line 1 column 3 (char 2)`,
		`{`:                     `Expecting property name enclosed in double quotes: line 1 column 2 (char 1)`,
		`{ `:                    `Expecting property name enclosed in double quotes: line 1 column 3 (char 2)`,
		`{"a`:                   `Unterminated string starting at: line 1 column 2 (char 1)`,
		`{bad`:                  `Expecting property name enclosed in double quotes: line 1 column 2 (char 1)`,
		`{"a"`:                  `Expecting ':' delimiter: line 1 column 5 (char 4)`,
		`{"a" 1}`:               `Expecting ':' delimiter: line 1 column 6 (char 5)`,
		`{"a":`:                 `Expecting value: line 1 column 6 (char 5)`,
		`{"a":}`:                `Expecting value: line 1 column 6 (char 5)`,
		`{"a":1`:                `Expecting ',' delimiter: line 1 column 7 (char 6)`,
		`{"a":1 "b":2}`:         `Expecting ',' delimiter: line 1 column 8 (char 7)`,
		`{"a":1,`:               `Expecting property name enclosed in double quotes: line 1 column 8 (char 7)`,
		`{"a":1,}`:              `Expecting property name enclosed in double quotes: line 1 column 8 (char 7)`,
		"{\"a\":1,\n\"b\":tru}": `Expecting value: line 2 column 5 (char 12)`,
		`[`:                     `Expecting value: line 1 column 2 (char 1)`,
		`[1`:                    `Expecting ',' delimiter: line 1 column 3 (char 2)`,
		`[1,`:                   `Expecting value: line 1 column 4 (char 3)`,
		`[1,]`:                  `Expecting value: line 1 column 4 (char 3)`,
		`[1 2]`:                 `Expecting ',' delimiter: line 1 column 4 (char 3)`,
		`[,]`:                   `Expecting value: line 1 column 2 (char 1)`,
		`"a`:                    `Unterminated string starting at: line 1 column 1 (char 0)`,
		`"a\`:                   `Unterminated string starting at: line 1 column 1 (char 0)`,
		`"a\x"`:                 `Invalid \escape: line 1 column 3 (char 2)`,
		`"a\u12`:                `Invalid \uXXXX escape: line 1 column 4 (char 3)`,
		`"a\u12g4"`:             `Invalid \uXXXX escape: line 1 column 4 (char 3)`,
		`"\u1234`:               `Invalid \uXXXX escape: line 1 column 3 (char 2)`,
		"\"a\tb\"":              `Invalid control character at: line 1 column 3 (char 2)`,
		"\"a\nb\"":              `Invalid control character at: line 1 column 3 (char 2)`,
		`nul`:                   `Expecting value: line 1 column 1 (char 0)`,
		`tRue`:                  `Expecting value: line 1 column 1 (char 0)`,
		`-`:                     `Expecting value: line 1 column 1 (char 0)`,
		`+1`:                    `Expecting value: line 1 column 1 (char 0)`,
		`.5`:                    `Expecting value: line 1 column 1 (char 0)`,
		`01`:                    `Extra data: line 1 column 2 (char 1)`,
		`1.`:                    `Extra data: line 1 column 2 (char 1)`,
		`1.e5`:                  `Extra data: line 1 column 2 (char 1)`,
		`1e`:                    `Extra data: line 1 column 2 (char 1)`,
		`1e+`:                   `Extra data: line 1 column 2 (char 1)`,
		`1 2`:                   `Extra data: line 1 column 3 (char 2)`,
		`{}x`:                   `Extra data: line 1 column 3 (char 2)`,
		`ü ü`:                   `Expecting value: line 1 column 1 (char 0)`,
		`{"ü": ☃}`:              `Expecting value: line 1 column 7 (char 6)`,
		"{\"a\":1}\n\n  ,":      `Extra data: line 3 column 3 (char 11)`,
		`{'a':1}`:               `Expecting property name enclosed in double quotes: line 1 column 2 (char 1)`,
		`[1}`:                   `Expecting ',' delimiter: line 1 column 3 (char 2)`,
		`{"a":[1,{"b":2]}`:      `Expecting ',' delimiter: line 1 column 15 (char 14)`,
		"\x00":                  `Expecting value: line 1 column 1 (char 0)`,
		"\"\x00\"":              `Invalid control character at: line 1 column 2 (char 1)`,
		`{"a":-}`:               `Expecting value: line 1 column 6 (char 5)`,
		`[1.5.5]`:               `Expecting ',' delimiter: line 1 column 5 (char 4)`,
		`[01]`:                  `Expecting ',' delimiter: line 1 column 3 (char 2)`,
		`"a"b`:                  `Extra data: line 1 column 4 (char 3)`,
	} {
		f := checkJSON([]byte(text))
		if f == nil {
			t.Errorf("'%s' is taken for JSON", text)
			continue
		}
		if d := f.detail([]byte(text), withText); d.Msg != want {
			t.Errorf("'%s': got '%s', want '%s'", text, d.Msg, want)
		}
	}
}

func TestJSONOfAllKinds(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, ` { } `, "\t[\r\n]", `null`, `true`, `false`, `""`, `0`, `-0`, `12`, `-1.5e+10`, `1E5`, `1.0`,
		`"\"\\\/\b\f\n\r\t\u00fc☃"`, `"\ud800"`, `{"a":{"b":[1,"x",null,{"c":[]}]},"a":2}`,
	} {
		if f := checkJSON([]byte(text)); f != nil {
			t.Errorf("'%s': %s at %d", text, f.message, f.at)
		}
	}
}

func TestNestingHasAnEnd(t *testing.T) {
	nested := func(depth int) []byte {
		return []byte(strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth))
	}
	if f := checkJSON(nested(maxDepth)); f != nil {
		t.Errorf("%d levels: %s", maxDepth, f.message)
	}
	if checkJSON(nested(maxDepth+1)) == nil || checkJSON(nested(1<<20)) == nil {
		t.Errorf("more than %d levels are taken", maxDepth)
	}
}

// FuzzCheckJSON holds the check against encoding/json.
func FuzzCheckJSON(f *testing.F) {
	for _, text := range []string{`{"a":[1,2.5e-3,"x\u00fc"],"b":null}`, `{"a":1,}`, `[1 2]`, `"\u12`, `-`, `01`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			return
		}
		found := checkJSON(text)
		if found != nil && found.message == "Nested too deeply" {
			return
		}
		if valid := json.Valid(text); valid != (found == nil) {
			t.Fatalf("valid is %v, fault is %v", valid, found)
		}
		if found != nil {
			marshal(found.detail(text, withText))
		}
	})
}
