package caddyauth_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
)

const usersPath = "/api/v1/user/"

// send sends JSON by any method.
func (a *api) send(t testing.TB, method, path, body string, headers ...string) caddyrun.Response {
	t.Helper()
	return a.Do(t, method, path, []byte(body), append([]string{"Content-Type", "application/json"}, headers...)...)
}

func TestAnAdministratorAddsUsers(t *testing.T) {
	a := startAPI(t, "")
	alice := basic("alice:" + alicePassword)
	expectStatus(t, a.send(t, "POST", usersPath+"Carol", `{"new_pass":"copper lantern friday 31","email":"carol@example.org"}`, alice...), 200, "")
	got := payload[map[string]any](t, a.Get(t, usersPath+"carol", alice...))
	want := map[string]any{
		"username": "Carol", "uname": "Carol", "name": "Carol", "email": "carol@example.org", "groups": []any{"USERS"},
		"roles": []any{"actionrunner_basic", "user"}, "is_active": true, "is_admin": false, "has_password": true, "api_quota": 25.0,
		"apikeys": []any{}, "avatar": nil, "classification": "", "dashboard": []any{}, "favourite_analytics": []any{}, "favourite_views": []any{}, "refresh_rate": 15.0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	a.logIn(t, "carol", "copper lantern friday 31")
	expectStatus(t, a.send(t, "POST", usersPath+"dave/", `{"name":"Dave D.","type":["admin"],"is_admin":true,"groups":[],"is_active":false,"api_quota":3,"username":"DAVE"}`, alice...), 200, "")
	got = payload[map[string]any](t, a.Get(t, usersPath+"dave", alice...))
	for field, want := range map[string]any{"name": "Dave D.", "is_admin": true, "is_active": false, "has_password": false, "api_quota": 3.0, "groups": []any{}} {
		if diff := cmp.Diff(want, got[field]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", field, diff)
		}
	}
	for name, test := range map[string]struct {
		user, body string
		code, text string
	}{
		"a name that is taken":          {"carol", `{}`, "already_exists", "The username you are trying to add already exists."},
		"a taken name, a bad password":  {"CAROL", `{"new_pass":"x"}`, "already_exists", "The username you are trying to add already exists."},
		"braces":                        {"%7Bx%7D", `{}`, "invalid_request", "You can't use '{}' in the username"},
		"a name of ours":                {"WhoAmI", `{}`, "invalid_request", "There is an endpoint of this name. Choose another username."},
		"a name of ours, full width":    {"%EF%BD%97hoami", `{}`, "invalid_request", "There is an endpoint of this name. Choose another username."},
		"a name that nobody can have":   {"a%3Ab", `{}`, "invalid_request", "user name 'a:b': use 1 to 64 letters, digits and . _ - @"},
		"another name in the body":      {"erin", `{"uname":"frank"}`, "invalid_request", "The username differs from that of the path."},
		"a short password":              {"erin", `{"new_pass":"short"}`, "weak_password", "Password needs to be at least 12 characters"},
		"the hash of a password":        {"erin", `{"password":"x"}`, "invalid_request", "Set the password by new_pass."},
		"a field that there is not":     {"erin", `{"rolls":["admin"]}`, "invalid_request", "Unknown field [rolls]."},
		"a list":                        {"erin", `[]`, "invalid_request", "Invalid data format"},
		"a role with a blank":           {"erin", `{"roles":["a b"]}`, "invalid_request", "role 'a b': use 1 to 64 letters, digits and . _ - with a letter or digit first"},
		"an administrator without role": {"erin", `{"is_admin":true}`, "invalid_request", "is_admin does not agree with the roles. Change the roles."},
		"a quota that is too large":     {"erin", `{"api_quota":1000001}`, "invalid_request", "quota 1000001: it can be 0 to 1000000"},
	} {
		t.Run(name, func(t *testing.T) {
			expectFailure(t, a.send(t, "POST", usersPath+test.user, test.body, alice...), 400, test.code, test.text)
		})
	}
	expectFailure(t, a.send(t, "POST", usersPath+"erin", `{}`, basic("bob:"+bobPassword)...), 403, "insufficient_scope", "/api/v1/user/erin requires one of the following user types: admin")
	expectFailure(t, a.Get(t, usersPath+"erin", alice...), 404, "not_found", "User erin does not exist")
}

func TestAnAdministratorDeletesUsers(t *testing.T) {
	a := startAPI(t, "")
	alice, bobs := basic("alice:"+alicePassword), a.logIn(t, "bob", bobPassword)
	expectFailure(t, a.Do(t, "DELETE", usersPath+"alice", nil, bearer(bobs.token)...), 403, "insufficient_scope", "/api/v1/user/alice requires one of the following user types: admin")
	if r := a.Do(t, "DELETE", usersPath+"BOB", nil, alice...); r.StatusCode != 204 || r.Text != "" {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
	expectFailure(t, a.whoami(t, bearer(bobs.token)...), 401, "invalid_token", "Invalid token")
	expectFailure(t, a.Do(t, "DELETE", usersPath+"bob", nil, alice...), 404, "not_found", "User bob does not exist")
	expectFailure(t, a.Do(t, "DELETE", usersPath+"a%3Ab", nil, alice...), 404, "not_found", "User a:b does not exist")
	mine := a.logIn(t, "alice", alicePassword)
	if r := a.Do(t, "DELETE", usersPath+"alice", nil, withCookie(mine.cookie)...); r.StatusCode != 204 || !cleared(r) {
		t.Errorf("oneself: %d %v", r.StatusCode, r.Header)
	}
}

func TestWhoMayChangeWhatOfAUser(t *testing.T) {
	a := startAPI(t, "")
	alice, bob := basic("alice:"+alicePassword), basic("bob:"+bobPassword)
	key := bearer(a.issue(a.Server, "ci", func(n *identity.NewKey) { n.Username, n.Scopes = "bob", principal.AllScopes }))
	// Pages send the whole record, as it was read.
	whole, err := json.Marshal(payload[map[string]any](t, a.Get(t, usersPath+"bob", bob...)))
	if err != nil {
		t.Fatal(err)
	}
	only := func(field string) string {
		return "Only Administrators can change the value of the field [" + field + "]."
	}
	for _, test := range []struct {
		name, user, body string
		caller           []string
		status           int
		text             string
	}{
		{"the whole record as it is", "bob", string(whole), bob, 200, ""},
		{"nothing", "bob", `{}`, key, 200, ""},
		{"one's own name", "BOB", `{"name":"Bob B.","roles":["user","user"]}`, key, 200, ""},
		{"the name of another", "bob", `{"name":"Robert","api_quota":2,"groups":["ops"],"is_active":true}`, alice, 200, ""},
		{"another user", "alice", `{"name":"x"}`, bob, 403, "You are not allowed to change another user than yourself."},
		{"another user who is not there", "zoe", `{"name":"x"}`, bob, 403, "You are not allowed to change another user than yourself."},
		{"a user who is not there", "zoe", `{"name":"x"}`, alice, 404, "User zoe does not exist"},
		{"one's roles", "bob", `{"roles":["admin"]}`, bob, 403, only("roles")},
		{"one's type", "bob", `{"type":["admin"]}`, bob, 403, only("type")},
		{"one's groups", "bob", `{"groups":[]}`, bob, 403, only("groups")},
		{"one's state", "bob", `{"is_active":false}`, bob, 403, only("is_active")},
		{"one's quota", "bob", `{"api_quota":0}`, bob, 403, only("api_quota")},
		{"one's rights by another name", "bob", `{"is_admin":true}`, bob, 400, "is_admin does not agree with the roles. Change the roles."},
		{"an empty name", "bob", `{"name":""}`, alice, 400, "Full name of the user cannot be empty"},
		{"an address", "bob", `{"email":"x@example.org"}`, alice, 400, "Cannot update user's email"},
		{"a username", "bob", `{"uname":"x"}`, alice, 400, "Cannot update user's username"},
		{"a hash", "bob", `{"password":"x"}`, alice, 400, "Set the password by new_pass."},
		{"a role that cannot be", "bob", `{"roles":["a b"]}`, alice, 400, "role 'a b': use 1 to 64 letters, digits and . _ - with a letter or digit first"},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectStatus(t, a.send(t, "PUT", usersPath+test.user, test.body, test.caller...), test.status, test.text)
		})
	}
	got := payload[map[string]any](t, a.Get(t, usersPath+"bob", bob...))
	for field, want := range map[string]any{"name": "Robert", "api_quota": 2.0, "groups": []any{"ops"}, "roles": []any{"user"}} {
		if diff := cmp.Diff(want, got[field]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", field, diff)
		}
	}
	events, err := a.Events(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	var edits []string
	for _, e := range events {
		if e.Kind == "user.edit" {
			edits = append(edits, e.Actor+" "+e.Detail)
		}
	}
	if diff := cmp.Diff([]string{"user:alice bob: display name, groups, quota", "user:bob bob: display name"}, edits); diff != "" {
		t.Errorf("the audit trail (-want +got):\n%s", diff)
	}
}

func TestPasswordsInARecord(t *testing.T) {
	a := startAPI(t, "")
	const second, third = "copper lantern friday 31", "silver harbour monday 58"
	alice, bobs := basic("alice:"+alicePassword), a.logIn(t, "bob", bobPassword)
	token := bearer(bobs.token)
	put := func(body string, headers []string) caddyrun.Response {
		return a.send(t, "PUT", usersPath+"bob", body, headers...)
	}
	expectFailure(t, put(`{"new_pass":"`+second+`"}`, token), 403, "invalid_login", "Changing your password needs the old one: send old_pass, or log in by password.")
	expectFailure(t, put(`{"new_pass":"`+second+`","old_pass":"wrong"}`, token), 403, "invalid_login", "The old password is wrong.")
	expectFailure(t, put(`{"new_pass":"`+second+`","old_pass":"`+strings.Repeat("x", 2000)+`"}`, token), 403, "invalid_login", "The old password is wrong.")
	expectFailure(t, put(`{"new_pass":"short","old_pass":"wrong"}`, token), 400, "weak_password", "Password needs to be at least 12 characters")
	expectStatus(t, put(`{"new_pass":"`+second+`","old_pass":"`+bobPassword+`","name":"Bob B."}`, token), 200, "")
	expectFailure(t, a.whoami(t, token...), 401, "invalid_token", "Invalid token")
	expectStatus(t, put(`{"new_pass":"`+third+`"}`, basic("bob:"+second)), 200, "")
	bobs = a.logIn(t, "bob", third)
	expectStatus(t, put(`{"new_pass":"`+second+`","is_active":false}`, alice), 200, "")
	expectFailure(t, a.whoami(t, bearer(bobs.token)...), 401, "invalid_token", "Invalid token")
	expectFailure(t, a.whoami(t, basic("bob:"+second)...), 401, "invalid_login", "Invalid login information")
	expectStatus(t, put(`{"is_active":true}`, alice), 200, "")
	a.logIn(t, "bob", second)
}

func TestARecordHasATagOfAllThatIsTold(t *testing.T) {
	a := startAPI(t, "")
	alice := basic("alice:" + alicePassword)
	get := func(headers ...string) caddyrun.Response {
		t.Helper()
		return a.Get(t, usersPath+"bob", append(headers, alice...)...)
	}
	first := get().Header.Get("ETag")
	for _, headers := range [][]string{{"If-None-Match", first}, {"If-Match", first}, {"If-Match", strings.Trim(first, `"`)}, {"If-None-Match", `"x", ` + first}} {
		if r := get(headers...); r.StatusCode != 304 || r.Text != "" || r.Header.Get("ETag") != first {
			t.Errorf("%v: %d '%s' %v", headers, r.StatusCode, r.Text, r.Header)
		}
	}
	expectStatus(t, get("If-None-Match", `"x"`), 200, "")
	// A key is in the record, and its version is not that of the user.
	a.issue(a.Server, "ci", func(n *identity.NewKey) { n.Username = "bob" })
	second := get("If-None-Match", first)
	if tag := second.Header.Get("ETag"); second.StatusCode != 200 || tag == first {
		t.Errorf("with a key: %d %s", second.StatusCode, tag)
	}
	put := func(tag string) caddyrun.Response {
		t.Helper()
		return a.send(t, "PUT", usersPath+"bob", `{"name":"`+strings.Trim(tag, `"*`)+`"}`, append([]string{"If-Match", tag}, alice...)...)
	}
	const text = "The user has changed since. Get the record again, and send its ETag in If-Match."
	expectFailure(t, put(first), 412, "version_differs", text)
	expectStatus(t, put(second.Header.Get("ETag")), 200, "")
	expectFailure(t, put(second.Header.Get("ETag")), 412, "version_differs", text)
	expectStatus(t, a.send(t, "PUT", usersPath+"bob", `{"name":"Bob"}`, append([]string{"If-Match", "*"}, alice...)...), 200, "")
}

func TestConfigsArePublic(t *testing.T) {
	a := startAPI(t, "max_key_lifetime 90d\nno_extended_keys")
	const want = `{"configuration":{"auth":{"allow_apikeys":true,"allow_extended_apikeys":false,"max_apikey_duration_amount":90,` +
		`"max_apikey_duration_unit":"days","oauth_providers":[],"internal":{"enabled":true}}}}`
	if got := string(readEnvelope(t, a.Get(t, "/api/v1/configs/")).Response); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestALimitedKeyLetsNobodyInWhoOutlastsIt(t *testing.T) {
	a := startAPI(t, "")
	const text = "That would be worth more than the credential that asks for it."
	key := bearer(a.issue(a.Server, "ending", func(n *identity.NewKey) { n.Scopes, n.Expires = principal.AllScopes, time.Now().Add(time.Hour) }))
	r := postJSON(t, a.Server, loginPath, `{"user":"alice","apikey":"`+key[1][len("Bearer "):]+`"}`)
	token := bearer(payload[struct {
		Token string `json:"app_token"`
	}](t, r).Token)
	for name, headers := range map[string][]string{"the key": key, "its token": token} {
		t.Log(name)
		expectFailure(t, a.send(t, "POST", usersPath+"mallory", `{"type":["admin"],"new_pass":"copper lantern friday 31"}`, headers...), 403, "insufficient_scope", text)
		for _, body := range []string{`{"new_pass":"copper lantern friday 31"}`, `{"type":["admin"]}`, `{"groups":["ops"]}`} {
			expectFailure(t, a.send(t, "PUT", usersPath+"bob", body, headers...), 403, "insufficient_scope", text)
		}
		expectStatus(t, a.send(t, "PUT", usersPath+"bob", `{"is_active":false,"api_quota":3,"name":"Bob of `+name+`"}`, headers...), 200, "")
		expectFailure(t, a.send(t, "PUT", usersPath+"bob", `{"is_active":true}`, headers...), 403, "insufficient_scope", text)
		expectStatus(t, a.send(t, "PUT", usersPath+"bob", `{"is_active":true}`, basic("alice:"+alicePassword)...), 200, "")
	}
	if r := a.Do(t, "DELETE", usersPath+"bob", nil, key...); r.StatusCode != 204 {
		t.Errorf("deleting: %d %s", r.StatusCode, r.Text)
	}
}
