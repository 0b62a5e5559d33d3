package howler

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUsersAreRead(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want User
	}{
		"nothing": {`{}`, User{RolesField: "roles"}},
		"all that can be said": {
			`{"name":"Bob B.","email":"bob@example.org","new_pass":"n","old_pass":"o","roles":["user"],"groups":["USERS"],` +
				`"is_active":false,"is_admin":false,"api_quota":5,"uname":"bob","username":"Bob"}`,
			User{
				Usernames: []string{"bob", "Bob"}, Name: new("Bob B."), Email: new("bob@example.org"),
				NewPassword: secret("n"), OldPassword: secret("o"), Roles: &[]string{"user"}, Groups: &[]string{"USERS"}, RolesField: "roles",
				Active: new(false), Admin: new(false), Quota: new(int64(5)),
			},
		},
		"roles by their other name": {`{"type":["admin"],"is_admin":true}`, User{Roles: &[]string{"admin"}, RolesField: "type", Admin: new(true)}},
		"roles by both names":       {`{"type":["admin"],"roles":["admin"]}`, User{Roles: &[]string{"admin"}, RolesField: "roles"}},
		"empty values":              {`{"name":"","email":"","roles":[],"api_quota":0}`, User{Name: new(""), Email: new(""), Roles: &[]string{}, RolesField: "roles", Quota: new(int64(0))}},
		"empty passwords":           {`{"new_pass":"","old_pass":""}`, User{RolesField: "roles"}},
		"nulls, which say nothing": {
			`{"name":null,"email":null,"new_pass":null,"roles":null,"groups":null,"is_active":null,"is_admin":null,"api_quota":null,"password":null,"uname":null}`,
			User{RolesField: "roles"},
		},
		"what pages send along": {
			`{"classification":"x","avatar":null,"favourite_views":[],"favourite_analytics":[],"dashboard":[],"refresh_rate":15,` +
				`"id":"x","apikeys":[["ci",["R"],null]],"has_password":true,"new_pass_confirm":"x"}`,
			User{RolesField: "roles"},
		},
	} {
		got, failure := ParseUser([]byte(test.body), nil)
		if failure != nil {
			t.Errorf("%s: %s", name, failure.Text)
		}
		if diff := cmp.Diff(test.want, got, compareSecrets); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestUsersAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		body, query string
		want        *Failure
	}{
		"a password in the query":       {`{}`, "new_pass=x", QueryCredentials},
		"the old one in the query":      {`{}`, "OLD_PASS=x", QueryCredentials},
		"no body":                       {``, "", NoDataBlock},
		"no JSON":                       {`name=x`, "", NoDataBlock},
		"a list":                        {`[]`, "", InvalidData},
		"null":                          {`null`, "", InvalidData},
		"a field that there is not":     {`{"zebra":1,"ant":1,"password":"x"}`, "", UnknownField("ant")},
		"a field in another case":       {`{"Name":"x"}`, "", InvalidData},
		"a field twice":                 {`{"name":"x","name":"y"}`, "", InvalidData},
		"a field that is ignored twice": {`{"id":"x","id":"y"}`, "", InvalidData},
		"the hash of a password":        {`{"password":"$2b$12$x","name":1}`, "", HashedPassword},
		"a name that is a number":       {`{"name":1}`, "", InvalidData},
		"a password that is a number":   {`{"new_pass":1}`, "", InvalidData},
		"roles that are a text":         {`{"roles":"admin"}`, "", InvalidData},
		"a role that is null":           {`{"roles":[null]}`, "", InvalidData},
		"groups that are an object":     {`{"groups":{}}`, "", InvalidData},
		"a flag that is a text":         {`{"is_active":"false"}`, "", InvalidData},
		"a flag that is a number":       {`{"is_admin":1}`, "", InvalidData},
		"a quota that is negative":      {`{"api_quota":-1}`, "", InvalidData},
		"a quota with a fraction":       {`{"api_quota":1.5}`, "", InvalidData},
		"a quota that is a text":        {`{"api_quota":"5"}`, "", InvalidData},
		"a quota beyond all numbers":    {`{"api_quota":9223372036854775808}`, "", InvalidData},
		"roles that differ":             {`{"type":["admin"],"roles":["user"]}`, "", TypeDiffers},
		"an administrator without role": {`{"is_admin":true,"roles":["user"]}`, "", AdminDiffers},
		"a role without administrator":  {`{"is_admin":false,"type":["admin"]}`, "", AdminDiffers},
	} {
		got, failure := ParseUser([]byte(test.body), query(test.query))
		if failure == nil || *failure != *test.want {
			t.Errorf("%s: got '%s', want '%s'", name, told(failure), told(test.want))
		}
		if diff := cmp.Diff(User{}, got, compareSecrets); diff != "" {
			t.Errorf("%s: something was read:\n%s", name, diff)
		}
	}
}

func TestNamesOfNewUsers(t *testing.T) {
	for name, want := range map[string]*Failure{
		"bob": nil, "whoami2": nil, "configs": nil, "{bob}": BracesInName, "b}": BracesInName, "b{": BracesInName,
		"whoami": ReservedName, "WhoAmI": ReservedName, "password": ReservedName, "Pa\u017f\u017fword": ReservedName,
	} {
		if got := CheckNewUsername(name); got != want {
			t.Errorf("'%s': got '%s', want '%s'", name, told(got), told(want))
		}
	}
}

// FuzzParseUser holds that a user who is read has only known fields, and no password
// but what was meant as one.
func FuzzParseUser(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"name":"x","new_pass":"n","roles":["admin"],"is_admin":true,"api_quota":25}`, `{"password":"x"}`, `{"type":[],"roles":null}`,
		`{"is_active":"x"}`, `{"name":"a","NAME":"b"}`, `[]`, "{\"\xff\":1}", `{"api_quota":1e3}`, `{"uname":"a","username":"b"}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		u, failure := ParseUser([]byte(body), nil)
		if failure != nil {
			if !cmp.Equal(u, User{}, compareSecrets) || failure.Status != 400 || len(failure.Text) > 3000 {
				t.Errorf("%+v", *failure)
			}
			return
		}
		object, failure := readObject([]byte(body), allUserFields)
		if failure != nil {
			t.Fatal(failure.Text)
		}
		for name := range object {
			if !slices.Contains(allUserFields, name) {
				t.Errorf("field %q was taken", name)
			}
		}
		if u.NewPassword.Reveal() != "" && !strings.Contains(body, "new_pass") || u.Quota != nil && *u.Quota < 0 || len(u.Usernames) > 2 {
			t.Errorf("%+v", u)
		}
		if u.Admin != nil && u.Roles != nil && *u.Admin != IsAdmin(*u.Roles) {
			t.Errorf("%q: is_admin is %v", *u.Roles, *u.Admin)
		}
	})
}
