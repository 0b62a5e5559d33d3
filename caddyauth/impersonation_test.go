package caddyauth_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// acting is a server behind whose gates alice lets bob, an operator, act as her: by a
// key with read and write. He has a key with read and extended.
type acting struct {
	*caddyrun.Server
	*admin
	bob, key string
}

func startActing(t *testing.T, directives string) *acting {
	t.Helper()
	s, a := start(t, directives)
	if _, err := a.AddUser(t.Context(), "test", identity.NewUser{Username: "bob", Password: bobPassword, Roles: []string{"operator"}}); err != nil {
		t.Fatal(err)
	}
	_, own, err := a.IssueKey(t.Context(), "test", identity.NewKey{Username: "bob", Name: "own", Scopes: principal.Read | principal.Extended})
	if err != nil {
		t.Fatal(err)
	}
	key := a.issueNow("impersonate_ops", func(n *identity.NewKey) {
		n.Impersonation, n.Agents, n.Scopes = true, []string{"bob"}, principal.Read|principal.Write
	})
	time.Sleep(propagation)
	return &acting{s, a, own.Reveal(), key}
}

// as are the headers of who acts by a key of alice.
func as(key string, own []string) []string {
	return append([]string{"X-Impersonating", basic("alice:impersonate_ops:" + key)[1]}, own...)
}

const whoActs = `respond "{http.auth.user.id} {http.auth.user.roles} {http.auth.user.scopes} {http.auth.user.method} by {http.auth.user.impersonator}; {header.X-Impersonating}{header.Authorization}"`

func TestAGateLetsAnAgentActAsAnotherUser(t *testing.T) {
	s := startActing(t, "token_auth {\nimpersonation\n}\n"+whoActs)
	for name, test := range map[string]struct {
		headers []string
		want    string
	}{
		"as alice, by key":      {as(s.key, bearer(s.bob)), "alice admin read api_key by bob; "},
		"as alice, by password": {as(s.key, basic("bob:"+bobPassword)), "alice admin read,write password by bob; "},
		"as himself":            {bearer(s.bob), "bob operator read,extended api_key by ; "},
	} {
		if r := s.Get(t, "/", test.headers...); r.StatusCode != 200 || r.Text != test.want {
			t.Errorf("%s: %d '%s', want '%s'", name, r.StatusCode, r.Text, test.want)
		}
	}
}

func TestAGateWithoutImpersonationLeavesTheHeaderAlone(t *testing.T) {
	s := startActing(t, "token_auth\n"+whoActs)
	headers := as(s.key, bearer(s.bob))
	if r, want := s.Get(t, "/", headers...), "bob operator read,extended api_key by ; "+headers[1]; r.Text != want {
		t.Errorf("%d '%s', want '%s'", r.StatusCode, r.Text, want)
	}
}

func TestTheRulesOfAGateAreHeldAgainstTheUserWhoIsActedAs(t *testing.T) {
	s := startActing(t, `
	handle /operator {
		token_auth {
			impersonation
			require role operator
		}
		respond "in"
	}
	handle /extended {
		token_auth {
			impersonation
			require scope extended
		}
		respond "in"
	}
	handle /admin {
		token_auth {
			impersonation
			require role admin
		}
		respond "in"
	}`)
	headers := as(s.key, bearer(s.bob))
	expect(t, s.Get(t, "/operator", headers...), 403, "insufficient_scope")
	expect(t, s.Get(t, "/extended", headers...), 403, "insufficient_scope")
	expect(t, s.Get(t, "/admin", headers...), 200, "")
	expect(t, s.Get(t, "/admin", bearer(s.bob)...), 403, "insufficient_scope")
}

func TestAHeaderThatLetsNobodyActIsRefused(t *testing.T) {
	s := startActing(t, "token_auth {\nimpersonation\n}\nrespond \"in\"")
	ordinary := s.issueNow("ci")
	time.Sleep(propagation)
	for name, test := range map[string]struct {
		header string
		status int
		code   string
	}{
		"one word":              {"Basic", 400, "invalid_request"},
		"another scheme":        {"Bearer alice:" + s.key, 400, "invalid_request"},
		"no base64":             {"Basic !!!", 400, "invalid_request"},
		"an empty header":       {"", 400, "invalid_request"},
		"a wrong key":           {basic("alice:impersonate_ops:" + s.bob)[1], 401, "impersonation_refused"},
		"a password":            {basic("alice:" + bobPassword)[1], 401, "impersonation_refused"},
		"another name of it":    {basic("alice:other:" + s.key)[1], 401, "impersonation_refused"},
		"another user's name":   {basic("bob:impersonate_ops:" + s.key)[1], 401, "impersonation_refused"},
		"a key that is no such": {basic("alice:ci:" + ordinary)[1], 403, "impersonation_refused"},
	} {
		if _, err := s.Unlock(t.Context(), "test", "bob"); err != nil {
			t.Fatal(err)
		}
		r := s.Get(t, "/", append([]string{"X-Impersonating", test.header}, bearer(s.bob)...)...)
		t.Log(name)
		expect(t, r, test.status, test.code)
		if challenged := r.Header.Get("WWW-Authenticate") != ""; r.StatusCode == 401 && !challenged {
			t.Errorf("%s: a 401 without a challenge", name)
		}
	}
	t.Log("two headers")
	twice := append(as(s.key, bearer(s.bob)), "X-Impersonating", "Basic YQ==")
	expect(t, s.Get(t, "/", twice...), 400, "invalid_request")
	t.Log("without a credential of his own")
	expect(t, s.Get(t, "/", as(s.key, nil)...), 401, "credential_missing")
	t.Log("the key alone")
	expect(t, s.Get(t, "/", basic("alice:impersonate_ops:"+s.key)...), 401, "invalid_token")
	t.Log("by somebody who is no agent")
	expect(t, s.Get(t, "/", as(s.key, bearer(ordinary))...), 403, "impersonation_refused")
}

func TestAnOptionalGateLetsNobodyActWithoutACredentialOfHisOwn(t *testing.T) {
	s := startActing(t, "token_auth {\nimpersonation\noptional\n}\n"+whoActs)
	for _, header := range []string{as(s.key, nil)[1], "Basic", ""} {
		expect(t, s.Get(t, "/", "X-Impersonating", header), 401, "credential_missing")
	}
	if r := s.Get(t, "/"); r.StatusCode != 200 {
		t.Errorf("nobody: %d %s", r.StatusCode, r.Text)
	}
	if r := s.Get(t, "/", as(s.key, bearer(s.bob))...); r.StatusCode != 200 || r.Text != "alice admin read api_key by bob; " {
		t.Errorf("bob: %d '%s'", r.StatusCode, r.Text)
	}
}

func TestTooManyFailuresToActAreSlowedDown(t *testing.T) {
	s := startActing(t, "token_auth {\nimpersonation\n}\nrespond \"in\"")
	for range identity.DefaultFailures {
		expect(t, s.Get(t, "/", as(s.bob, bearer(s.bob))...), 401, "impersonation_refused")
	}
	r := s.Get(t, "/", as(s.bob, bearer(s.bob))...)
	expect(t, r, 429, "too_many_attempts")
	if r.Header.Get("Retry-After") == "" {
		t.Error("a 429 without Retry-After")
	}
	expect(t, s.Get(t, "/", as(s.key, bearer(s.bob))...), 200, "")
	expect(t, s.Get(t, "/", basic("bob:"+bobPassword)...), 429, "too_many_attempts")
}

func TestASecondGateTakesWhoActsAsHeIs(t *testing.T) {
	s := startActing(t, `route {
		token_auth {
			impersonation
			forward_credential
		}
		token_auth {
			impersonation
			require role admin
		}
		`+whoActs+`
	}`)
	if r := s.Get(t, "/", as(s.key, bearer(s.bob))...); r.StatusCode != 200 || r.Text != "alice admin read api_key by bob; " {
		t.Errorf("%d '%s'", r.StatusCode, r.Text)
	}
	if _, err := s.RevokeKey(t.Context(), "test", refOf("impersonate_ops"), ""); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	expect(t, s.Get(t, "/", as(s.key, bearer(s.bob))...), 401, "impersonation_refused")
}

func refOf(name string) store.KeyRef { return store.KeyRef{UserFold: "alice", Name: name} }

func TestTheAccessLogNamesBoth(t *testing.T) {
	s := startActing(t, "log {\noutput file {$DIR}/access.log\n}\ntoken_auth {\nimpersonation\n}\nrespond \"in\"")
	s.Get(t, "/", as(s.key, bearer(s.bob))...)
	s.Get(t, "/", bearer(s.bob)...)
	var lines []string
	for deadline := time.Now().Add(5 * time.Second); len(lines) < 2 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(s.Dir + "/access.log")
		lines = strings.Split(strings.TrimSpace(string(text)), "\n")
	}
	for i, want := range []map[string]any{{"user_id": "alice", "impersonator": "bob"}, {"user_id": "bob"}} {
		var line map[string]any
		if err := json.Unmarshal([]byte(lines[i]), &line); err != nil {
			t.Fatal(err)
		}
		if line["user_id"] != want["user_id"] || line["impersonator"] != want["impersonator"] {
			t.Errorf("line %d: %s by %v", i, line["user_id"], line["impersonator"])
		}
	}
}

func TestTheAuditTrailNamesBoth(t *testing.T) {
	s := startActing(t, "token_auth {\nimpersonation\n}\nrespond \"in\"")
	expect(t, s.Get(t, "/", as(s.key, bearer(s.bob))...), 200, "")
	events, err := s.Events(t.Context(), 1)
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	if e := events[0]; e.Kind != "impersonation.begin" || e.Actor != "user:bob" || e.OnBehalfOf != "user:alice" || e.Detail != "alice by bob from 127.0.0.1" {
		t.Errorf("event %+v", e)
	}
}

func TestTheEndpointsLetAnAgentActAsHowlerDoes(t *testing.T) {
	s := startAPI(t, "")
	own := s.makeKey(t, `{"name":"own","priv":"RWE"}`, basic("bob:"+bobPassword)...)
	key := s.issueNow("impersonate_ops", func(n *identity.NewKey) {
		n.Impersonation, n.Agents, n.Scopes = true, []string{"bob"}, principal.Read|principal.Write
	})
	time.Sleep(propagation)
	type who struct {
		Username string `json:"username"`
	}
	r := s.Get(t, "/api/v1/user/whoami", as(key, bearer(own))...)
	expectStatus(t, r, 200, "")
	if got := payload[who](t, r).Username; got != "alice" {
		t.Errorf("he is %s", got)
	}
	// What is for the user himself is not for who acts as him.
	expectFailure(t, postJSON(t, s.Server, "/api/v1/auth/apikey", `{"name":"x","priv":"R"}`, as(key, bearer(own))...), 403, "insufficient_scope", "You do not have access to this API.")
	change := `{"old_password":"` + alicePassword + `","new_password":"` + bobPassword + `"}`
	expectFailure(t, postJSON(t, s.Server, "/api/v1/user/password", change, as(key, bearer(own))...), 403, "insufficient_scope", "You do not have access to this API.")
	token := s.logIn(t, "bob", bobPassword).token
	if r := postJSON(t, s.Server, "/api/v1/auth/logout", "", as(key, bearer(token))...); r.StatusCode != 400 {
		t.Errorf("a log-out as alice: %d %s", r.StatusCode, r.Text)
	}
	expectStatus(t, s.Get(t, "/api/v1/user/whoami", bearer(token)...), 200, "")
	for header, want := range map[string]struct {
		status     int
		code, text string
	}{
		"Basic":                        {400, "invalid_request", "Incorrectly formatted X-Impersonating header"},
		"Bearer alice:" + key:          {400, "invalid_request", "Not a valid authentication type for impersonation."},
		"Basic abc":                    {400, "invalid_request", "Basic authentication data must be base64 encoded"},
		basic("alice:other:" + key)[1]: {401, "impersonation_refused", "No impersonated user found"},
		basic("bob:own:" + own)[1]:     {403, "impersonation_refused", "Not a valid impersonation api key"},
	} {
		r := s.Get(t, "/api/v1/user/whoami", append([]string{"X-Impersonating", header}, bearer(own)...)...)
		expectFailure(t, r, want.status, want.code, want.text)
	}
	expectFailure(t, s.Get(t, "/api/v1/user/whoami", basic("alice:impersonate_ops:"+key)...), 403, "impersonation_refused",
		"Cannot use impersonation key in normal Authorization Header! Provide your credentials and supply it in the X-Impersonating header instead.")
}
