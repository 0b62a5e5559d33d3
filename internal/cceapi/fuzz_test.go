package cceapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/cscp"
)

// FuzzParse: whatever comes, the outcome is a request whose commands cced can be
// told, or a refusal that can be answered.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/document/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, `{"cmd"`) {
				f.Add([]byte(strings.TrimSpace(line)))
			}
		}
	}
	f.Add([]byte(`{"cmd":"SET","oid":1e2,"args":{"a":[1.5e-3,true,null,"&%"],"a":-0},"data":[ ]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := Parse(body)
		if err != nil {
			var a *Answer
			if refused, ok := errors.AsType[*Refused](err); ok {
				a = refused.Answer()
			} else if bad, ok := errors.AsType[*BadRequest](err); ok {
				a = bad.Answer()
			} else {
				t.Fatalf("another error: %v", err)
			}
			if !json.Valid(a.Body) || a.HTTPStatus < 400 {
				t.Errorf("%d %s", a.HTTPStatus, a.Body)
			}
			return
		}
		if commands[req.Word] == nil {
			t.Errorf("the word '%s' is none", req.Word)
		}
		for _, c := range said(req) {
			line, err := cscp.Append(nil, c)
			if err != nil {
				t.Errorf("it cannot be said: %v", err)
			}
			if bytes.IndexByte(line, '\n') != len(line)-1 || bytes.IndexByte(line, 0) >= 0 {
				t.Errorf("not one line: %q", line)
			}
		}
	})
}

// said are the commands that a request leads to.
func said(req *Request) (list []cscp.Command) {
	switch req.Action {
	case Plain, Auth, AuthKey:
		list = append(list, req.Command)
	case GetAll:
		for _, oid := range req.OIDs {
			list = append(list, cscp.Get{OID: oid})
		}
		if len(req.OIDs) == 0 {
			list = append(list, req.Search)
		}
	case FindX, GetObject:
		list = append(list, req.Search, cscp.Get{OID: 1, Namespace: req.Namespace})
	default:
	}
	return append(list, cscp.Auth{User: req.User, Password: req.Password})
}

// encodeJSON is what encoding/json writes for a value.
func encodeJSON(t *testing.T, value any) string {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// FuzzValuesAreWrittenAsByEncodingJSON: from the quotes of a reply to JSON, in
// each way that quotes can be written.
func FuzzValuesAreWrittenAsByEncodingJSON(f *testing.F) {
	f.Add("plain")
	f.Add("caf\u00e9 \"b\" \\ \n\r\t\b\f\a\v\x1b\x7f <>& \u2028\u2029 \U0001f600")
	f.Add("\xff\xfe\xe2\x80 \xc3(\xf0\x9f\x98")
	f.Add("&a&b%26&c+d&")
	f.Fuzz(func(t *testing.T, value string) {
		want := encodeJSON(t, value)
		if got := string(appendString(nil, value)); got != want {
			t.Errorf("as a string %s, want %s", got, want)
		}
		if got := string(appendString(nil, []byte(value))); got != want {
			t.Errorf("as bytes %s, want %s", got, want)
		}
		quoted := cscp.AppendQuoted(nil, value)
		raw := []byte(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`)
		for _, q := range [][]byte{quoted, raw} {
			got, _, err := appendQuoted(nil, nil, q, false)
			if err != nil || string(got) != want {
				t.Errorf("%s became %s, want %s: %v", q, got, want, err)
			}
			if got, _, err = appendQuoted(nil, nil, q, true); err != nil || !json.Valid(got) {
				t.Errorf("%s became %s: %v", q, got, err)
			}
		}
	})
}

// FuzzListsComeBack: elements that are joined to a value come back from it.
func FuzzListsComeBack(f *testing.F) {
	f.Add("a", "x&y")
	f.Add("50%", "one+two %26 ")
	f.Add("", "caf\u00e9")
	f.Fuzz(func(t *testing.T, first, second string) {
		if !utf8.ValidString(first + "|" + second) {
			t.Skip("JSON cannot hold it")
		}
		list := []string{first, second}
		if got, want := string(appendArray(nil, []byte(joinArray(list)))), encodeJSON(t, list); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// FuzzNumbersKeepTheirValue: writing a number out changes nothing of it.
func FuzzNumbersKeepTheirValue(f *testing.F) {
	for _, number := range []string{"0", "-0", "1e6", "1.50", "-25e-1", "12345678901234567890", "0.000e-5", "9.99E+10", "0e400", "1e-400"} {
		f.Add(number)
	}
	f.Fuzz(func(t *testing.T, number string) {
		if c := number + "x"; !json.Valid([]byte(number)) || c[0] != '-' && (c[0] < '0' || c[0] > '9') || strings.TrimSpace(number) != number {
			t.Skip("no number")
		}
		plain, err := plainNumber(number)
		if err != nil {
			return
		}
		if strings.ContainsAny(plain, "eE") || !json.Valid([]byte(plain)) {
			t.Fatalf("%s became '%s'", number, plain)
		}
		before, ok := new(big.Rat).SetString(number)
		after, ok2 := new(big.Rat).SetString(plain)
		if !ok || !ok2 || before.Cmp(after) != 0 {
			t.Errorf("%s became %s", number, plain)
		}
	})
}

// FuzzMembersAreThoseOfEncodingJSON: an object, and the arrays in it, are taken
// apart as encoding/json does.
func FuzzMembersAreThoseOfEncodingJSON(f *testing.F) {
	f.Add([]byte(` { "a" : [ 1 , "]" , {"b":[]} ,null] , "c\\\"}" : "\\u00e9" , "a":-1.5e+3 } `))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var want map[string]json.RawMessage
		if !utf8.Valid(text) || json.Unmarshal(text, &want) != nil || want == nil {
			t.Skip("no object")
		}
		got := maps.Collect(members(trimBlanks(text)))
		if diff := cmp.Diff(want, got, cmp.Comparer(bytes.Equal)); diff != "" {
			t.Error(diff)
		}
		for _, value := range want {
			var list, ours []json.RawMessage
			if value[0] != '[' || json.Unmarshal(value, &list) != nil {
				continue
			}
			for one := range elements(value) {
				ours = append(ours, one)
			}
			if len(list) != len(ours) {
				t.Fatalf("%s has %d elements, not %d", value, len(list), len(ours))
			}
			for i := range list {
				if !bytes.Equal(list[i], ours[i]) {
					t.Errorf("%s is %s", list[i], ours[i])
				}
			}
		}
	})
}

// FuzzReplied: whatever cced replies, the answer is one line of JSON with a status that
// goes with it, the properties are those of the reply, and what is hidden is not in it.
func FuzzReplied(f *testing.F) {
	for _, text := range []string{
		"102 DATA name = \"site1\"\n103 DATA name = \"caf\\303\\251\"\n102 DATA list = \"&a&b%26&\"\n201 OK\n",
		"104 OBJECT 7\n104 OBJECT -1\n106 INFO \"a\"\n201 OK\n",
		"110 CLASS Vsite\n105 NAMESPACE Disk\n305 WARN \"x\"\n201 OK\n",
		"300 UNKNOWN OBJECT 7\n401 FAIL\n", "309 SUSPENDED \"r\"\n401 FAIL\n", "306 ERROR \"\xff\"\n499 NEW\n",
		"102 DATA a = unquoted\n201 OK\n", "102 DATA  = \"\"\n299 MORE\n", "202 GOODBYE\n",
	} {
		for word := range len(repliedTo) {
			f.Add(text, word, word%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, text string, word int, scalarArrays bool) {
		reply, err := readReply(t, text)
		if err != nil {
			return
		}
		req, err := Parse([]byte(repliedTo[uint(word)%uint(len(repliedTo))]))
		if err != nil {
			t.Fatal(err)
		}
		hide := func(name []byte) bool { return bytes.Contains(name, []byte("pass")) }
		o := Options{ScalarArrays: scalarArrays, Hide: hide, Shows: func(class string) bool { return class != "Secret" }}
		a, err := Replied(req, reply, o)
		checkReplied(t, reply, a, err)
		a, err = Object(reply, o)
		checkReplied(t, reply, a, err)
		all := NewObjects(o)
		all.Start(7)
		if err := errors.Join(all.Add("", reply), all.Add("Disk", reply)); err == nil {
			checkReplied(t, reply, all.Answer(), nil)
		}
	})
}

// repliedTo are commands that differ in what is read of a reply.
var repliedTo = []string{
	`{"cmd":"GET","oid":7}`, `{"cmd":"FIND","class":"User"}`, `{"cmd":"FINDX","class":"User"}`, `{"cmd":"CLASSES"}`, `{"cmd":"NAMES","class":"User"}`,
	`{"cmd":"CREATE","class":"User","args":{"name":"a"}}`, `{"cmd":"WHOAMI"}`, `{"cmd":"BYE"}`,
}

func checkReplied(t *testing.T, reply *cscp.Reply, a *Answer, err error) {
	t.Helper()
	if err != nil {
		if _, unread := reply.Values(); unread == nil {
			t.Fatalf("the reply can be read, and yet: %v", err)
		}
		return
	}
	var answer struct {
		Status int
		Data   struct {
			Data map[string]any `json:"DATA"`
		}
	}
	if err := json.Unmarshal(a.Body, &answer); err != nil || answer.Status != a.Status || bytes.IndexByte(a.Body, '\n') != len(a.Body)-1 {
		t.Fatalf("%d %q: %v", a.Status, a.Body, err)
	}
	if a.HTTPStatus < 200 || a.HTTPStatus > 599 || a.Status/100 == 2 && a.HTTPStatus/100 != 2 {
		t.Fatalf("HTTP status %d for %s", a.HTTPStatus, a.Body)
	}
	values, err := reply.Values()
	if err != nil {
		return // a broken value may be one that is replaced or hidden
	}
	for name, got := range answer.Data.Data {
		want, there := values[name]
		switch _, isText := got.(string); {
		case strings.Contains(name, "pass"):
			if got != masked {
				t.Fatalf("'%s' is shown in %s", name, a.Body)
			}
		case utf8.ValidString(name) && !strings.ContainsRune(name, utf8.RuneError) && (!there || isText && utf8.ValidString(want) && got != want):
			t.Fatalf("%q is %q, want %q", name, got, want)
		}
	}
}
