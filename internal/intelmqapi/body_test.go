package intelmqapi

import (
	"strings"
	"testing"
)

func TestBodiesToSave(t *testing.T) {
	for _, c := range []struct{ contentType, body, want string }{
		{"application/json", `{"a":{}}`, `{"a":{}}`},
		{"application/json; charset=utf-8", `{}`, `{}`},
		{"application/merge-patch+json", "{}", "{}"},
		{"", `{"a":1}`, `{"a":1}`},
		{"", " \n{ \"a\":\t1}\r\n", "{ \"a\":\t1}"},
		{"application/json", "\xef\xbb\xbf{}", "{}"},
	} {
		got, invalid := ReadObject(c.contentType, []byte(c.body))
		if invalid != nil || string(got) != c.want {
			t.Errorf("'%s' as '%s': got '%s', %v", c.body, c.contentType, got, invalid)
		}
	}
}

func TestBodiesThatAreNotSaved(t *testing.T) {
	const (
		notDict = `{"detail":[{"loc":["body"],"msg":"value is not a valid dict","type":"type_error.dict"}]}`
		none    = `{"detail":[{"loc":["body"],"msg":"field required","type":"value_error.missing"}]}`
	)
	for _, c := range []struct{ contentType, body, want string }{
		{"application/json", `[]`, notDict},
		{"application/json", `[["a",1]]`, notDict},
		{"application/json", `"x"`, notDict},
		{"application/json", `1`, notDict},
		{"application/json", ` null `, none},
		{"application/json", ``, none},
		{"text/plain", ``, none},
		{"text/plain", `{}`, notDict},
		{"text/json", `{}`, notDict},
		{"application/x-www-form-urlencoded", `{}`, notDict},
		{"application/jsonx", `{}`, notDict},
		{";", `{}`, notDict},
		{"application/json", "{\"a\":\"\xff\"}", `{"detail":[{"loc":["body"],"msg":"the body is not UTF-8","type":"value_error"}]}`},
		{"", "{\n\"ü\":,}", `{"detail":[{"loc":["body",6],"msg":"Expecting value: line 2 column 5 (char 6)","type":"value_error.jsondecode","ctx":{"msg":"Expecting value","doc":"{\n\"ü\":,}","pos":6,"lineno":2,"colno":5}}]}`},
		{"application/json", " ", `{"detail":[{"loc":["body",1],"msg":"Expecting value: line 1 column 2 (char 1)","type":"value_error.jsondecode","ctx":{"msg":"Expecting value","doc":" ","pos":1,"lineno":1,"colno":2}}]}`},
	} {
		_, invalid := ReadObject(c.contentType, []byte(c.body))
		if invalid == nil {
			t.Errorf("'%s' as '%s' is taken", c.body, c.contentType)
		} else if got := string(marshal(invalid)); got != c.want {
			t.Errorf("'%s' as '%s':\n got %s\nwant %s", c.body, c.contentType, got, c.want)
		}
	}
}

func TestALongBrokenBodyIsNotSentBackWhole(t *testing.T) {
	_, invalid := ReadObject("", []byte("["+strings.Repeat("ü", 1<<20)))
	if p, ok := invalid.Details[0].Context.(place); !ok || len(p.Doc) > maxEcho || !strings.HasSuffix(p.Doc, "ü") {
		t.Errorf("%d bytes are sent back", len(marshal(invalid)))
	}
}
