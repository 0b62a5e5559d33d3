package howler

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/principal"
)

func TestLoginsAreRead(t *testing.T) {
	password := Login{User: "alice", Password: secret("pa:ss")}
	for name, test := range map[string]struct {
		contentType, body string
		want              Login
	}{
		"password in JSON":                   {jsonType, `{"user":"alice","password":"pa:ss"}`, password},
		"password in a form":                 {formType, `user=alice&password=pa%3Ass`, password},
		"JSON with a character set":          {"application/json; charset=utf-8", `{"user":"alice","password":"pa:ss"}`, password},
		"JSON in capitals":                   {"Application/JSON", `{"user":"alice","password":"pa:ss"}`, password},
		"JSON with a bad parameter":          {"application/json; charset", `{"user":"alice","password":"pa:ss"}`, password},
		"JSON by suffix":                     {"application/vnd.example+json", `{"user":"alice","password":"pa:ss"}`, password},
		"what is null is not there":          {jsonType, `{"user":"alice","password":"pa:ss","apikey":null,"provider":null}`, password},
		"what is empty is not there":         {jsonType, `{"user":"alice","password":"pa:ss","apikey":"","provider":""}`, password},
		"unknown fields do not matter":       {jsonType, `{"user":"alice","password":"pa:ss","remember":[true]}`, password},
		"unknown form fields do not matter":  {formType, `user=alice&password=pa%3Ass&remember=on`, password},
		"blanks and line ends around JSON":   {jsonType, " \r\n{\"user\":\"alice\",\t\"password\":\"pa:ss\"}\n", password},
		"key":                                {jsonType, `{"user":"alice","apikey":"ci:sly_x"}`, Login{User: "alice", ByKey: true, KeyName: "ci", Key: secret("sly_x")}},
		"key in a form":                      {formType, `user=alice&apikey=ci:sly_x`, Login{User: "alice", ByKey: true, KeyName: "ci", Key: secret("sly_x")}},
		"key whose secret has a colon":       {jsonType, `{"user":"alice","apikey":"ci:a:b"}`, Login{User: "alice", ByKey: true, KeyName: "ci", Key: secret("a:b")}},
		"key without a name":                 {jsonType, `{"user":"alice","apikey":"sly_x"}`, Login{User: "alice", ByKey: true, Key: secret("sly_x")}},
		"key without a secret":               {jsonType, `{"user":"alice","apikey":"ci:"}`, Login{User: "alice", ByKey: true, KeyName: "ci"}},
		"a refresh token is kept to be told": {jsonType, `{"user":"alice","password":"pa:ss","refresh_token":"r"}`, Login{User: "alice", Password: secret("pa:ss"), RefreshToken: secret("r")}},
		"no text of a password is cut":       {jsonType, `{"user":"alice","password":" \u0000é\n"}`, Login{User: "alice", Password: secret(" \x00é\n")}},
	} {
		got, failure := ParseLogin(test.contentType, []byte(test.body), query("nonce=1&state=2"))
		if failure != nil {
			t.Errorf("%s: %s", name, failure.Text)
		}
		if diff := cmp.Diff(test.want, got, compareSecrets); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLoginsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		contentType, body, query string
		want                     *Failure
	}{
		"nothing at all":                        {"", "", "", NotEnough},
		"an empty object":                       {jsonType, "{}", "", NotEnough},
		"JSON without a body":                   {jsonType, "", "", NotEnough},
		"a user only":                           {jsonType, `{"user":"a"}`, "", NotEnough},
		"a password only":                       {jsonType, `{"password":"p"}`, "", NotEnough},
		"an empty user":                         {jsonType, `{"user":"","password":"p"}`, "", NotEnough},
		"an empty password":                     {jsonType, `{"user":"a","password":""}`, "", NotEnough},
		"both, but nobody":                      {jsonType, `{"password":"p","apikey":"k:s"}`, "", NotEnough},
		"both":                                  {jsonType, `{"user":"a","password":"p","apikey":"k:s"}`, "", BothCredentials},
		"both in a form":                        {formType, `user=a&password=p&apikey=k:s`, "", BothCredentials},
		"user in the query":                     {"", "", "user=a", QueryCredentials},
		"password in the query":                 {"", "", "user=a&password=p", QueryCredentials},
		"key in the query":                      {"", "", "apikey=k:s", QueryCredentials},
		"refresh token in the query":            {"", "", "provider=x&refresh_token=r", QueryCredentials},
		"an empty password in the query":        {"", "", "password=", QueryCredentials},
		"capitals in the query":                 {"", "", "PassWord=p", QueryCredentials},
		"query and body":                        {jsonType, `{"user":"a","password":"p"}`, "password=p", QueryCredentials},
		"query and a malformed body":            {jsonType, `{`, "password=p", QueryCredentials},
		"a body of no type":                     {"", `{"user":"a","password":"p"}`, "", NoDataBlock},
		"a body of another type":                {"text/plain", `{"user":"a","password":"p"}`, "", NoDataBlock},
		"a form of parts":                       {"multipart/form-data; boundary=x", "--x--", "", NoDataBlock},
		"no JSON":                               {jsonType, "user=a&password=p", "", NoDataBlock},
		"half of JSON":                          {jsonType, `{"user":"a"`, "", NoDataBlock},
		"something after JSON":                  {jsonType, `{"user":"a","password":"p"} {}`, "", NoDataBlock},
		"a comma too many":                      {jsonType, `{"user":"a","password":"p",}`, "", NoDataBlock},
		"JSON that is no UTF-8":                 {jsonType, "{\"user\":\"a\",\"password\":\"\xff\"}", "", NoDataBlock},
		"blanks only":                           {jsonType, "  ", "", NoDataBlock},
		"a list":                                {jsonType, `["user"]`, "", InvalidData},
		"a string":                              {jsonType, `"user"`, "", InvalidData},
		"null":                                  {jsonType, `null`, "", InvalidData},
		"a password that is a number":           {jsonType, `{"user":"a","password":1}`, "", InvalidData},
		"a user that is a list":                 {jsonType, `{"user":["a"],"password":"p"}`, "", InvalidData},
		"a provider that is true":               {jsonType, `{"provider":true}`, "", InvalidData},
		"a field twice":                         {jsonType, `{"user":"a","user":"b","password":"p"}`, "", InvalidData},
		"the same field twice":                  {jsonType, `{"user":"a","user":"a","password":"p"}`, "", InvalidData},
		"a field twice, once escaped":           {jsonType, `{"user":"a","us\u0065r":"b","password":"p"}`, "", InvalidData},
		"a field in two cases":                  {jsonType, `{"user":"a","USER":"b","password":"p"}`, "", InvalidData},
		"a field in another case":               {jsonType, `{"User":"a","password":"p"}`, "", InvalidData},
		"a field with letters that fold":        {jsonType, `{"user":"a","pa\u017fsword":"p"}`, "", InvalidData},
		"an unknown field twice":                {jsonType, `{"user":"a","password":"p","x":1,"X":2}`, "", InvalidData},
		"a form field twice":                    {formType, `user=a&user=b&password=p`, "", InvalidData},
		"a form field in two cases":             {formType, `user=a&USER=b&password=p`, "", InvalidData},
		"a form that is badly escaped":          {formType, `user=a&password=%zz`, "", InvalidData},
		"a form with semicolons":                {formType, `user=a;password=p`, "", InvalidData},
		"a form that is no UTF-8":               {formType, `user=a&password=%ff`, "", InvalidData},
		"JSON in a form, as curl -d sends it":   {formType, `{"user":"a","password":"p"}`, "", NotEnough},
		"more levels than anybody needs":        {jsonType, `{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, "", NoDataBlock},
		"a type that is badly written":          {"application/", `{"user":"a","password":"p"}`, "", NoDataBlock},
		"JSON of another tree":                  {"text/x+json", `{"user":"a","password":"p"}`, "", NoDataBlock},
		"a type that only begins like JSON":     {"application/jsonp", `{"user":"a","password":"p"}`, "", NoDataBlock},
		"a query does not make a login of JSON": {jsonType, `{"password":"p"}`, "nonce=1", NotEnough},
	} {
		got, failure := ParseLogin(test.contentType, []byte(test.body), query(test.query))
		if failure != test.want {
			t.Errorf("%s: got '%s', want '%s'", name, told(failure), told(test.want))
		}
		if diff := cmp.Diff(Login{}, got, compareSecrets); diff != "" {
			t.Errorf("%s: something was read:\n%s", name, diff)
		}
	}
}

func TestLogInsAreReadFromTheQueryWhereThatIsWanted(t *testing.T) {
	byPassword := Login{User: "a", Password: secret("p")}
	for name, test := range map[string]struct {
		contentType, body, query string
		want                     Login
		failure                  *Failure
	}{
		"a password in the query":       {"", "", "user=a&password=p", byPassword, nil},
		"a key in the query":            {"", "", "user=a&apikey=k:s", Login{User: "a", ByKey: true, KeyName: "k", Key: secret("s")}, nil},
		"query and form together":       {formType, "password=p", "user=a", byPassword, nil},
		"a form alone":                  {formType, "user=a&password=p", "", byPassword, nil},
		"JSON, which counts alone":      {jsonType, `{"user":"a","password":"p"}`, "user=b&password=q", byPassword, nil},
		"JSON that is not enough":       {jsonType, `{"user":"a"}`, "password=p", Login{}, NotEnough},
		"the type of JSON without body": {jsonType, "", "user=a&password=p", byPassword, nil},
		"a field in both":               {formType, "user=a&password=p", "user=b", Login{}, InvalidData},
		"a field twice in the query":    {"", "", "user=a&user=b&password=p", Login{}, InvalidData},
		"a field in two cases":          {"", "", "user=a&User=b&password=p", Login{}, InvalidData},
		"both credentials":              {formType, "password=p", "user=a&apikey=k:s", Login{}, BothCredentials},
		"a provider comes first":        {"", "", "provider=x&user=a&password=p", Login{Provider: "x"}, nil},
		"a refresh token":               {"", "", "provider=x&refresh_token=r", Login{Provider: "x", RefreshToken: secret("r")}, nil},
		"a body that cannot be read":    {jsonType, "{", "user=a&password=p", Login{}, NoDataBlock},
		"nothing":                       {"", "", "", Login{}, NotEnough},
	} {
		got, failure := ParseLoginWithQuery(test.contentType, []byte(test.body), query(test.query))
		if failure != test.failure {
			t.Errorf("%s: got '%s', want '%s'", name, told(failure), told(test.failure))
		}
		if diff := cmp.Diff(test.want, got, compareSecrets); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// FuzzParseLoginWithQuery holds that a log-in is either refused or has a user and one
// credential, and that JSON counts alone.
func FuzzParseLoginWithQuery(f *testing.F) {
	f.Add("", "", "user=a&password=p")
	f.Add(formType, "password=p", "user=a")
	f.Add(formType, "user=b", "user=a&apikey=k:s")
	f.Add(jsonType, `{"user":"a","apikey":"k:s"}`, "password=p")
	f.Fuzz(func(t *testing.T, contentType, body, rawQuery string) {
		asked, err := url.ParseQuery(rawQuery)
		if err != nil {
			return
		}
		login, failure := ParseLoginWithQuery(contentType, []byte(body), asked)
		if failure != nil {
			if login != (Login{}) || failure.Status < 400 || failure.Status > 499 {
				t.Errorf("%+v, %+v", login, *failure)
			}
			return
		}
		if login.Provider != "" {
			if login.User+login.Password.Reveal()+login.Key.Reveal() != "" {
				t.Errorf("by provider, and as user '%s'", login.User)
			}
			return
		}
		if login.User == "" || login.ByKey != (login.Password.Reveal() == "") {
			t.Errorf("user '%s', by key: %v", login.User, login.ByKey)
		}
		if again, failure := ParseLogin(contentType, []byte(body), nil); isJSON(parseMediaType(contentType)) && body != "" && (failure != nil || again != login) {
			t.Error("the query has changed what JSON says")
		}
	})
}

func TestPasswordChangesAreRead(t *testing.T) {
	want := PasswordChange{Old: secret("o"), New: secret("n")}
	for contentType, body := range map[string]string{
		jsonType: `{"old_password":"o","new_password":"n"}`,
		formType: `old_password=o&new_password=n`,
	} {
		got, failure := ParsePasswordChange(contentType, []byte(body), nil)
		if diff := cmp.Diff(want, got, compareSecrets); failure != nil || diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", contentType, told(failure), diff)
		}
	}
}

func TestPasswordChangesAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		body, query string
		want        *Failure
	}{
		"no body":                    {"", "", InvalidData},
		"no old password":            {`{"new_password":"n"}`, "", InvalidData},
		"no new password":            {`{"old_password":"o"}`, "", InvalidData},
		"an empty one":               {`{"old_password":"o","new_password":""}`, "", InvalidData},
		"null":                       {`{"old_password":"o","new_password":null}`, "", InvalidData},
		"a number":                   {`{"old_password":"o","new_password":1}`, "", InvalidData},
		"twice":                      {`{"old_password":"o","new_password":"n","New_Password":"m"}`, "", InvalidData},
		"no JSON":                    {`old_password=o`, "", NoDataBlock},
		"in the query":               {"", "old_password=o&new_password=n", QueryCredentials},
		"in the query and elsewhere": {`{"old_password":"o","new_password":"n"}`, "new_password=n", QueryCredentials},
	} {
		if _, failure := ParsePasswordChange(jsonType, []byte(test.body), query(test.query)); failure != test.want {
			t.Errorf("%s: got '%s', want '%s'", name, told(failure), told(test.want))
		}
	}
}

func TestLoginAnswersAreHowlers(t *testing.T) {
	for name, test := range map[string]struct {
		answer LoginAnswer
		want   map[string]any
	}{
		"by password": {
			LoginAnswer{AppToken: secret("alice:ab"), Privileges: principal.AllScopes},
			map[string]any{"app_token": "alice:ab", "provider": nil, "refresh_token": nil, "privileges": []any{"R", "W", "E"}},
		},
		"by another provider": {
			LoginAnswer{AppToken: secret("a.b.c"), Provider: "keycloak", RefreshToken: secret("r"), Privileges: principal.AllScopes},
			map[string]any{"app_token": "a.b.c", "provider": "keycloak", "refresh_token": "r", "privileges": []any{"R", "W", "E"}},
		},
		"by a key that opens nothing, with a refresh token": {
			LoginAnswer{AppToken: secret("alice:ab"), RefreshToken: secret("r")},
			map[string]any{"app_token": "alice:ab", "provider": nil, "refresh_token": "r", "privileges": []any{}},
		},
	} {
		if diff := cmp.Diff(any(test.want), asJSON(t, test.answer)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLoginsByProviderAreRead(t *testing.T) {
	back := Login{Provider: "keycloak", Return: ProviderReturn{State: secret("s"), Code: secret("c"), Issuer: "https://idp.example"}}
	for name, test := range map[string]struct {
		contentType, body, query string
		want                     Login
	}{
		"in JSON":                    {jsonType, `{"provider":"keycloak"}`, "", Login{Provider: "keycloak"}},
		"by its long name, refresh":  {jsonType, `{"oauth_provider":"keycloak","refresh_token":"r"}`, "", Login{Provider: "keycloak", RefreshToken: secret("r")}},
		"in a form":                  {formType, `provider=keycloak`, "", Login{Provider: "keycloak"}},
		"the short name wins":        {jsonType, `{"provider":"keycloak","oauth_provider":"other"}`, "", Login{Provider: "keycloak"}},
		"back in the query":          {"", "", "provider=keycloak&code=c&state=s&iss=https://idp.example&session_state=x", back},
		"back in JSON":               {jsonType, `{"provider":"keycloak","code":"c","state":"s","iss":"https://idp.example"}`, "", back},
		"named in the query only":    {jsonType, `{"code":"c","state":"s","iss":"https://idp.example"}`, "provider=keycloak", back},
		"refused by the provider":    {"", "", "provider=keycloak&error=access_denied&state=s", Login{Provider: "keycloak", Return: ProviderReturn{State: secret("s"), Error: "access_denied"}}},
		"it comes before a password": {jsonType, `{"provider":"keycloak","user":"a","password":"p","apikey":"k:s"}`, "", Login{Provider: "keycloak"}},
	} {
		got, failure := ParseLogin(test.contentType, []byte(test.body), query(test.query))
		if diff := cmp.Diff(test.want, got, compareSecrets); diff != "" || failure != nil {
			t.Errorf("%s: %s (-want +got):\n%s", name, told(failure), diff)
		}
		if test.want.Return.Empty() != (test.want.Return == ProviderReturn{}) {
			t.Errorf("%s: somebody has come back, or nobody", name)
		}
	}
	for name, test := range map[string]struct{ body, query string }{
		"two codes":                     {"", "provider=keycloak&code=c&code=d"},
		"two states in the query":       {"", "provider=keycloak&code=c&state=s&state=t"},
		"a code in two cases":           {`{"provider":"keycloak","code":"c","Code":"d"}`, ""},
		"two providers":                 {`{"provider":"keycloak"}`, "provider=other"},
		"a code in query and body":      {`{"provider":"keycloak","code":"c"}`, "code=d"},
		"a provider that is not a text": {`{"provider":["keycloak"]}`, ""},
	} {
		if _, failure := ParseLogin(jsonType, []byte(test.body), query(test.query)); failure != InvalidData {
			t.Errorf("%s: %s", name, told(failure))
		}
	}
}

// FuzzParseLogin holds that a log-in is either refused or has a provider, or a user
// and exactly one credential, and that JSON and a form say the same.
func FuzzParseLogin(f *testing.F) {
	for _, body := range []string{
		`{"user":"a","password":"p"}`, `{"user":"a","apikey":"k:s"}`, `user=a&password=p`, `{"provider":"x"}`,
		`{"user":"a","USER":"b"}`, `[]`, `{}{}`, "{\"\xff\":1}", `user=a&user=b`, `{"u\u017fer":"a"}`,
	} {
		f.Add(jsonType, body, "")
		f.Add(formType, body, "nonce=1")
	}
	f.Add("text/plain", "x", "password=p")
	f.Fuzz(func(t *testing.T, contentType, body, rawQuery string) {
		asked, err := url.ParseQuery(rawQuery)
		if err != nil {
			return
		}
		login, failure := ParseLogin(contentType, []byte(body), asked)
		if failure != nil {
			if login != (Login{}) || failure.Status < 400 || failure.Status > 499 {
				t.Errorf("%+v, %+v", login, *failure)
			}
			return
		}
		if login.Provider != "" {
			if login.User+login.Password.Reveal()+login.Key.Reveal() != "" {
				t.Errorf("by provider, and as user '%s'", login.User)
			}
			return
		}
		if login.User == "" || login.ByKey != (login.Password.Reveal() == "") || !login.ByKey && login.KeyName+login.Key.Reveal() != "" {
			t.Errorf("user '%s', by key: %v", login.User, login.ByKey)
		}
		if slices.ContainsFunc(slices.Collect(maps.Keys(asked)), func(name string) bool { return strings.EqualFold(name, "password") }) {
			t.Error("a password in the query was let through")
		}
		sameInAForm(t, login)
	})
}

func sameInAForm(t *testing.T, login Login) {
	t.Helper()
	form := url.Values{"user": {login.User}, "refresh_token": {login.RefreshToken.Reveal()}}
	switch {
	case !login.ByKey:
		form.Set("password", login.Password.Reveal())
	case login.KeyName == "" && !strings.Contains(login.Key.Reveal(), ":") && login.Key.Reveal() != "":
		form.Set("apikey", login.Key.Reveal())
	default:
		form.Set("apikey", login.KeyName+":"+login.Key.Reveal())
	}
	again, failure := ParseLogin(formType, []byte(form.Encode()), nil)
	if failure != nil || again != login {
		t.Errorf("in a form it is %s: user '%s'", told(failure), again.User)
	}
}

func BenchmarkParseLogin(b *testing.B) {
	body := []byte(`{"user":"alice","password":"correct horse battery staple"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, failure := ParseLogin(jsonType, body, nil); failure != nil {
			b.Fatal(failure.Text)
		}
	}
}

// FuzzParsePasswordChange holds that a change is either refused or has both
// passwords, and that JSON and a form say the same.
func FuzzParsePasswordChange(f *testing.F) {
	for _, body := range []string{
		`{"old_password":"o","new_password":"n"}`, `old_password=o&new_password=n`, `{"old_password":"o","Old_Password":"p"}`,
		`{"old_password":null}`, `[]`, `old_password=%ff&new_password=+`, `{"old_password":"\ud800","new_password":"\u0000"}`,
	} {
		f.Add(jsonType, body, "")
		f.Add(formType, body, "nonce=1")
	}
	f.Add("text/plain", "x", "new_password=p")
	f.Fuzz(func(t *testing.T, contentType, body, rawQuery string) {
		asked, err := url.ParseQuery(rawQuery)
		if err != nil {
			return
		}
		change, failure := ParsePasswordChange(contentType, []byte(body), asked)
		if failure != nil {
			if change != (PasswordChange{}) || failure.Status < 400 || failure.Status > 499 {
				t.Errorf("%+v, %+v", change, *failure)
			}
			return
		}
		if change.Old.Reveal() == "" || change.New.Reveal() == "" || hasCredentials(asked) {
			t.Errorf("%q of %q was let through", body, rawQuery)
		}
		form := url.Values{"old_password": {change.Old.Reveal()}, "new_password": {change.New.Reveal()}}
		if again, failure := ParsePasswordChange(formType, []byte(form.Encode()), nil); failure != nil || again != change {
			t.Errorf("in a form it is another one: %s", told(failure))
		}
	})
}
