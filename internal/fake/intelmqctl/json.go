package intelmqctl

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// object is a JSON object whose members have an order.
type object []member

type member struct {
	name  string
	value any
}

// pythonJSON is a value as Python's json.dumps writes it with an indent of four: all
// but ASCII is escaped. Values are object, []any, map[string]any (sorted), string, int,
// bool, json.Number and nil.
func pythonJSON(v any) string {
	var b strings.Builder
	writeJSON(&b, v, "\n")
	return b.String()
}

// writeJSON writes a value whose lines begin with what follows a newline in lead.
func writeJSON(b *strings.Builder, v any, lead string) {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int:
		b.WriteString(strconv.Itoa(v))
	case json.Number:
		b.WriteString(v.String())
	case string:
		writeString(b, v)
	case []any:
		writeList(b, "[]", len(v), lead, func(i int, lead string) { writeJSON(b, v[i], lead) })
	case map[string]any:
		var o object
		for _, name := range slices.Sorted(maps.Keys(v)) {
			o = append(o, member{name, v[name]})
		}
		writeJSON(b, o, lead)
	case object:
		writeList(b, "{}", len(v), lead, func(i int, lead string) {
			writeString(b, v[i].name)
			b.WriteString(": ")
			writeJSON(b, v[i].value, lead)
		})
	default:
		panic(fmt.Sprintf("intelmqctl: a %T is no JSON", v))
	}
}

// writeList writes n elements, each on a line of its own, between two brackets.
func writeList(b *strings.Builder, brackets string, n int, lead string, element func(i int, lead string)) {
	if n == 0 {
		b.WriteString(brackets)
		return
	}
	b.WriteByte(brackets[0])
	inner := lead + "    "
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(inner)
		element(i, inner)
	}
	b.WriteString(lead)
	b.WriteByte(brackets[1])
}

var shortEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

func writeString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		if short, is := shortEscapes[r]; is {
			b.WriteString(short)
		} else if ' ' <= r && r <= '~' {
			b.WriteRune(r)
		} else if high, low := utf16.EncodeRune(r); r > 0xFFFF {
			fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		} else {
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}

// readObject reads a JSON object, with its numbers as they are written.
func readObject(text string) (map[string]any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var o map[string]any
	err := decoder.Decode(&o)
	return o, err
}
