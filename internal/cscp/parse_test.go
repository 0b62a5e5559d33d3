package cscp

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestALineBecomesItsCommand(t *testing.T) {
	for line, want := range map[string]Command{
		`GET 6`:                  Get{OID: 6},
		`get 6`:                  Get{OID: 6},
		"  \tGeT\t06\r":          Get{OID: 6},
		`GET 6 . Email`:          Get{6, "Email"},
		`GET 6.Email`:            Get{6, "Email"},
		`GET "6" "." "Email"`:    Get{6, "Email"},
		`GET 6 . ""`:             Get{OID: 6},
		`GET 6,.,,Email,`:        Get{6, "Email"},
		`SET 3`:                  Set{OID: 3},
		`SET 1 . Snmp a="b" c=d`: Set{1, "Snmp", []Pair{{"a", "b"}, {"c", "d"}}},
		`SET 3 a="b"c="d"`:       Set{OID: 3, Values: []Pair{{"a", "b"}, {"c", "d"}}},
		`SET 3 a=" , \\ \" \n\t\r\f é \351 \q$"`: Set{OID: 3, Values: []Pair{{"a", " , \\ \" \n\t\r\f é \xe9 q$"}}},
		"SET 3 a=\"raw \t \r \f \xff é\"":        Set{OID: 3, Values: []Pair{{"a", "raw \t \r \f \xff é"}}},
		`SET 3 a = "=" "b" "=" "."`:              Set{OID: 3, Values: []Pair{{"a", "="}, {"b", "."}}},
		`SET 3 a=1 a=2`:                          Set{OID: 3, Values: []Pair{{"a", "1"}, {"a", "2"}}},
		`CREATE User`:                            Create{Class: "User"},
		`CREATE User "name" = "x" e = ""`:        Create{"User", []Pair{{"name", "x"}, {"e", ""}}},
		`DESTROY 9`:                              Destroy{9},
		`NAMES 6`:                                Names{OID: 6},
		`NAMES User`:                             Names{Class: "User"},
		`FIND Vsite`:                             Find{Class: "Vsite"},
		`FIND Vsite name = "site1"`:              Find{Class: "Vsite", Criteria: []Criterion{{"name", "site1", false}}},
		`FIND User Email.a=1 "Email.b"~"^2"`:     Find{Class: "User", Criteria: []Criterion{{"Email.a", "1", false}, {"Email.b", "^2", true}}},
		`FIND V f ~ "^t1" sorttype ascii sortprop f`: Find{
			"V",
			[]Criterion{{"f", "^t1", true}},
			&Sort{"ascii", "f"},
		},
		`FIND V sortprop "E.f" a = b sorttype "locale(en_US)"`: Find{
			"V",
			[]Criterion{{"a", "b", false}},
			&Sort{"locale(en_US)", "E.f"},
		},
		`FIND V sort fqdn`:               Find{Class: "V", Sort: &Sort{"ascii", "fqdn"}},
		`FIND V sortnum maxusers`:        Find{Class: "V", Sort: &Sort{"old_numeric", "maxusers"}},
		`AUTH admin "secret 1"`:          Auth{"admin", "secret 1"},
		`AUTH "" ""`:                     Auth{},
		`AUTHKEY admin "no-such-id"`:     AuthKey{"admin", "no-such-id"},
		`ADMIN SUSPEND`:                  Suspend{},
		`admin suspend "down \"today\""`: Suspend{`down "today"`},
		`ADMIN RESUME`:                   Resume{},
		`BYE`:                            Bye{},
		`BYE SUCCESS`:                    Bye{},
		`BEGIN`:                          Begin{},
		`COMMIT `:                        Commit{},
		`CLASSES`:                        Classes{},
		`WHOAMI`:                         WhoAmI{},
		`ENDKEY`:                         EndKey{},
	} {
		if got, err := ParseLine(line); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("ParseLine(%q) = %#v, %v, want %#v", line, got, err, want)
		}
	}
}

func TestALineThatIsNoCommandHasCcedsCode(t *testing.T) {
	const parse = 306
	for line, want := range map[string]int{
		``:                          CodeBadCommand,
		`   `:                       CodeBadCommand,
		`HELP`:                      CodeBadCommand,
		`SUSPEND`:                   CodeBadCommand,
		`GET,1`:                     CodeBadCommand,
		`"WHOAMI"`:                  CodeBadCommand,
		`ſet 3`:                     CodeBadCommand,
		"GET\n1":                    CodeBadCommand,
		`GET -1`:                    parse,
		`GET 1 ;`:                   parse,
		`SET 3 a = 'x'`:             parse,
		`SET 3 a = "x`:              parse,
		`SET 3 a = "x\`:             parse,
		`SET 3 a = "x\"`:            parse,
		`SET 3 a = "x"y"`:           parse,
		`SET 3 a = #5#aGVsbG8=`:     parse,
		`GET #4294967295#AAAA`:      parse,
		"SET 3 a = \"x\nDESTROY 3":  parse,
		"SET 3 a = \"x\ny\"":        parse,
		"SET 3 a = \"x\\\ny\"":      parse,
		"SET 3\nDESTROY 3":          parse,
		"SET 3 a = \"x\x00y\"":      parse,
		"SET 3 a = \"x\\\x00y\"":    parse,
		"SET 3 \x00":                parse,
		"GET 3\v":                   parse,
		`SET 3 a = "x\000y"`:        CodeBadParameters,
		`AUTH "a\000b" x`:           CodeBadParameters,
		`WHOAMI ;`:                  CodeBadParameters,
		`GET`:                       CodeBadParameters,
		`GET 0`:                     CodeBadParameters,
		`GET ""`:                    CodeBadParameters,
		`GET 1234567890123456789`:   CodeBadParameters,
		`GET 2 .`:                   CodeBadParameters,
		`GET 2 . "a\n201 OK"`:       CodeBadParameters,
		`GET 2 . a . b`:             CodeBadParameters,
		`SET 3 .`:                   CodeBadParameters,
		`SET 3 a == b`:              CodeBadParameters,
		`SET 3 a = b c`:             CodeBadParameters,
		`SET 3 "x\n201 OK" = y`:     CodeBadParameters,
		`SET 3 "a b" = y`:           CodeBadParameters,
		`SET 3 1a = y`:              CodeBadParameters,
		`CREATE`:                    CodeBadParameters,
		`CREATE "a b"`:              CodeBadParameters,
		`CREATE V . Disk a = b`:     CodeBadParameters,
		`DESTROY x`:                 CodeBadParameters,
		`NAMES`:                     CodeBadParameters,
		`NAMES 0`:                   CodeBadParameters,
		`NAMES ""`:                  CodeBadParameters,
		`FIND`:                      CodeBadParameters,
		`FIND V a`:                  CodeBadParameters,
		`FIND V a . = b`:            CodeBadParameters,
		`FIND V a.b.c = d`:          CodeBadParameters,
		`FIND V "a b" = d`:          CodeBadParameters,
		`FIND V sort = b`:           CodeBadParameters,
		`FIND V sort`:               CodeBadParameters,
		`FIND V sorttype ascii`:     CodeBadParameters,
		`FIND V sortprop a`:         CodeBadParameters,
		`FIND V sort a sort b`:      CodeBadParameters,
		`FIND V sort a sortprop b`:  CodeBadParameters,
		`FIND V sort a sorttype ip`: CodeBadParameters,
		`FIND V sorttype ascii sortprop a sortprop b`: CodeBadParameters,
		`AUTH admin`:         CodeBadParameters,
		`AUTH a b c`:         CodeBadParameters,
		`ADMIN`:              CodeBadParameters,
		`ADMIN NONSENSE`:     CodeBadParameters,
		`ADMIN RESUME x`:     CodeBadParameters,
		`ADMIN SUSPEND a b`:  CodeBadParameters,
		`BYE MAYBE`:          CodeBadParameters,
		`BEGIN x`:            CodeBadParameters,
		`FIND V a = "b" ; x`: parse,
	} {
		code := want
		if want == parse {
			code = CodeBadCommand
		}
		var bad *SyntaxError
		got, err := ParseLine(line)
		if !errors.As(err, &bad) || bad.Code != code || bad.Parse != (want == parse) {
			t.Errorf("ParseLine(%q) = %#v, %v, want an error %d", line, got, err, want)
		}
	}
}

func TestFindWithoutItsWord(t *testing.T) {
	got, err := ParseFind(` Vsite name = "site1" sort fqdn`)
	want := Find{"Vsite", []Criterion{{"name", "site1", false}}, &Sort{"ascii", "fqdn"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ParseFind = %#v, %v", got, err)
	}
	for _, words := range []string{"", " ", "Vsite name", `"No\n104 OBJECT 77"`, `Vsite name = "`} {
		var bad *SyntaxError
		if got, err := ParseFind(words); !errors.As(err, &bad) {
			t.Errorf("ParseFind(%q) = %#v, %v, want a SyntaxError", words, got, err)
		}
	}
}

func TestTheFirstWordIsSplitOff(t *testing.T) {
	for line, want := range map[string][2]string{
		"":                  {"", ""},
		"ping":              {"PING", ""},
		" \tFindX Vsite a ": {"FINDX", " Vsite a "},
		"GET,1 2":           {"GET,1", " 2"},
	} {
		if word, rest := Word(line); word != want[0] || rest != want[1] {
			t.Errorf("Word(%q) = %q, %q", line, word, rest)
		}
	}
	if words := Words(); !slices.Contains(words, "ADMIN") || !slices.IsSorted(words) || slices.Contains(words, "HELP") {
		t.Errorf("Words() = %q", words)
	}
}

func TestSyntaxErrorsHoldNoValues(t *testing.T) {
	for _, line := range []string{
		`AUTH admin hunter2 x`, `AUTH admin "hunter2`, `SET 3 "hunter2 x" = "hunter2"`, `SET 3 password = "hunter2" x`, `hunter2`, `FIND "hunter2 x"`,
	} {
		if _, err := ParseLine(line); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error of '%s' is: %v", line, err)
		}
	}
}

// elsewhere are recorded lines that ours answers otherwise than cced, and why.
var elsewhere = map[string]string{
	`SET 3 1abc = "x"`:                "no name: cced looks for it and says 302",
	`SET 3 "bad key" = "x"`:           "no name: cced looks for it and says 302",
	`FIND "No Class"`:                 "no name: cced looks for it and says 301",
	`NAMES 0`:                         "no oid: cced looks for it and says 300",
	`NAMES ""`:                        "no oid: cced looks for it and says 300",
	`GET 18446744073709551618`:        "too large: cced looks for another and says 300",
	`GET 99999999999999999999999999`:  "too large: cced looks for another and says 300",
	`SET 1 notes = "before\000after"`: "cced cuts the value",
	`SET 1 notes = #5#aGVsbG8=`:       "base64",
	`SET 1 notes = #4#YQBi/w==`:       "base64",
	`SET 1 notes = #2#aGVsbG8=`:       "base64",
	`SET 1 notes = #9#aGVsbG8=`:       "base64",
	`FIND Vsite fqdn ~ "\\d"`:         "another dialect: to cced it is the letter d",
	`ADMIN NONSENSE`:                  "cced says 401",
	`COMMIT`:                          "outside a transaction",
	`BEGIN`:                           "in a transaction",
	`ADMIN SUSPEND`:                   "in a transaction",
	`FIND Vsite sorttype numeric sortprop maxusers`: "cced knows no such type",
	`FIND Vsite sorttype nosuch sortprop fqdn`:      "cced knows no such type",
}

func TestRecordedLinesAreReadAsCcedReadThem(t *testing.T) {
	for _, file := range recordings(t) {
		for _, e := range exchanges(t, file) {
			if e.final() == 0 || elsewhere[e.line] != "" {
				continue
			}
			_, err := ParseLine(e.line)
			var bad *SyntaxError
			switch code := e.final(); {
			case code != CodeBadCommand && code != CodeBadParameters:
				if err != nil {
					t.Errorf("%s: cced took '%s', and ParseLine says: %v", e.where, e.line, err)
				}
			case !errors.As(err, &bad) || bad.Code != code || bad.Parse != e.parseErrored():
				t.Errorf("%s: cced answered %q to '%s', and ParseLine says: %v", e.where, e.reply, e.line, err)
			}
		}
	}
}

func FuzzParseLine(f *testing.F) {
	files := append(recordings(f), forgeries)
	for _, file := range files {
		for _, e := range exchanges(f, file) {
			f.Add(e.line)
		}
	}
	f.Fuzz(func(t *testing.T, line string) {
		command, err := ParseLine(line)
		if err != nil {
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Fatalf("'%s': %v is no SyntaxError", line, err)
			}
			return
		}
		written, err := Append(nil, command)
		if err != nil {
			if _, isKey := command.(AuthKey); !isKey {
				t.Fatalf("%q was read as %#v, which cannot be said: %v", line, command, err)
			}
			return
		}
		said := string(written[:len(written)-1])
		if strings.ContainsAny(said, "\n\x00") {
			t.Fatalf("%q is written as %q", line, said)
		}
		if again, err := ParseLine(said); err != nil || !reflect.DeepEqual(again, command) {
			t.Fatalf("%q was read as %#v, and %q, which it is written as, as %#v, %v", line, command, said, again, err)
		}
	})
}
