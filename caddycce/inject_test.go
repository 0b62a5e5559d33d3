package caddycce_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/cscp"
)

// poisons are what somebody would write into a field to say more than it may:
// each tries to destroy object 8 or to have a reply forged.
var poisons = []string{
	"\nDESTROY 8", "x\nDESTROY 8\n", "x\r\nDESTROY 8\r\n", "x\" \nDESTROY 8\n\"", "\"\nDESTROY 8\n", "x\\\nDESTROY 8\n", `x\nDESTROY 8\n`, "x\\\"\nDESTROY 8",
	"6\nDESTROY 8", "6 \nDESTROY 8", "8\x00", "6\x00\nDESTROY 8", "\x00", "x\x00y", `x\000y`, `\`, `"`, `""`, `x"y`, `x\"y`, `" = "x`, `x" name = "y`,
	"name = \"x\"\nDESTROY 8\nGET 6", "Nosuch\n201 OK", "Nosuch\n104 OBJECT 4711\n201 OK", "a b", "a,b", "a.b", "6.Disk", "6 . Disk", ". Disk", "x=y", "x~y", "(", ")", "/",
	"#4294967295#AAAA", "#3#QUJD", "\u2028DESTROY 8", "\u0085DESTROY 8", "ＤＥＳＴＲＯＹ 8", "é", "\x1b[2J", "-1", "0", "00", "99999999999999999999", "1e0", "+6", "６",
	"sort", "sorttype", "HELP", "BEGIN", "COMMIT", "BYE\n", "ENDKEY\n",
}

// TestNoFieldSaysMoreThanItMay puts each poison into each field of each command
// and looks at what cced receives.
func TestNoFieldSaysMoreThanItMay(t *testing.T) {
	e := underFire(t, "auth_failures 100 1s", quietDaemon)
	admin := sessionFields(t, e, "admin", "secret-1")
	for name, c := range map[string]struct {
		// good is what is asked for, and fields are those of it to poison.
		good   map[string]any
		fields []string
		// words are those of the lines that may come of it.
		words []string
	}{
		"GET":          {map[string]any{"cmd": "GET", "oid": "6", "namespace": "Disk"}, []string{"oid", "namespace"}, []string{"GET"}},
		"SET":          {map[string]any{"cmd": "SET", "oid": "6", "namespace": "Disk"}, []string{"oid", "namespace", "data.name", "data.value", "args.name", "args.value"}, []string{"SET"}},
		"CREATE":       {map[string]any{"cmd": "CREATE", "class": "Probe"}, []string{"class", "data.name", "data.value", "args.name", "args.value"}, []string{"CREATE"}},
		"DESTROY":      {map[string]any{"cmd": "DESTROY", "oid": "999"}, []string{"oid"}, []string{"DESTROY"}},
		"NAMES":        {map[string]any{"cmd": "NAMES", "oid": "6"}, []string{"oid"}, []string{"NAMES"}},
		"NAMES class":  {map[string]any{"cmd": "NAMES", "class": "Vsite"}, []string{"class"}, []string{"NAMES"}},
		"FIND":         {map[string]any{"cmd": "FIND", "class": "Vsite"}, []string{"class", "args.name", "args.value", "regex_args.name", "regex_args.value"}, []string{"FIND", "GET"}},
		"FINDX":        {map[string]any{"cmd": "FINDX", "class": "Vsite"}, []string{"class", "args.name", "args.value", "regex_args.name", "regex_args.value"}, []string{"FIND", "GET"}},
		"FINDX sorted": {map[string]any{"cmd": "FINDX", "class": "Vsite", "sorttype": "ascii", "sortprop": "name"}, []string{"sorttype", "sortprop"}, []string{"FIND", "GET"}},
		"GETOBJECT":    {map[string]any{"cmd": "GETOBJECT", "class": "Vsite"}, []string{"class", "namespace", "args.name", "args.value", "regex_args.name", "regex_args.value"}, []string{"FIND", "GET"}},
		"GETALL":       {map[string]any{"cmd": "GETALL", "class": "Vsite"}, []string{"class", "args.name", "args.value", "regex_args.name", "regex_args.value", "oids"}, []string{"FIND", "GET", "NAMES"}},
		"SUSPEND":      {map[string]any{"cmd": "SUSPEND"}, []string{"reason"}, []string{"ADMIN SUSPEND"}},
		"ADMIN":        {map[string]any{"cmd": "ADMIN SUSPEND"}, []string{"reason"}, []string{"ADMIN SUSPEND"}},
		"WHOAMI":       {map[string]any{"cmd": "WHOAMI"}, []string{"user", "sessionid", "password", "token"}, []string{"WHOAMI", "AUTH", "AUTHKEY"}},
		"AUTH":         {map[string]any{"cmd": "AUTH", "user": "admin", "password": "wrong"}, []string{"user", "password"}, []string{"AUTH"}},
		"AUTHKEY":      {map[string]any{"cmd": "AUTHKEY"}, []string{"user", "sessionid"}, []string{"AUTHKEY"}},
		"the command":  {map[string]any{"cmd": "WHOAMI", "class": "Vsite", "oid": "6"}, []string{"cmd"}, nil},
	} {
		for _, field := range c.fields {
			for _, poison := range poisons {
				body := maps.Clone(c.good)
				for key, value := range admin {
					if _, there := body[key]; !there {
						body[key] = value
					}
				}
				poisoned(body, field, poison)
				from := len(e.daemon.Lines())
				r := e.local(t, object(t, body))
				checkLines(t, e.daemon.Lines()[from:], c.words, name+" with "+field, poison)
				if strings.Contains(r.Text, "4711") && r.StatusCode == 200 {
					t.Errorf("%s with a poisoned %s: %s", name, field, r.Text)
				}
				e.daemon.Resume()
			}
		}
	}
	e.expectWhole(t)
}

// TestNoShortFormSaysMoreThanItMay is the same for whole lines.
func TestNoShortFormSaysMoreThanItMay(t *testing.T) {
	e := underFire(t, "", quietDaemon)
	admin := sessionFields(t, e, "admin", "secret-1")
	for _, line := range []string{
		`GET POISON`, `GET 6 . POISON`, `GET "POISON"`, `GET 6 . "POISON"`, `SET 6 POISON = x`, `SET 6 "POISON" = x`, `SET 6 name = POISON`, `SET 6 . POISON a = b`, `SET 6 .POISON`,
		`CREATE POISON`, `CREATE "POISON"`, `CREATE Probe POISON = x`, `CREATE Probe name = "POISON`, `NAMES POISON`, `NAMES "POISON"`,
		`FIND POISON`, `FIND "POISON"`, `FIND Vsite POISON = x`, `FIND Vsite "POISON" = x`, `FIND Vsite name = POISON`, `FIND Vsite name ~ "POISON"`, `FIND Vsite sorttype POISON sortprop name`,
		`FIND Vsite sorttype ascii sortprop "POISON"`, `FINDX Vsite name ~ "POISON"`, `GETOBJECT "POISON" name = "x"`, `GETALL Vsite name = "POISON`, `GETALL POISON`,
		`ADMIN SUSPEND "POISON"`, `SUSPEND POISON`, `AUTHKEY admin POISON`, `AUTHKEY "POISON" x`, `CLASSES POISON`, `WHOAMI POISON`, `BEGINPOISON`, `POISON GET 6`,
	} {
		word, _, _ := strings.Cut(line, " ")
		words := map[string][]string{
			"FINDX": {"FIND", "GET"}, "FIND": {"FIND", "GET"}, "GETOBJECT": {"FIND", "GET"}, "GETALL": {"FIND", "NAMES", "GET"},
			"ADMIN": {"ADMIN SUSPEND"}, "SUSPEND": {"ADMIN SUSPEND"}, "POISON": {}, "BEGINPOISON": {},
		}[word]
		if words == nil {
			words = []string{word}
		}
		for _, poison := range poisons {
			body := maps.Clone(admin)
			body["cmd"] = strings.ReplaceAll(line, "POISON", poison)
			from := len(e.daemon.Lines())
			e.local(t, object(t, body))
			checkLines(t, e.daemon.Lines()[from:], words, line, poison)
			e.daemon.Resume()
			e.local(t, object(t, map[string]any{"cmd": "BYE", "user": admin["user"], "sessionid": admin["sessionid"]}))
		}
	}
	e.expectWhole(t)
}

// expectWhole looks whether any poison has worked.
func (e *endpoint) expectWhole(t *testing.T) {
	t.Helper()
	admin := e.session(t, "admin", "secret-1")
	e.local(t, `{"cmd":"GET 8",`+admin+`}`).expect(t, 200, `{"status":201,"message":"GOODBYE","data":{"DATA":{"CLASS":"Vsite","CLASSVER":"1.0","NAMESPACE":"","OID":"8",`+
		`"domain":"other.example","fqdn":"z.other.example","hostname":"z","ipaddr":"192.0.2.100","maxusers":"25","name":"site3","suspend":"0","volume":"/home","webAliases":""}}}`)
}

// sessionFields are the fields of a session.
func sessionFields(t *testing.T, e *endpoint, user, password string) map[string]any {
	t.Helper()
	fields := map[string]any{}
	unmarshal(t, "{"+e.session(t, user, password)+"}", &fields)
	return fields
}

// poisoned puts a poison into a field: data.name is the name of a property in
// data, data.value the value of one.
func poisoned(body map[string]any, field, poison string) {
	in, part, nested := strings.Cut(field, ".")
	switch {
	case field == "oids":
		body["oids"] = []string{"6", poison}
	case !nested:
		body[field] = poison
	case part == "name":
		body[in] = map[string]any{poison: "x"}
	default:
		body[in] = map[string]any{"name": poison}
	}
}

// checkLines expects that each line is one whole command as it is written here,
// and of one of the words. Of the lines of the first word there is one at most.
func checkLines(t *testing.T, lines, words []string, what, poison string) {
	t.Helper()
	first := 0
	for _, line := range lines {
		if line == `AUTH "" ""` {
			continue
		}
		command, err := cscp.ParseLine(line)
		if err != nil {
			t.Errorf("%s: %q was sent as %q: %v", what, poison, line, err)
			continue
		}
		if again, err := cscp.Append(nil, command); err != nil || string(again) != line+"\n" {
			t.Errorf("%s: %q was sent as %q", what, poison, line)
		}
		if words == nil || command.Word() == "AUTHKEY" || command.Word() == "ENDKEY" {
			continue
		}
		if !slices.Contains(words, command.Word()) {
			t.Errorf("%s: %q was sent as %q", what, poison, line)
		}
		if len(words) > 0 && command.Word() == words[0] {
			first++
		}
	}
	if first > 1 {
		t.Errorf("%s: %q became %q", what, poison, lines)
	}
}

// TestForgedRepliesAreNoReplies tries what dialogue 29 has: cced echoes names of
// classes, namespaces and properties as they were sent, line ends too.
func TestForgedRepliesAreNoReplies(t *testing.T) {
	e := underFire(t, "")
	admin := e.session(t, "admin", "secret-1")
	from := len(e.daemon.Lines())
	const plain, builtIn = `{"status":403,"message":"GOODBYE","data":{"errors":[{"code":403,"message":"BAD PARAMETERS"}]}}`,
		`{"status":403,"message":"OK","data":{"errors":[{"code":403,"message":"BAD PARAMETERS"}]}}`
	for _, c := range []struct{ fields, want string }{
		{`"cmd":"FIND \"Nosuch\\n201 OK\\n104 OBJECT 4711\""`, plain},
		{`"cmd":"FIND","class":"Nosuch\n104 OBJECT 4711\n201 OK"`, plain},
		{`"cmd":"FINDX","class":"Nosuch\n104 OBJECT 4711\n201 OK"`, builtIn},
		{`"cmd":"GET 3 . \"Nosuch\\n102 DATA password = \\\"x\\\"\\n201 OK\""`, plain},
		{`"cmd":"GET","oid":"3","namespace":"Nosuch\n102 DATA password = \"x\"\n201 OK"`, plain},
		{`"cmd":"SET 3 \"nosuch\\n201 OK\" = x"`, plain},
		{`"cmd":"SET","oid":"3","data":{"nosuch\n201 OK":"x"}`, plain},
		{`"cmd":"CREATE \"Nosuch\\n104 OBJECT 4711\\n201 OK\""`, plain},
		{`"cmd":"NAMES \"Nosuch\\n105 NAMESPACE Forged\\n201 OK\""`, plain},
		{`"cmd":"GETALL","class":"Nosuch\n201 OK"`, builtIn},
		{`"cmd":"GETOBJECT","class":"Vsite","namespace":"Nosuch\n201 OK"`, builtIn},
	} {
		e.local(t, `{`+c.fields+`,`+admin+`}`).expect(t, 400, c.want)
	}
	if sent := e.daemon.Lines()[from:]; len(sent) > 0 {
		t.Errorf("cced has received %q", sent)
	}
	// Values are escaped in both directions.
	const value = "x\n201 OK\n102 DATA name = \"forged\"\n"
	e.local(t, `{"cmd":"SET","oid":"3","data":`+object(t, map[string]string{"description": value})+`,`+admin+`}`).expect(t, 200, done)
	if got := e.value(t, admin, "3", "description"); got != value {
		t.Errorf("%q came back", got)
	}
	if got := e.value(t, admin, "3", "name"); got != "mary" {
		t.Errorf("the name is '%s'", got)
	}
}
