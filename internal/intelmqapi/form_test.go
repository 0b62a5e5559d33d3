package intelmqapi

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// parts is a multipart body with the boundary X.
func parts(fields ...string) string {
	var body strings.Builder
	for _, f := range fields {
		body.WriteString("--X\r\nContent-Disposition: form-data; " + f + "\r\n")
	}
	return body.String() + "--X--\r\n"
}

func TestForms(t *testing.T) {
	const multipartX = "multipart/form-data; boundary=X"
	for _, c := range []struct{ what, contentType, body, want string }{
		{"urlencoded", "application/x-www-form-urlencoded", "a=1&b=x+y%26", "a=1 b=x y&"},
		{"with a character set", "application/x-www-form-urlencoded; charset=UTF-8", "a=1", "a=1"},
		{"in capitals", "Application/X-WWW-Form-Urlencoded", "a=1", "a=1"},
		{"the last one counts", "application/x-www-form-urlencoded", "a=1&a=2&a", "a="},
		{"broken escapes stand for themselves", "application/x-www-form-urlencoded", "a=%&b=%zz&c=1%2", "a=% b=%zz c=1%2"},
		{"no UTF-8", "application/x-www-form-urlencoded", "a=x%ffy", "a=x\uFFFDy"},
		{"a semicolon separates nothing", "application/x-www-form-urlencoded", "a=1;b=2", "a=1;b=2"},
		{"multipart", multipartX, parts(`name="a"`+"\r\n\r\n1", `name="b"`+"\r\n\r\nx y\r\nz"), "a=1 b=x y\r\nz"},
		{"multipart, the last one counts", multipartX, parts("name=a\r\n\r\n1", "name=a\r\n\r\n2"), "a=2"},
		{"multipart with an empty field", multipartX, parts("name=a\r\n\r\n"), "a="},
		{"quoted-printable is not decoded", multipartX, parts("name=a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41"), "a==41"},
		{"files are left out", multipartX, parts(`name="a"; filename="x"`+"\r\n\r\n1", "name=b\r\n\r\n2"), "b=2"},
		{"a part without a name is left out", multipartX, parts("x=y\r\n\r\n1"), ""},
		{"JSON is no form", "application/json", `{"a":1}`, ""},
		{"nothing is said", "", "a=1", ""},
		{"nonsense is said", ";;", "a=1", ""},
	} {
		values, invalid := ReadForm(c.contentType, []byte(c.body))
		if got := written(values); invalid != nil || got != c.want {
			t.Errorf("%s: got '%s', %v; want '%s'", c.what, got, invalid, c.want)
		}
	}
}

// written are values in the order of their names; each has one.
func written(values url.Values) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all = append(all, name+"="+strings.Join(values[name], "|"))
	}
	return strings.Join(all, " ")
}

func TestBrokenFormsAreRefusedWithoutAWordOfThem(t *testing.T) {
	for what, body := range map[string]string{
		"it ends within a part":  "--X\r\nContent-Disposition: form-data; name=a\r\n\r\nsecret",
		"it ends within headers": "--X\r\nContent-Disposition: form-data; name=a",
		"headers are broken":     "--X\r\nsecret\r\n\r\n--X--\r\n",
		"there is no boundary":   "secret",
		"its end is in a part":   "--X\r\nContent-Disposition: form-data; name=a\r\n\r\nsecret --X--",
		"its end is in nothing":  "secret --X--",
		"it has too many fields": parts(slices.Repeat([]string{"name=a\r\n\r\nsecret"}, maxFields+1)...),
	} {
		values, invalid := ReadForm("multipart/form-data; boundary=X", []byte(body))
		if invalid == nil {
			t.Errorf("%s: taken as '%s'", what, written(values))
		} else if text := string(marshal(invalid)); strings.Contains(text, "secret") || !strings.HasPrefix(text, `{"detail":[{"loc":["body"],"msg":"the form cannot be read: `) {
			t.Errorf("%s: %s", what, text)
		}
	}
	if _, invalid := ReadForm(formURLEncoded, []byte(strings.Repeat("a=1&", maxFields))); invalid == nil {
		t.Error("an urlencoded form has no end")
	}
	if _, invalid := ReadForm("multipart/form-data", []byte("x")); invalid == nil {
		t.Error("a boundary is not wanted")
	}
}

func TestLoginTakesJSON(t *testing.T) {
	for _, c := range []struct{ what, contentType, body, want string }{
		{"an object", "application/json", `{"username":"admin","password":"secret pass","x":1}`, "password=secret pass username=admin"},
		{"with a character set", "application/json; charset=utf-8", `{"username":"übung"}`, "username=übung"},
		{"of a name that is there twice the last one counts", "application/json", `{"username":"a","username":"b"}`, "username=b"},
		{"other members are not looked at", "application/json", `{"username":"a","x":1e999}`, "username=a"},
		{"names are case-sensitive", "application/json", `{"Username":"a"}`, ""},
		{"null is missing", "application/json", `{"username":null,"password":"x"}`, "password=x"},
		{"nothing at all", "application/json", ``, ""},
		{"a form", "application/x-www-form-urlencoded", "username=a", "username=a"},
		{"without a content type it is neither", "", `{"username":"a"}`, ""},
	} {
		values, invalid := Fields(c.contentType, []byte(c.body))
		if got := written(values); invalid != nil || got != c.want {
			t.Errorf("%s: got '%s', %v; want '%s'", c.what, got, invalid, c.want)
		}
	}
}

func TestBadJSONOfALoginIsRefusedWithoutAWordOfIt(t *testing.T) {
	for body, want := range map[string]string{
		`{"password":"secret"`:    `{"detail":[{"loc":["body",20],"msg":"Expecting ',' delimiter: line 1 column 21 (char 20)","type":"value_error.jsondecode"}]}`,
		`["secret"]`:              `{"detail":[{"loc":["body"],"msg":"value is not a valid dict","type":"type_error.dict"}]}`,
		`{"password":["secret"]}`: `{"detail":[{"loc":["body","password"],"msg":"str type expected","type":"type_error.str"}]}`,
		`{"username":12}`:         `{"detail":[{"loc":["body","username"],"msg":"str type expected","type":"type_error.str"}]}`,
		"\xff":                    `{"detail":[{"loc":["body"],"msg":"the body is not UTF-8","type":"value_error"}]}`,
	} {
		_, invalid := Fields("application/json", []byte(body))
		if invalid == nil {
			t.Errorf("'%s' is taken", body)
		} else if got := string(marshal(invalid)); got != want {
			t.Errorf("'%s':\n got %s\nwant %s", body, got, want)
		}
	}
}

func FuzzReadForm(f *testing.F) {
	f.Add("multipart/form-data; boundary=X", parts("name=a\r\n\r\n1"))
	f.Add("multipart/form-data; boundary=X", "--X\r\n\r\n--X")
	f.Add("application/x-www-form-urlencoded", "a=%ff&&b;c=%")
	f.Add("application/json", `{"username":"a","password":"\ud800"}`)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		for _, read := range []func(string, []byte) (url.Values, *Invalid){ReadForm, Fields} {
			values, invalid := read(contentType, []byte(body))
			if (values == nil) == (invalid == nil) {
				t.Fatalf("%v and %v", values, invalid)
			}
			for name, all := range values {
				if len(all) != 1 || !utf8.ValidString(all[0]) {
					t.Fatalf("'%s' is %q", name, all)
				}
			}
		}
	})
}
