package cceapi

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"unicode/utf8"
)

// member is one that was cut out.
type member struct{ name, value string }

func membersOf(text []byte) (list []member) {
	for name, value := range members(text) {
		list = append(list, member{name, string(value)})
	}
	return list
}

// decoded is what encoding/json makes of the same object.
func decoded(t *testing.T, text []byte) (list []member) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		t.Fatal(err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			t.Fatal(err)
		}
		list = append(list, member{name.(string), string(value)})
	}
	return list
}

// FuzzMembers cuts objects into the parts that encoding/json finds.
func FuzzMembers(f *testing.F) {
	for _, text := range []string{
		`{}`, ` { } `, `{"a":1}`, "{\n\t\"a\" : \"b\" ,\r\n\"c\":null}", `{"a":{"b":["}","\\"",{}]},"a":[]}`,
		`{"\u0061\ud800":"\\","":-1.5e+3 }`, `{"t":true,"f":false ,"Ünï":"❤"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) || !json.Valid(text) || bytes.TrimLeft(text, " \t\r\n")[0] != '{' {
			t.Skip()
		}
		if got, want := membersOf(text), decoded(t, text); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func TestMembersEndWhereTheyAreNotWanted(t *testing.T) {
	seen := 0
	for range members(json.RawMessage(`{"a":1,"b":2}`)) {
		seen++
		break
	}
	if seen != 1 {
		t.Errorf("%d members", seen)
	}
}
