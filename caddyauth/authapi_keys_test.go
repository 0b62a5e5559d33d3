package caddyauth_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

const keysPath = "/api/v1/auth/apikey"

func TestTheLifeOfAKey(t *testing.T) {
	a := startAPI(t, "")
	me := basic("alice:" + alicePassword)
	word := a.makeKey(t, `{"name":"ci","priv":"RW","expiry_date":"2099-01-31T12:00:00Z"}`, me...)
	expectStatus(t, a.whoami(t, bearer(word)...), 200, "")

	r := a.Get(t, keysPath, me...)
	list := payload[[]map[string]any](t, r)
	if len(list) != 1 {
		t.Fatalf("the keys are %v", list)
	}
	for name, want := range map[string]any{
		"name": "ci", "privileges": []any{"R", "W"}, "expires": "2099-01-31T12:00:00Z", "created_by": "user:alice",
	} {
		if !cmp.Equal(list[0][name], want) {
			t.Errorf("%s is %v, want %v", name, list[0][name], want)
		}
	}
	if strings.Contains(r.Text, word[16:]) {
		t.Error("the list has the secret")
	}

	if got := payload[map[string]any](t, a.Do(t, "POST", keysPath+"/ci/disable", nil, me...)); got["disabled"] == nil {
		t.Errorf("disabled: %v", got)
	}
	expectFailure(t, a.whoami(t, bearer(word)...), 401, "invalid_token", "Invalid token")
	if got := payload[map[string]any](t, a.Do(t, "POST", keysPath+"/ci/enable", nil, me...)); got["disabled"] != nil {
		t.Errorf("enabled: %v", got)
	}
	expectStatus(t, a.whoami(t, bearer(word)...), 200, "")

	rotated := wordOf(t, a.Do(t, "POST", keysPath+"/ci/rotate", nil, me...))
	expectFailure(t, a.whoami(t, bearer(word)...), 401, "invalid_token", "Invalid token")
	expectStatus(t, a.whoami(t, bearer(rotated)...), 200, "")

	deleted := a.Do(t, "DELETE", keysPath+"/ci/", nil, me...)
	if deleted.StatusCode != 204 || deleted.Text != "" || deleted.Header.Get("Cache-Control") != "no-store" || deleted.Header.Get("Content-Type") != "" {
		t.Errorf("deleted: %d '%s' %v", deleted.StatusCode, deleted.Text, deleted.Header)
	}
	expectFailure(t, a.whoami(t, bearer(rotated)...), 401, "invalid_token", "Invalid token")
	for _, one := range [][2]string{{"DELETE", "/ci"}, {"POST", "/ci/disable"}, {"POST", "/ci/enable"}, {"POST", "/ci/rotate"}, {"DELETE", "/a%20b"}} {
		expectFailure(t, a.Do(t, one[0], keysPath+one[1], nil, me...), 404, "not_found", "Api key does not exist")
	}
	if list := a.Get(t, keysPath, me...); !strings.Contains(list.Text, `"api_response":[]`) {
		t.Errorf("the keys at the end: %s", list.Text)
	}
	// The name is free again.
	a.makeKey(t, `{"name":"ci","priv":["R"]}`, me...)

	events, err := a.Events(t.Context(), 20)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range slices.Backward(events) {
		if e.Actor == "user:alice" {
			kinds = append(kinds, e.Kind)
		}
	}
	if diff := cmp.Diff([]string{"key.issue", "key.disable", "key.enable", "key.rotate", "key.revoke", "key.issue"}, kinds); diff != "" {
		t.Errorf("the audit trail (-want +got):\n%s", diff)
	}
}

func TestAKeyThatAnAdministratorHasDisabledStaysSo(t *testing.T) {
	a := startAPI(t, "")
	me := basic("alice:" + alicePassword)
	a.makeKey(t, `{"name":"ci","priv":"R"}`, me...)
	if _, err := a.DisableKey(t.Context(), "os:root", store.KeyRef{UserFold: "alice", Name: "ci"}); err != nil {
		t.Fatal(err)
	}
	expectFailure(t, a.Do(t, "POST", keysPath+"/ci/enable", nil, me...), 403, "insufficient_scope",
		"An administrator has disabled the key. Ask one to enable it.")
}

func TestOnesOwnKeysOnly(t *testing.T) {
	a := startAPI(t, "")
	word := a.issue(a.Server, "ci")
	bob := basic("bob:" + bobPassword)
	for _, one := range [][2]string{{"DELETE", "/ci"}, {"POST", "/ci/disable"}, {"POST", "/ci/enable"}, {"POST", "/ci/rotate"}} {
		expectFailure(t, a.Do(t, one[0], keysPath+one[1], nil, bob...), 404, "not_found", "Api key does not exist")
	}
	expectStatus(t, a.whoami(t, bearer(word)...), 200, "")
	a.makeKey(t, `{"name":"ci","priv":"R"}`, bob...)
	if list := payload[[]map[string]any](t, a.Get(t, keysPath, bob...)); len(list) != 1 {
		t.Errorf("bob's keys are %v", list)
	}
}

func TestAKeyForImpersonationHasAgents(t *testing.T) {
	a := startAPI(t, "")
	me := basic("alice:" + alicePassword)
	word := a.makeKey(t, `{"name":"deputy","priv":"RIW","agents":["BOB","group:ops"]}`, me...)
	list := payload[[]struct {
		Name               string
		Privileges, Agents []string
	}](t, a.Get(t, keysPath, me...))
	if len(list) != 1 || list[0].Name != "impersonate_deputy" || !cmp.Equal(list[0].Privileges, []string{"R", "W", "I"}) || !cmp.Equal(list[0].Agents, []string{"bob", "group:ops"}) {
		t.Errorf("the keys are %+v", list)
	}
	const text = "Cannot use impersonation key in normal Authorization Header! Provide your credentials and supply it in the X-Impersonating header instead."
	for _, headers := range [][]string{basic("alice:impersonate_deputy:" + word), basic("alice:" + word), bearer(word)} {
		expectFailure(t, a.whoami(t, headers...), 403, "impersonation_refused", text)
	}
	expectFailure(t, postJSON(t, a.Server, loginPath, `{"user":"alice","apikey":"`+word+`"}`), 403, "impersonation_refused", text)
	expectFailure(t, a.whoami(t, basic("alice:impersonate_deputy:"+flip(word[:1])+word[1:])...), 401, "invalid_login", "Invalid login information")
	if r := a.Do(t, "DELETE", keysPath+"/impersonate_deputy", nil, me...); r.StatusCode != 204 {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
}

func TestKeysThatAreNotMade(t *testing.T) {
	a := startAPI(t, "")
	me := basic("alice:" + alicePassword)
	a.makeKey(t, `{"name":"taken","priv":"I"}`, me...)
	for name, test := range map[string]struct {
		body       string
		status     int
		code, text string
	}{
		"no body":                              {``, 400, "invalid_request", "No data block provided or data block not in JSON format.'"},
		"no name":                              {`{"priv":"R"}`, 400, "invalid_request", "Invalid data format"},
		"no privileges":                        {`{"name":"x"}`, 400, "invalid_request", "Invalid data format"},
		"a name with a colon":                  {`{"name":"a:b","priv":"R"}`, 400, "invalid_request", "Invalid API key name. Use 1 to 64 letters, digits and . _ - with a letter or digit first."},
		"a name that is taken with its prefix": {`{"name":"taken","priv":"IX"}`, 400, "already_exists", "APIKey 'impersonate_taken' already exists"},
		"an agent that cannot be":              {`{"name":"x","priv":"I","agents":["a b"]}`, 400, "invalid_request", "user name 'a b': use 1 to 64 letters, digits and . _ - @"},
		"a group that cannot be":               {`{"name":"x","priv":"I","agents":["group:a b"]}`, 400, "invalid_request", "group 'a b': use 1 to 64 letters, digits and . _ - with a letter or digit first"},
		"a date in the past":                   {`{"name":"x","priv":"R","expiry_date":"2020-01-01"}`, 400, "invalid_request", "Expiry date must be in the future."},
		"a date after 2106":                    {`{"name":"x","priv":"R","expiry_date":"3000-01-01"}`, 400, "invalid_request", "times end at 2106-02-07T06:28:14Z"},
		"too long":                             {`{"name":"` + strings.Repeat("a", 64<<10) + `","priv":"R"}`, 413, "too_large", "The body is longer than 64 KiB."},
	} {
		t.Run(name, func(t *testing.T) {
			expectFailure(t, postJSON(t, a.Server, keysPath, test.body, me...), test.status, test.code, test.text)
		})
	}
}

func TestAKeyCannotMakeOneThatIsWorthMore(t *testing.T) {
	a := startAPI(t, "")
	const text = "That would be worth more than the credential that asks for it."
	issue := func(name string, change func(*identity.NewKey)) []string {
		return bearer(a.issue(a.Server, name, func(n *identity.NewKey) { n.Scopes = principal.AllScopes; change(n) }))
	}
	free := issue("free", func(*identity.NewKey) {})
	readExtended := issue("readextended", func(n *identity.NewKey) { n.Scopes = principal.Read | principal.Extended })
	ending := issue("ending", func(n *identity.NewKey) { n.Expires = time.Now().Add(time.Hour) })
	here := issue("here", func(n *identity.NewKey) { n.Networks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })

	// What is bound to nothing makes keys up to its own scopes.
	a.makeKey(t, `{"name":"child1","priv":"RWE"}`, free...)
	a.makeKey(t, `{"name":"child2","priv":"RE"}`, readExtended...)
	expectFailure(t, postJSON(t, a.Server, keysPath, `{"name":"child3","priv":"RW"}`, readExtended...), 403, "insufficient_scope", text)
	for _, key := range [][]string{ending, here} {
		expectFailure(t, postJSON(t, a.Server, keysPath, `{"name":"child4","priv":"R"}`, key...), 403, "insufficient_scope", text)
	}

	// A token is worth what its key is.
	r := postJSON(t, a.Server, loginPath, `{"user":"alice","apikey":"`+ending[1][len("Bearer "):]+`"}`)
	token := bearer(payload[struct {
		Token string `json:"app_token"`
	}](t, r).Token)
	expectFailure(t, postJSON(t, a.Server, keysPath, `{"name":"child5","priv":"R"}`, token...), 403, "insufficient_scope", text)
	a.makeKey(t, `{"name":"child6","priv":"RWE"}`, bearer(a.logIn(t, "alice", alicePassword).token)...)
	a.makeKey(t, `{"name":"child7","priv":"RWE"}`, withCookie(a.logIn(t, "alice", alicePassword).cookie)...)

	// To rotate a key is to get its secret.
	expectFailure(t, a.Do(t, "POST", keysPath+"/free/rotate", nil, readExtended...), 403, "insufficient_scope", text)
	expectFailure(t, a.Do(t, "POST", keysPath+"/free/rotate", nil, ending...), 403, "insufficient_scope", text)
	expectFailure(t, a.Do(t, "POST", keysPath+"/child2/rotate", nil, here...), 403, "insufficient_scope", text)
	rotated := wordOf(t, a.Do(t, "POST", keysPath+"/ending/rotate", nil, ending...))
	k, err := a.Key(t.Context(), store.KeyRef{UserFold: "alice", Name: "ending"})
	if err != nil || k.Expires.IsZero() {
		t.Errorf("a key that has rotated itself: expires %s, %v", k.Expires, err)
	}
	expectStatus(t, a.whoami(t, bearer(rotated)...), 200, "")

	// While the old secret of a key is still accepted, it may be the one.
	if _, _, err := a.RotateKey(t.Context(), "test", store.KeyRef{UserFold: "alice", Name: "free"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	waitForStore()
	expectFailure(t, postJSON(t, a.Server, keysPath, `{"name":"child8","priv":"R"}`, free...), 403, "insufficient_scope", text)
}

func TestManyKeysAreListed(t *testing.T) {
	a := startAPI(t, "")
	for i := range 501 {
		if _, _, err := a.IssueKey(t.Context(), "test", identity.NewKey{Username: "bob", Name: "k" + strings.Repeat("0", i%10) + string(rune('a'+i%26)) + time.Now().Format("150405.000000000")}); err != nil {
			t.Fatal(err)
		}
	}
	if list := payload[[]any](t, a.Get(t, keysPath, basic("bob:"+bobPassword)...)); len(list) != 501 {
		t.Errorf("%d keys are listed", len(list))
	}
}

func TestTwoKeysOfOneNameAtOnce(t *testing.T) {
	a := startAPI(t, "")
	me := bearer(a.logIn(t, "alice", alicePassword).token)
	answers := make(chan caddyrun.Response, 8)
	for range cap(answers) {
		go func() { answers <- postJSON(t, a.Server, keysPath, `{"name":"ci","priv":"R"}`, me...) }()
	}
	made := 0
	for range cap(answers) {
		if r := <-answers; r.StatusCode == 200 {
			made++
		} else {
			expectFailure(t, r, 400, "already_exists", "APIKey 'ci' already exists")
		}
	}
	if made != 1 {
		t.Errorf("%d keys of one name were made", made)
	}
}
