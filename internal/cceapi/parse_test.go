package cceapi

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/cscp"
)

// parsed is what a body should become: the line that cced would get, or what is
// looked for.
func parsed(t *testing.T, req *Request) string {
	t.Helper()
	line := func(c cscp.Command) string {
		text, err := cscp.Append(nil, c)
		if err != nil {
			t.Fatalf("what was parsed cannot be said: %v", err)
		}
		return strings.TrimSuffix(string(text), "\n")
	}
	switch req.Action {
	case Plain, Auth, AuthKey:
		return line(req.Command)
	case FindX, GetObject, GetAll:
		if len(req.OIDs) > 0 {
			text := req.Word
			for _, oid := range req.OIDs {
				text += " " + oid.String()
			}
			return text
		}
		text := req.Word + strings.TrimPrefix(line(req.Search), "FIND")
		if req.Namespace != "" {
			text += " in " + req.Namespace
		}
		return text
	default:
		return req.Word
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		// Words
		{"a word in any case", `{"cmd":"ping"}`, `PING`},
		{"blanks around the word", `{"cmd":"  CLASSES "}`, `CLASSES`},
		{"fields that nobody knows", `{"cmd":"CLASSES","oid":"","extra":{"a":[1,{"b":null}]}}`, `CLASSES`},
		{"a field that is there twice: the last counts", `{"cmd":"GET","oid":"6","oid":"7"}`, `GET 7`},
		{"LOGIN", `{"cmd":"LOGIN"}`, `LOGIN`},
		{"WHOAMI", `{"cmd":"WHOAMI","user":"admin","sessionid":"abc"}`, `WHOAMI`},
		{"ENDKEY", `{"cmd":"ENDKEY"}`, `ENDKEY`},
		{"BYE", `{"cmd":"BYE"}`, `BYE`},
		{"BYE as a handler would", `{"cmd":"BYE SUCCESS"}`, `BYE`},
		{"BEGIN", `{"cmd":"begin"}`, `BEGIN`},
		{"COMMIT", `{"cmd":"COMMIT"}`, `COMMIT`},

		// Long forms
		{"AUTH", `{"cmd":"AUTH","user":"admin","password":"secret-1"}`, `AUTH "admin" "secret-1"`},
		{"AUTHKEY", `{"cmd":"AUTHKEY","user":"admin","sessionid":"abc"}`, `AUTHKEY "admin" "abc"`},
		{"GET", `{"cmd":"GET","oid":"6","namespace":""}`, `GET 6`},
		{"GET of a namespace", `{"cmd":"GET","oid":"6","namespace":"Email"}`, `GET 6 . Email`},
		{"an OID as a number", `{"cmd":"GET","oid":6}`, `GET 6`},
		{"SET", `{"cmd":"SET","oid":"1","namespace":"Snmp","args":{"a":"b","c":"d"}}`, `SET 1 . Snmp a = "b" c = "d"`},
		{"SET of nothing", `{"cmd":"SET","oid":"1","args":[]}`, `SET 1`},
		{"SET with null", `{"cmd":"SET","oid":"1","args":null,"data":""}`, `SET 1`},
		{"CREATE", `{"cmd":"CREATE","class":"User","args":{"name":"mary"}}`, `CREATE User name = "mary"`},
		{"CREATE as PHP has it", `{"cmd":"CREATE","class":"User","data":{"name":"mary","quota":100}}`, `CREATE User name = "mary" quota = "100"`},
		{"data wins over args, and both count", `{"cmd":"SET","oid":"3","data":{"b":"2","c":"3"},"args":{"a":"1","b":"1"}}`, `SET 3 a = "1" b = "2" c = "3"`},
		{"DESTROY", `{"cmd":"DESTROY","oid":"6"}`, `DESTROY 6`},
		{"NAMES of an object", `{"cmd":"NAMES","oid":"6"}`, `NAMES 6`},
		{"NAMES of a class", `{"cmd":"NAMES","class":"User"}`, `NAMES User`},
		{"NAMES of a class as PHP has it", `{"cmd":"NAMES","oid":"User"}`, `NAMES User`},
		{"FIND", `{"cmd":"FIND","class":"Vsite","args":{"name":"site1","Disk.quota":20}}`, `FIND Vsite name = "site1" "Disk.quota" = "20"`},
		{"FIND of all", `{"cmd":"FIND","class":"Vsite","args":{}}`, `FIND Vsite`},
		{"FIND sorted by a regular expression", `{"cmd":"FIND","class":"Vsite","regex_args":{"fqdn":"^t"},"sorttype":"ascii","sortprop":"fqdn"}`, `FIND Vsite fqdn ~ "^t" sorttype ascii sortprop fqdn`},
		{"FINDX", `{"cmd":"FINDX","class":"Vsite","args":{"domain":"smd.example"},"regex_args":{"fqdn":"^t1"},"sorttype":"","sortprop":""}`, `FINDX Vsite domain = "smd.example" fqdn ~ "^t1"`},
		{"GETOBJECT", `{"cmd":"GETOBJECT","class":"System","namespace":"Snmp"}`, `GETOBJECT System in Snmp`},
		{"GETALL of a class", `{"cmd":"GETALL","class":"User","args":{"site":"site1"},"oids":[]}`, `GETALL User site = "site1"`},
		{"GETALL of objects, each once", `{"cmd":"GETALL","oids":["6",7,"06"]}`, `GETALL 6 7`},
		{"SUSPEND", `{"cmd":"SUSPEND"}`, `ADMIN SUSPEND`},
		{"SUSPEND with a reason", `{"cmd":"SUSPEND","reason":"back up"}`, `ADMIN SUSPEND "back up"`},
		{"ADMIN SUSPEND with a reason as PHP has it", `{"cmd":"ADMIN SUSPEND","reason":"back up"}`, `ADMIN SUSPEND "back up"`},
		{"RESUME", `{"cmd":"RESUME"}`, `ADMIN RESUME`},

		// Values
		{"a boolean", `{"cmd":"SET","oid":"1","args":{"a":true,"b":false}}`, `SET 1 a = "1" b = "0"`},
		{"null", `{"cmd":"SET","oid":"1","args":{"a":null}}`, `SET 1 a = ""`},
		{"whole numbers as they are", `{"cmd":"SET","oid":"1","args":{"a":1000000,"b":-5,"c":12345678901234567890123}}`, `SET 1 a = "1000000" b = "-5" c = "12345678901234567890123"`},
		{"numbers with a point as they are", `{"cmd":"SET","oid":"1","args":{"a":1.50,"b":0.1}}`, `SET 1 a = "1.50" b = "0.1"`},
		{"numbers with an exponent", `{"cmd":"SET","oid":"1","args":{"a":1e6,"b":1.5E3,"c":-25e-1,"d":1e-3,"e":0e5,"f":12.340e1}}`, `SET 1 a = "1000000" b = "1500" c = "-2.5" d = "0.001" e = "0" f = "123.4"`},
		{"lists", `{"cmd":"SET","oid":"1","args":{"a":["x&y","50%","one+two",3,true,null],"b":[]}}`, `SET 1 a = "&x%26y&50%25&one%2Btwo&3&1&&" b = ""`},
		{"texts of any kind", `{"cmd":"SET","oid":"1","args":{"a":"caf\u00e9 \"b\" \\ \n"}}`, `SET 1 a = "caf\303\251 \"b\" \\ \n"`},
		{"a property that is there twice: the last value, in the first place", `{"cmd":"SET","oid":"1","args":{"a":"1","b":"2","a":"3"}}`, `SET 1 a = "3" b = "2"`},

		// Short forms: the line counts
		{"GET in short", `{"cmd":"get 6 . Email","oid":"7","namespace":"Disk"}`, `GET 6 . Email`},
		{"FIND in short", `{"cmd":"FIND Vsite name = \"site1\"","oid":""}`, `FIND Vsite name = "site1"`},
		{"NAMES in short", `{"cmd":"NAMES 6","oid":"34"}`, `NAMES 6`},
		{"SET in short, as PHP writes it", `{"cmd":"SET 1 . Snmp a=\"b \\\"c\\\"\" d=\"e\\nf\"","args":{"x":"y"}}`, `SET 1 . Snmp a = "b \"c\"" d = "e\nf"`},
		{"CREATE in short", `{"cmd":"CREATE User name = mary"}`, `CREATE User name = "mary"`},
		{"AUTH in short", `{"cmd":"AUTH admin secret","user":"other"}`, `AUTH "admin" "secret"`},
		{"AUTHKEY in short", `{"cmd":"AUTHKEY admin abc"}`, `AUTHKEY "admin" "abc"`},
		{"FINDX in short", `{"cmd":"FINDX Vsite fqdn ~ \"^t\" sorttype ascii sortprop fqdn","class":"User"}`, `FINDX Vsite fqdn ~ "^t" sorttype ascii sortprop fqdn`},
		{"GETOBJECT in short", `{"cmd":"GETOBJECT User name = mary","namespace":"Disk"}`, `GETOBJECT User name = "mary"`},
		{"GETALL in short", `{"cmd":"GETALL User","oids":["6"]}`, `GETALL User`},
		{"SUSPEND in short", `{"cmd":"SUSPEND \"back up\"","reason":"other"}`, `ADMIN SUSPEND "back up"`},
		{"ADMIN SUSPEND in short", `{"cmd":"admin suspend \"back up\""}`, `ADMIN SUSPEND "back up"`},
		{"ADMIN RESUME", `{"cmd":"ADMIN RESUME"}`, `ADMIN RESUME`},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := Parse([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if got := parsed(t, req); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			// The word is the document's, whatever cced calls it.
			if word, _, _ := strings.Cut(strings.TrimPrefix(c.want, "ADMIN "), " "); req.Word != word {
				t.Errorf("the word is '%s'", req.Word)
			}
		})
	}
}

func TestParseCredentials(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       Credentials
	}{
		{"none", `{"cmd":"CLASSES","user":null,"password":"","sessionid":null}`, Credentials{}},
		{"all", `{"cmd":"CLASSES","user":"a","password":"b","sessionid":"c","token":"d"}`, Credentials{"a", "b", "c", "d"}},
		{"beside a line", `{"cmd":"GET 6","user":"a","sessionid":"c"}`, Credentials{User: "a", SessionID: "c"}},
		{"a number", `{"cmd":"AUTH","user":"a","password":1234}`, Credentials{User: "a", Password: "1234"}},
		{"in AUTH's line", `{"cmd":"AUTH a b","user":"x","password":"y"}`, Credentials{User: "a", Password: "b"}},
		{"in AUTHKEY's line", `{"cmd":"AUTHKEY a b","user":"x","sessionid":"y"}`, Credentials{User: "a", SessionID: "b"}},
		{"a session id of another form is a log-in that fails, not a mistake", `{"cmd":"GET 6","user":"a","sessionid":"no-such-key"}`, Credentials{User: "a", SessionID: "no-such-key"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := Parse([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, req.Credentials); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseAsksForArrays(t *testing.T) {
	for body, want := range map[string]bool{
		`{"cmd":"GET 6","scalars":"arrays"}`:             true,
		`{"cmd":"GET","oid":"6","scalars":"arrays"}`:     true,
		`{"cmd":"GET","oid":"6","scalars":""}`:           false,
		`{"cmd":"GET","oid":"6","scalars":null}`:         false,
		`{"cmd":"GETALL","oids":[6],"scalars":"arrays"}`: true,
	} {
		req, err := Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if req.ScalarArrays != want {
			t.Errorf("%s: %v", body, req.ScalarArrays)
		}
	}
}

func TestParseRefusesWhatIsNoRequest(t *testing.T) {
	for _, c := range []struct{ name, body, reason string }{
		{"nothing", ``, "the body is not JSON"},
		{"blanks", ` `, "the body is not JSON"},
		{"not JSON", `cmd=GET`, "the body is not JSON"},
		{"cut off", `{"cmd":"GET"`, "the body is not JSON"},
		{"more behind it", `{"cmd":"PING"}{}`, "the body is not JSON"},
		{"text behind it", `{"cmd":"PING"} x`, "the body is not JSON"},
		{"an array", `[{"cmd":"PING"}]`, "the body is not a JSON object"},
		{"a text", `"PING"`, "the body is not a JSON object"},
		{"null", `null`, "the body is not a JSON object"},
		{"no command", `{"oid":"6"}`, "the body has no string 'cmd'"},
		{"a command in other letters", `{"CMD":"PING"}`, "the body has no string 'cmd'"},
		{"a number as command", `{"cmd":6}`, "the body has no string 'cmd'"},
		{"a list as command", `{"cmd":["GET","6"]}`, "the body has no string 'cmd'"},
		{"an empty command", `{"cmd":""}`, "'cmd' is empty"},
		{"null as command", `{"cmd":null}`, "'cmd' is empty"},
		{"a blank command", `{"cmd":" \t\n"}`, "'cmd' is empty"},
		{"bytes that are not UTF-8", "{\"cmd\":\"SET 1 a = \xe9\"}", "the body is not UTF-8"},
		{"nested too deeply", `{"cmd":"PING","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "the body is nested too deeply"},
		{"nested without an end", strings.Repeat(`{"a":`, 100000), "the body is nested too deeply"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.body))
			bad, ok := errors.AsType[*BadRequest](err)
			if !ok || bad.Error() != c.reason {
				t.Fatalf("got %v, want %s", err, c.reason)
			}
			expect(t, bad.Answer(), 400, `{"status":400,"message":"`+c.reason+`"}`)
		})
	}
}

// TestBracketsInTextsAreNoDepth holds that only brackets that nest count.
func TestBracketsInTextsAreNoDepth(t *testing.T) {
	body := `{"cmd":"SET","oid":"1","args":{"a":"` + strings.Repeat(`[\"`, 100) + `"},"x":[` + strings.Repeat(`[],`, 100) + `[]]}`
	if _, err := Parse([]byte(body)); err != nil {
		t.Error(err)
	}
}

func TestParseRefusesWhatCannotBeSaid(t *testing.T) {
	const (
		badCommand    = `{"status":402,"message":"GOODBYE","data":{"errors":[{"code":402,"message":"BAD COMMAND"}]}}`
		parseError    = `{"status":402,"message":"GOODBYE","data":{"errors":[{"code":306,"message":"ERROR COMMAND PARSE ERROR"},{"code":402,"message":"BAD COMMAND"}]}}`
		badParameters = `{"status":403,"message":"GOODBYE","data":{"errors":[{"code":403,"message":"BAD PARAMETERS"}]}}`
		builtIn       = `{"status":403,"message":"OK","data":{"errors":[{"code":403,"message":"BAD PARAMETERS"}]}}`
	)
	for _, c := range []struct{ name, body, word, answer string }{
		{"an unknown word", `{"cmd":"FROB"}`, "", badCommand},
		{"a word that only cced's handlers have", `{"cmd":"WARN x"}`, "", badCommand},
		{"HELP, whose reply has no end", `{"cmd":"HELP"}`, "", badCommand},
		{"SUSPENDED with a word", `{"cmd":"SUSPENDED now"}`, "SUSPENDED", builtIn},
		{"a letter that would be ASCII in capitals", "{\"cmd\":\"P\u0131NG\"}", "", badCommand},
		{"a line that cannot be parsed", `{"cmd":"SET 1 a = b-c"}`, "SET", parseError},
		{"a line end in a line", `{"cmd":"GET 6\nDESTROY 6"}`, "GET", parseError},
		{"a line end in a value of a line", `{"cmd":"SET 6 a = \"b\nDESTROY 6\""}`, "SET", parseError},
		{"too many words", `{"cmd":"CLASSES all"}`, "CLASSES", badParameters},
		{"ADMIN alone", `{"cmd":"ADMIN"}`, "ADMIN", badParameters},
		{"ADMIN something", `{"cmd":"ADMIN HALT"}`, "ADMIN", badParameters},
		{"PING with a word", `{"cmd":"PING pong"}`, "PING", builtIn},
		{"LOGIN with a line", `{"cmd":"LOGIN admin secret"}`, "LOGIN", builtIn},
		{"GET without an OID", `{"cmd":"GET"}`, "GET", badParameters},
		{"GET of object 0", `{"cmd":"GET","oid":"0"}`, "GET", badParameters},
		{"an OID that is none", `{"cmd":"GET","oid":"6; DESTROY 6"}`, "GET", badParameters},
		{"an OID too long", `{"cmd":"GET","oid":"1234567890123456789"}`, "GET", badParameters},
		{"true as an OID", `{"cmd":"DESTROY","oid":true}`, "DESTROY", badParameters},
		{"a list as an OID", `{"cmd":"GET","oid":["6"]}`, "GET", badParameters},
		{"a fraction as an OID", `{"cmd":"GET","oid":6.5}`, "GET", badParameters},
		{"a namespace with a line end", `{"cmd":"GET","oid":"6","namespace":"a\n201 OK"}`, "GET", badParameters},
		{"a property with a line end", `{"cmd":"SET","oid":"6","args":{"a\n201 OK":"b"}}`, "SET", badParameters},
		{"a property without a name", `{"cmd":"SET","oid":"6","args":{"":"b"}}`, "SET", badParameters},
		{"a NUL in a value", `{"cmd":"SET","oid":"6","args":{"a":"b\u0000c"}}`, "SET", badParameters},
		{"a NUL in a list", `{"cmd":"SET","oid":"6","args":{"a":["b\u0000c"]}}`, "SET", badParameters},
		{"a NUL in a user", `{"cmd":"CLASSES","user":"ad\u0000min"}`, "CLASSES", badParameters},
		{"a NUL in a password", `{"cmd":"AUTH","user":"a","password":"b\u0000"}`, "AUTH", badParameters},
		{"a NUL in a line", `{"cmd":"SET 6 a = \"b\u0000c\""}`, "SET", parseError},
		{"a NUL in a reason", `{"cmd":"SUSPEND","reason":"b\u0000c"}`, "SUSPEND", badParameters},
		{"an object as a value", `{"cmd":"SET","oid":"6","args":{"a":{"b":"c"}}}`, "SET", badParameters},
		{"a list in a list", `{"cmd":"SET","oid":"6","args":{"a":[["b"]]}}`, "SET", badParameters},
		{"a list as properties", `{"cmd":"SET","oid":"6","args":["a"]}`, "SET", badParameters},
		{"a text as properties", `{"cmd":"SET","oid":"6","data":"a=b"}`, "SET", badParameters},
		{"a number with a huge exponent", `{"cmd":"SET","oid":"6","args":{"a":1e999999999}}`, "SET", badParameters},
		{"a number with an exponent beyond counting", `{"cmd":"SET","oid":"6","args":{"a":1e99999999999999999999}}`, "SET", badParameters},
		{"an object as a user", `{"cmd":"CLASSES","user":{}}`, "CLASSES", badParameters},
		{"true as a token", `{"cmd":"CLASSES","token":true}`, "CLASSES", badParameters},
		{"scalars of another kind", `{"cmd":"CLASSES","scalars":"objects"}`, "CLASSES", badParameters},
		{"a list as scalars", `{"cmd":"CLASSES","scalars":["arrays"]}`, "CLASSES", badParameters},
		{"CREATE without a class", `{"cmd":"CREATE","args":{"name":"x"}}`, "CREATE", badParameters},
		{"a list as a class", `{"cmd":"CREATE","class":["User"]}`, "CREATE", badParameters},
		{"a bad value for CREATE", `{"cmd":"CREATE","class":"User","data":{"a":{}}}`, "CREATE", badParameters},
		{"NAMES of nothing", `{"cmd":"NAMES"}`, "NAMES", badParameters},
		{"NAMES of a list", `{"cmd":"NAMES","oid":["User"]}`, "NAMES", badParameters},
		{"NAMES of no name", `{"cmd":"NAMES","oid":"a b"}`, "NAMES", badParameters},
		{"FIND without a class", `{"cmd":"FIND","args":{"name":"x"}}`, "FIND", badParameters},
		{"a bad value for FIND", `{"cmd":"FIND","class":"User","args":{"name":{}}}`, "FIND", badParameters},
		{"a regular expression that would end cced's connection", `{"cmd":"FINDX","class":"User","regex_args":{"name":"("}}`, "FINDX", builtIn},
		{"such a regular expression in a line", `{"cmd":"FIND User name ~ \"(\""}`, "FIND", badParameters},
		{"SET without an OID", `{"cmd":"SET","args":{"a":"b"}}`, "SET", badParameters},
		{"SET with nothing behind the dot, which would end it too", `{"cmd":"SET 3 ."}`, "SET", badParameters},
		{"AUTHKEY with a word", `{"cmd":"AUTHKEY admin"}`, "AUTHKEY", badParameters},
		{"a list as a reason", `{"cmd":"SUSPEND","reason":["a"]}`, "SUSPEND", badParameters},
		{"FINDX without a class", `{"cmd":"FINDX"}`, "FINDX", builtIn},
		{"a class of no name", `{"cmd":"FINDX","class":"a b"}`, "FINDX", builtIn},
		{"a list as a pattern of patterns", `{"cmd":"FINDX","class":"User","regex_args":["x"]}`, "FINDX", builtIn},
		{"a sort without a property", `{"cmd":"FINDX","class":"User","sorttype":"ascii"}`, "FINDX", builtIn},
		{"a sort without a type", `{"cmd":"FINDX","class":"User","sortprop":"name"}`, "FINDX", builtIn},
		{"a list as a sort", `{"cmd":"FINDX","class":"User","sorttype":["ascii"],"sortprop":"name"}`, "FINDX", builtIn},
		{"a list as a sort key", `{"cmd":"FINDX","class":"User","sorttype":"ascii","sortprop":["name"]}`, "FINDX", builtIn},
		{"FINDX in short without a class", `{"cmd":"FINDX = x"}`, "FINDX", builtIn},
		{"GETOBJECT in a namespace of no name", `{"cmd":"GETOBJECT","class":"User","namespace":"a b"}`, "GETOBJECT", builtIn},
		{"GETOBJECT in a list", `{"cmd":"GETOBJECT","class":"User","namespace":["a"]}`, "GETOBJECT", builtIn},
		{"GETALL of nothing", `{"cmd":"GETALL"}`, "GETALL", builtIn},
		{"GETALL of what is no list", `{"cmd":"GETALL","oids":"6"}`, "GETALL", builtIn},
		{"GETALL of what is no OID", `{"cmd":"GETALL","oids":["6","x"]}`, "GETALL", builtIn},
		{"GETALL of lists", `{"cmd":"GETALL","oids":[["6"]]}`, "GETALL", builtIn},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := Parse([]byte(c.body))
			refused, ok := errors.AsType[*Refused](err)
			if !ok {
				t.Fatalf("got %+v and error %v", req, err)
			}
			if refused.Word != c.word {
				t.Errorf("the word is '%s'", refused.Word)
			}
			if refused.Reason == "" || strings.ContainsAny(refused.Error(), "\n\x00") {
				t.Errorf("the reason is '%s'", refused.Error())
			}
			if strings.Count(refused.Error(), c.word+": ") > 1 {
				t.Errorf("the error says its word twice: %v", refused)
			}
			expect(t, refused.Answer(), 400, c.answer)
		})
	}
}

// TestASessionIDThatCannotBeIsARefusedLogIn has the document's bad AUTHKEY.
func TestASessionIDThatCannotBeIsARefusedLogIn(t *testing.T) {
	for _, body := range []string{
		`{"cmd":"AUTHKEY","user":"admin","sessionid":"no-such-key"}`,
		`{"cmd":"AUTHKEY admin \"no-such-key\""}`,
		`{"cmd":"AUTHKEY","user":"admin"}`,
		`{"cmd":"AUTHKEY admin \"\""}`,
		`{"cmd":"AUTHKEY","sessionid":"abc"}`,
		`{"cmd":"AUTHKEY","user":"` + strings.Repeat("a", 32) + `","sessionid":"abc"}`,
	} {
		_, err := Parse([]byte(body))
		refused, ok := errors.AsType[*Refused](err)
		if !ok || refused.Word != "AUTHKEY" {
			t.Errorf("%s: %v", body, err)
			continue
		}
		expect(t, refused.Answer(), 401, `{"status":401,"message":"GOODBYE","data":{"errors":[{"code":401,"message":"FAIL"}]}}`)
	}
}

func TestErrorsHoldNoSecrets(t *testing.T) {
	for _, body := range []string{
		`{"cmd":"AUTHKEY","user":"admin","sessionid":"hunter2-hunter2"}`,
		`{"cmd":"AUTH","user":"admin","password":"hunter2\u0000"}`,
		`{"cmd":"AUTH admin hunter2-hunter2"}`,
		`{"cmd":"AUTH admin hunter2 hunter2"}`,
		`{"cmd":"CLASSES","token":["hunter2"]}`,
		`{"cmd":"SET","oid":"3","args":{"password":"hunter2\u0000"}}`,
		`{"cmd":"SET 3 password = hunter2-hunter2"}`,
		`{"cmd":"hunter2"}`,
		`{"cmd":"AUTH","password":"hunter2"`,
	} {
		_, err := Parse([]byte(body))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	body := []byte(`{"cmd":"GET","oid":"6","namespace":"Email","user":"admin","sessionid":"crr6tZdPKBGjKQdXRjPLjenptXmgmf7pvplOenrMOYWmCZ9h6NSgR3t9RFf1Jce"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}
