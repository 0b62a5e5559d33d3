package intelmqapi

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzReadObject: an object is what encoding/json takes for one, untouched; whatever
// else comes has an answer that is JSON.
func FuzzReadObject(f *testing.F) {
	for _, body := range []string{`{"a":{}}`, " \n{}\r\n", "\xef\xbb\xbf{}", "", "null", "[]", `{"a":1}{}`, "{\"\xff\":1}", `{"a":tru`, "\ufeff\ufeff{}"} {
		f.Add("application/json", []byte(body))
		f.Add("", []byte(body))
	}
	f.Add("text/plain", []byte("{}"))
	f.Add("application/x+json; a=\"", []byte("{}"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		text, invalid := ReadObject(contentType, body)
		if (text == nil) == (invalid == nil) {
			t.Fatalf("%q and %v", text, invalid)
		}
		if invalid != nil {
			if a := Unprocessable(invalid); len(invalid.Details) == 0 || !json.Valid(a.Body) || len(a.Body) > 7*maxEcho+1024 {
				t.Fatalf("%d bytes: '%s'", len(a.Body), a.Body)
			}
			return
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(text, &object); err != nil || object == nil {
			t.Fatalf("%q is no object: %v", text, err)
		}
		if !bytes.Contains(body, text) || contentType != "" && !isJSON(contentType) {
			t.Fatalf("%q of %q was taken from %q", text, contentType, body)
		}
	})
}

// FuzzParseQuery: what net/url reads without an error is read the same, but that of
// several values the last one counts; nothing is an error.
func FuzzParseQuery(f *testing.F) {
	for _, text := range []string{"a=1&b=x+y%26", "a=1&a=2&a", "a=%&b=%zz&c=1%2", "a=x%ffy", "a=1;b=2", "&&=&=x", "%61=1&a=2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values := parseQuery(text)
		for name, all := range values {
			if len(all) != 1 || !utf8.ValidString(name+all[0]) {
				t.Fatalf("%q is %q", name, all)
			}
		}
		want, err := url.ParseQuery(text)
		if err != nil || strings.Contains(text, ";") {
			return
		}
		for name, all := range want {
			if !utf8.ValidString(name) || !utf8.ValidString(all[len(all)-1]) {
				return
			}
			if got := values[name]; len(got) != 1 || got[0] != all[len(all)-1] {
				t.Fatalf("%q is %q, and by net/url %q", name, got, all)
			}
		}
		if len(values) != len(want) {
			t.Fatalf("%q is %v, and by net/url %v", text, values, want)
		}
	})
}

// FuzzParseInteger: without its underscores a number is one for strconv as well, and
// what strconv reads is a number.
func FuzzParseInteger(f *testing.F) {
	for _, text := range []string{"1", " -007\n", "+1_000", "1__0", "_1", "1_", "", "+", "99999999999999999999", "-99999999999999999999", "0x1", "١"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseInteger(text)
		want, err := strconv.Atoi(text)
		if err == nil && (!ok || got != want) {
			t.Fatalf("%q is %d, %t", text, got, ok)
		}
		if !ok {
			return
		}
		digits := strings.ReplaceAll(strings.TrimSpace(text), "_", "")
		if want, err = strconv.Atoi(digits); want != got {
			t.Fatalf("%q is %d, and by strconv %d, %v", text, got, want, err)
		}
		if again, ok := parseInteger(strconv.Itoa(got)); !ok || again != got {
			t.Fatalf("%d is read as %d, %t", got, again, ok)
		}
	})
}
