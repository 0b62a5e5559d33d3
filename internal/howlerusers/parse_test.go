package howlerusers_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/howlerusers"
	"github.com/sallyport/sallyport/internal/principal"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const hash = "$2b$12$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"

// goose is a document as howler writes one, with fields that nobody here reads.
const goose = `{"uname": "goose", "name": "Goose", "email": "goose@example.org", "type": ["user", "automation_basic"], "groups": "USERS",
	"is_active": true, "api_quota": 25, "password": "` + hash + `", "classification": "TLP:W", "dashboard": [{"type": "view"}],
	"favourite_views": [], "apikeys": {
		"devkey": {"acl": ["R", "W"], "password": "` + hash + `", "agents": [], "expiry_date": null},
		"impersonate_x": {"acl": ["R", "I"], "password": "` + hash + `", "agents": ["huey", "a:b"], "expiry_date": "2027-01-02T03:04:05.678Z"}}}`

var gooseRead = howlerusers.User{
	Name: "goose", DisplayName: "Goose", Email: "goose@example.org", Roles: []string{"user", "automation_basic"}, Groups: []string{"USERS"},
	Quota: 25, PasswordHash: hash, Keys: []howlerusers.Key{
		{Name: "devkey", Hash: hash, Scopes: principal.Read | principal.Write},
		{Name: "impersonate_x", Hash: hash, Scopes: principal.Read, Impersonation: true, Agents: []string{"huey"}, Expires: time.Date(2027, 1, 2, 3, 4, 5, 678_000_000, time.UTC)},
	},
}

func TestUsersAreReadInEachForm(t *testing.T) {
	line := strings.NewReplacer("\n", "", "\t", "").Replace(goose)
	for name, text := range map[string]string{
		"a list":                      "[" + goose + "]",
		"a list of sources":           `[{"_index": "howler-user", "_source": ` + goose + `}]`,
		"the answer to a search":      `{"took": 1, "hits": {"total": {"value": 1, "relation": "eq"}, "hits": [{"_id": "goose", "_source": ` + goose + `}]}}`,
		"one of an old Elasticsearch": `{"hits": {"total": 1, "hits": [{"_source": ` + goose + `}]}}`,
		"a line":                      line + "\n",
		"a line of elasticdump":       `{"_index":"howler-user","_source":` + line + "}\n",
		"a document":                  "\n" + goose,
	} {
		e, err := howlerusers.Parse([]byte(text), now)
		if err != nil || len(e.Wrong) != 0 {
			t.Errorf("%s: %v, %v", name, e.Wrong, err)
			continue
		}
		if diff := cmp.Diff([]howlerusers.User{gooseRead}, e.Users); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff([]string{"agent 'a:b' of key goose/impersonate_x: no user can have that name"}, e.Left); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLinesAreUsersOneAfterTheOther(t *testing.T) {
	e, err := howlerusers.Parse([]byte("{\"uname\": \"a\", \"is_active\": false}\n\n{\"_source\": {\"uname\": \"b\", \"password\": \"__NO_PASSWORD__\"}}\n"), now)
	want := []howlerusers.User{{Name: "a", Disabled: true}, {Name: "b"}}
	if diff := cmp.Diff(want, e.Users); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestKeysThatCouldNotBeUsedAreLeftOut(t *testing.T) {
	key := func(name, acl, more string) string {
		return fmt.Sprintf(`{"uname": "u", "apikeys": {"%s": {"acl": %s, "password": "%s"%s}}}`, name, acl, hash, more)
	}
	for document, want := range map[string]string{
		key("a:b", `["R"]`, ""):    "key u/a:b: its name cannot be used here",
		key("", `["R"]`, ""):       "key u/: its name",
		key("a b", `["R"]`, ""):    "key u/a b: its name",
		key("a/b", `["R"]`, ""):    "key u/a/b: its name",
		key("k", `["E", "I"]`, ""): "key u/k: it has E and I",
		key("k", `["X"]`, ""):      "key u/k: it has the privilege 'X', which is none of R, W, E and I",
		key("k", `["read"]`, ""):   "key u/k: it has the privilege 'read'",
		key("k", `["R"]`, `, "expiry_date": "2023-05-30T05:12:28.566Z"`): "key u/k: it has expired 2023-05-30T05:12:28Z",
		key("k", `["R"]`, `, "expiry_date": "2026-11-22T12:00:00"`):      "key u/k: it has expired",
		key("k", `["R"]`, `, "expiry_date": "soon"`):                     "key u/k: its end 'soon' is no date",
		`{"uname": "u", "apikeys": {"k": {"acl": ["R"]}}}`:               "key u/k: it has no secret",
		`{"uname": "u", "apikeys": {"k": null}}`:                         "key u/k: it has no secret",
	} {
		e, err := howlerusers.Parse([]byte(document), now)
		if err != nil || len(e.Wrong) != 0 || len(e.Users) != 1 || len(e.Users[0].Keys) != 0 || len(e.Left) != 1 || !strings.HasPrefix(e.Left[0], want) {
			t.Errorf("%s: %+v, %v; want '%s'", document, e, err, want)
		}
	}
	// A key without privileges proves who its owner is, and agents mean nothing without I.
	e, err := howlerusers.Parse([]byte(key("k", `[]`, `, "agents": ["huey"]`)), now)
	if err != nil || len(e.Users[0].Keys) != 1 || e.Users[0].Keys[0].Agents != nil {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestDocumentsThatAreNoUsersAreTold(t *testing.T) {
	for document, want := range map[string]string{
		`{}`:                                   "user 1: it is no document of a user",
		`[1]`:                                  "user 1: it is no document of a user",
		`"text"`:                               "user 1: it is no document of a user",
		`{"uname": 7}`:                         "user 1: it is no document of a user",
		`[{"uname": "a"}, {"uname": ""}]`:      "user 2: it is no document of a user",
		`{"uname": "a", "groups": 7}`:          "user 1: 'a': the field 'groups' has another form",
		`{"uname": "a\nb", "apikeys": ["k"]}`:  "user 1: 'a?b': the field 'apikeys' has another form",
		`{"uname": "a", "api_quota": 1.5}`:     "user 1: 'a': the field 'api_quota' is no whole number",
		`{"uname": "a", "is_active": "false"}`: "user 1: 'a': the field 'is_active' has another form",
	} {
		e, err := howlerusers.Parse([]byte(document), now)
		if err != nil || len(e.Wrong) != 1 || !strings.HasPrefix(e.Wrong[0].Error(), want) {
			t.Errorf("%s: %v, %v; want '%s'", document, e.Wrong, err, want)
		}
	}
}

func TestFilesThatAreNoneAreTold(t *testing.T) {
	many := strings.Repeat(`{"uname":"a"},`, howlerusers.MaxUsers)
	for name, c := range map[string]struct{ text, want string }{
		"an empty one":       {"", "there is no user in it"},
		"an empty list":      {"[]", "there is no user in it"},
		"no JSON":            {"uname: a", "it is no JSON after byte 0"},
		"half a document":    {goose[:100], "it is no JSON after byte"},
		"half an answer":     {`{"hits": {"total": {"value": 25}, "hits": [{"_source": {"uname": "a"}}]}}`, "it is the answer to a search with 1 of 25 users; ask for all of them with size=1000"},
		"no list of hits":    {`{"hits": {"hits": 7}}`, "its 'hits' are no list"},
		"no hits":            {`{"hits": {}}`, "its 'hits' are no list"},
		"a list of too many": {"[" + many + `{"uname":"b"}]`, "it has more than 1000 users"},
		"too many lines":     {strings.ReplaceAll(many, ",", "\n") + `{"uname":"b"}`, "it has more than 1000 users"},
		"a file too long":    {strings.Repeat(" ", howlerusers.MaxFile+1), "it is longer than 32 MiB"},
	} {
		e, err := howlerusers.Parse([]byte(c.text), now)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || len(e.Users) != 0 {
			t.Errorf("%s: %d users, %v; want '%s'", name, len(e.Users), err, c.want)
		}
	}
}

// FuzzParse: what is taken can be used, and what is said of the rest is a line without a
// hash.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		goose, "[" + goose + "]", `{"hits": {"total": {"value": 2}, "hits": [{"_source": ` + goose + `}]}}`, `{"_source": {"uname": "a"}}`,
		`{"uname": "a", "apikeys": {"a:b": null, "\u202e": {"acl": "E", "expiry_date": "\n"}}}`, `[1, {"uname": "\u0000"}]`, "{}", `{"hits": null}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		e, err := howlerusers.Parse(content, now)
		lines := append([]string{}, e.Left...)
		for _, one := range append(e.Wrong, err) {
			if one != nil {
				lines = append(lines, one.Error())
			}
		}
		for _, line := range lines {
			if !utf8.ValidString(line) || len(line) > 1500 || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.Contains(line, hash) {
				t.Fatalf("%q", line)
			}
		}
		if err != nil && len(e.Users) > 0 {
			t.Fatal(errors.New("users beside an error"))
		}
		for _, u := range e.Users {
			for _, k := range u.Keys {
				if k.Name == "" || strings.ContainsAny(k.Name, ":/ ") || k.Hash == "" || k.Impersonation && k.Scopes.Any(principal.Extended) || !k.Expires.IsZero() && !k.Expires.After(now) {
					t.Fatalf("%+v", k)
				}
			}
		}
	})
}
