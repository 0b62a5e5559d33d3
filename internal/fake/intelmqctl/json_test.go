package intelmqctl

import (
	"encoding/json"
	"testing"
)

func TestPythonJSON(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, `null`},
		{true, `true`},
		{-7, `-7`},
		{json.Number("1.0"), `1.0`},
		{"a\"b\\c\n\r\t\b\f/<&>", `"a\"b\\c\n\r\t\b\f/<&>"`},
		{"ü € \u2028 \x7f \x00", `"\u00fc \u20ac \u2028 \u007f \u0000"`},
		{"😀", `"\ud83d\ude00"`},
		{[]any{}, `[]`},
		{object{}, `{}`},
		{[]any{"a", []any{1}}, "[\n    \"a\",\n    [\n        1\n    ]\n]"},
		{object{{"b", 1}, {"a", object{}}}, "{\n    \"b\": 1,\n    \"a\": {}\n}"},
		{map[string]any{"b": 1, "a": nil}, "{\n    \"a\": null,\n    \"b\": 1\n}"},
	} {
		if got := pythonJSON(c.value); got != c.want {
			t.Errorf("%v: %s, want %s", c.value, got, c.want)
		}
	}
}
