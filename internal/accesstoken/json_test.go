package accesstoken_test

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/accesstoken"
)

// parsePayload reads a token of which only the payload matters.
func parsePayload(payload string) (*accesstoken.Token, error) {
	return accesstoken.Parse("e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".")
}

func TestAPayloadThatEverybodyReadsTheSameIsTaken(t *testing.T) {
	for _, payload := range []string{
		`{}`, " \t\r\n{ \"a\" : [ 1 , { } , [ ] , null , true , false ] , \"b\" : \"\" } \n",
		`{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}`,
		`{"":1,"a":2,"a ":3,"ä":4,"aa":5}`,
		`{"n":[0,-0,1.5,1e5,1E+5,2e-5,-12.25e2,1e-400]}`,
		`{"t":"\"\\\/\b\f\n\r\t\u00e9\u2028\ud83d\ude00😀"}`,
		`{"s":1,"t":2,"ss":3,"ß":4}`,
		deep(16),
		`{"a":[` + strings.Repeat("{},", 20) + `[]]}`,
		members(256),
		list(998),
	} {
		if _, err := parsePayload(payload); err != nil {
			t.Errorf("%.60s: %v", payload, err)
		}
	}
}

func TestAPayloadThatCouldBeReadInTwoWaysIsRefused(t *testing.T) {
	for payload, want := range map[string]string{
		``:                         "is not a JSON object",
		`x`:                        "is not a JSON object",
		`"{}"`:                     "is not a JSON object",
		"\ufeff{}":                 "is not a JSON object",
		`{}{}`:                     "has something after",
		"{}\x00":                   "has something after",
		`{} x`:                     "has something after",
		`{"a":1,"a":1}`:            "the members 'a' and 'a'",
		`{"a":1,"A":1}`:            "the members 'a' and 'A'",
		`{"a":1,"\u0061":1}`:       "the members 'a' and 'a'",
		`{"a":1,"\u0041":1}`:       "the members 'a' and 'A'",
		`{"k":1,"\u212a":1}`:       "the members 'k' and '\u212a'",
		`{"s":1,"ſ":1}`:            "the members 's' and 'ſ'",
		`{"σ":1,"ς":1}`:            "in one object",
		`{"ä":1,"Ä":1}`:            "in one object",
		`{"x":{"b":1,"B":1}}`:      "the members 'b' and 'B'",
		`{"x":[{"b":1,"b":1}]}`:    "the members 'b' and 'b'",
		"{\"a\":\"\xff\"}":         "is not in UTF-8",
		"{\"a\":\"\xed\xa0\x80\"}": "is not in UTF-8",
		`{"a":"\ud800"}`:           "half a character",
		`{"a":"\udc00\ud800"}`:     "half a character",
		`{"a":"\ud800\u0041"}`:     "half a character",
		`{"a":"\ud800x"}`:          "half a character",
		`{"a":1e999}`:              "a number that is too large",
		deep(17):                   "nested more than 16 deep",
		members(257):               "more than 256 members",
		list(999):                  "more than 1000 values",
	} {
		refusedAsJSON(t, payload, want)
	}
}

func TestWhatIsNoJSONIsRefused(t *testing.T) {
	for _, payload := range []string{
		`{`, `{"a"`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{a:1}`, `{'a':1}`, `{1:1}`, `{"a":1]`, `{"a":[1}`, `{"a":[1,]}`, `{"a":[,]}`,
		`{"a":tru}`, `{"a":nul}`, `{"a":fals}`, `{"a":True}`, `{"a":NaN}`, `{"a":Infinity}`, `{"a":undefined}`,
		`{"a":01}`, `{"a":+1}`, `{"a":.5}`, `{"a":1.}`, `{"a":1e}`, `{"a":1e+}`, `{"a":-}`, `{"a":0x10}`, `{"a":--1}`,
		`{"a":"`, `{"a":"\`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12`, `{"a":"\u12g4"}`, `{"a":"\u+123"}`, `{"a":"\`, `{"a":"\n`, "{\"a\":\"\n\"}", "{\"a\":\"\\n\n\"}", "{\"a\":\"\x00\"}", "{\u00a0}",
		`{"\`, `{"a`, `{/**/}`,
	} {
		refusedAsJSON(t, payload, "is not valid JSON")
	}
}

func refusedAsJSON(t *testing.T, payload, want string) {
	t.Helper()
	_, err := parsePayload(payload)
	var refused *accesstoken.Error
	if !errors.As(err, &refused) || refused.Rule != accesstoken.RuleJSON || !strings.Contains(err.Error(), want) {
		t.Errorf("%.60s: %v, want …%s…", payload, err, want)
	}
}

// deep is an object with as many objects and lists in one another, itself counted.
func deep(levels int) string {
	return `{"a":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + "}"
}

func members(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = `"` + strconv.Itoa(i) + `":1`
	}
	return "{" + strings.Join(names, ",") + "}"
}

// list is an object with a list of n elements: n+2 values.
func list(n int) string { return `{"a":[` + strings.Repeat("0,", n-1) + `0]}` }

func TestOnlyTheOneWayToWriteATokenIsTaken(t *testing.T) {
	good := "e30.e30.AAA"
	if _, err := accesstoken.Parse(good); err != nil {
		t.Fatal(err)
	}
	for text, rule := range map[string]accesstoken.Rule{
		"":                        accesstoken.RuleForm,
		".":                       accesstoken.RuleForm,
		"..":                      accesstoken.RuleJSON,
		"e30.e30":                 accesstoken.RuleForm,
		"e30.e30.AAA.":            accesstoken.RuleForm,
		"e30.e30.AA=":             accesstoken.RuleForm,
		"e30=.e30.AAA":            accesstoken.RuleForm,
		"e30.e31.AAA":             accesstoken.RuleForm,
		"e30.e30.AAB":             accesstoken.RuleForm,
		"e30.e30.A":               accesstoken.RuleForm,
		"e30.e30.A+AA":            accesstoken.RuleForm,
		"e30.e30.A/AA":            accesstoken.RuleForm,
		" e30.e30.AAA":            accesstoken.RuleForm,
		"e30.e30.AAA\n":           accesstoken.RuleForm,
		"e3\r0.e30.AAA":           accesstoken.RuleForm,
		"e30.e30.\nAAA":           accesstoken.RuleForm,
		"Bearer e30.e30.AAA":      accesstoken.RuleForm,
		strings.Repeat("A", 8193): accesstoken.RuleSize,
		strings.Repeat("A", 8192): accesstoken.RuleForm,
	} {
		_, err := accesstoken.Parse(text)
		var refused *accesstoken.Error
		if !errors.As(err, &refused) || refused.Rule != rule {
			t.Errorf("'%.30s': %v, want '%s'", text, err, rule)
		}
	}
}

func TestTheIssuerIsKnownBeforeAnythingIsBelieved(t *testing.T) {
	for payload, want := range map[string]string{
		`{"iss":"https://idp.example"}`:   "https://idp.example",
		`{"iss":"https:\/\/idp.example"}`: "https://idp.example",
		`{"iss":["https://idp.example"]}`: "",
		`{"iss":7}`:                       "",
		`{"Iss":"x"}`:                     "",
		`{"a":{"iss":"x"}}`:               "",
		`{}`:                              "",
	} {
		token, err := parsePayload(payload)
		if err != nil || token.Issuer() != want {
			t.Errorf("%s: %v, want '%s'", payload, err, want)
		}
	}
}
