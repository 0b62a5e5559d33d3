package caddyauth_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
)

// chained is a site with two gates behind one another, of which both allow
// impersonation.
func chained(op *oidcprovider.Provider) string {
	return strings.Replace(providerSite(keycloak(op, forJane, "groups_claim groups", "claims department"), "impersonation"), "respond `",
		"token_auth {\naccept jwt session\nimpersonation\n}\nrespond `{http.auth.user.impersonator}|", 1)
}

func TestSecondGateKnowsTheCaller(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	f := startFederatedWith(t, op, chained(op))
	token := f.token()
	for range 2 {
		f.expectCaller(token, "|jane|user|netops,staff|read,write,extended|jwt|north")
	}
}

// TestSecondGateKnowsAOneTimeToken: it is the first one that uses it.
func TestSecondGateKnowsAOneTimeToken(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	file := strings.Replace(providerSite(tokensOnly("robots", op, forJane, "one_time")), "respond `", "token_auth\nrespond `", 1)
	f := startFederatedWith(t, op, file)
	f.expectCaller(f.token(), plainJane)
}

// TestTokenOfAProviderActsAsAnother is X-Impersonating beside a token.
func TestTokenOfAProviderActsAsAnother(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	f := startFederatedWith(t, op, chained(op))
	f.expectCaller(f.token(), "|jane|user|netops,staff|read,write,extended|jwt|north")
	toAct := f.issue(f.Server, "impersonate_jane", func(n *identity.NewKey) { n.Impersonation, n.Agents = true, []string{"jane"} })
	act := append(bearer(f.token()), "X-Impersonating", basic("alice:impersonate_jane:" + toAct)[1])
	r := f.Get(t, "/", act...)
	expect(t, r, 200, "")
	// The claims are those of jane, who is not the user any more.
	if want := "jane|alice|admin|ops|read|jwt|"; r.Text != want {
		t.Errorf("got  '%s'\nwant '%s'", r.Text, want)
	}
	who := payload[self](t, f.Get(t, "/api/v1/user/whoami", act...))
	if who.Username != "alice" {
		t.Errorf("whoami is %+v", who)
	}
	// Whoever acts as another ends nobody's token.
	r = postJSON(t, f.Server, "/api/v1/auth/logout", "", act...)
	expectFailure(t, r, 400, "invalid_request", noSessionToEnd)
}

// noSessionToEnd is what a log-out is told where there is nothing to end.
const noSessionToEnd = "This credential has no session that could end. Log out with the app token or the session cookie."

// TestKeyMadeByATokenIsWorthNoMore: a key lives longer than the token it was made with.
func TestKeyMadeByATokenIsWorthNoMore(t *testing.T) {
	f := startFederated(t, forJane, "scopes_claim scope")
	token := bearer(f.token(map[string]any{"scope": "write extended"}))
	const path = "/api/v1/auth/apikey"
	expectFailure(t, postJSON(t, f.Server, path, `{"name":"all","priv":["R","W","E"]}`, token...), 403, "insufficient_scope", "That would be worth more than the credential that asks for it.")
	r := postJSON(t, f.Server, path, `{"name":"some","priv":["W","E"]}`, token...)
	expectStatus(t, r, 200, "")
	made := f.Get(t, "/", bearer(wordOf(t, r))...)
	expect(t, made, 200, "")
	if want := "jane|user||write,extended|api_key|"; made.Text != want {
		t.Errorf("got '%s', want '%s'", made.Text, want)
	}
}

// TestKeyMadeByATokenHasNoneOfItsRoles: those end with the token.
func TestKeyMadeByATokenHasNoneOfItsRoles(t *testing.T) {
	f := startFederated(t, forJane, "role ops-admin admin", "groups_claim groups")
	r := postJSON(t, f.Server, "/api/v1/auth/apikey", `{"name":"k","priv":"R"}`, bearer(f.token())...)
	expectStatus(t, r, 200, "")
	made := f.Get(t, "/", bearer(wordOf(t, r))...)
	if want := "jane|user||read|api_key|"; made.Text != want {
		t.Errorf("got '%s', want '%s'", made.Text, want)
	}
}

// TestLogOutRefusesTheToken: the provider gives others, and this one is over here.
func TestLogOutRefusesTheToken(t *testing.T) {
	f := startFederated(t, forJane)
	token, other, nameless := f.token(), f.token(), f.token(map[string]any{"jti": nil})
	f.expectCaller(token, plainJane)
	expectStatus(t, postJSON(t, f.Server, "/api/v1/auth/logout", "", bearer(token)...), 200, "")
	f.expectRefused(token, 401, "invalid_token", "revoked")
	expectFailure(t, postJSON(t, f.Server, "/api/v1/auth/logout", "", bearer(token)...), 401, "invalid_token", "Something went wrong when decoding your key. Please reauthenticate.")
	f.expectCaller(other, plainJane)
	expectFailure(t, postJSON(t, f.Server, "/api/v1/auth/logout", "", bearer(nameless)...), 400, "invalid_request", noSessionToEnd)
	f.expectCaller(nameless, plainJane)
}

// TestEndingAllSessionsRefusesTheTokensBefore: also those that nobody has seen, and those
// without an id.
func TestEndingAllSessionsRefusesTheTokensBefore(t *testing.T) {
	f := startFederated(t, forJane, "leeway 1s")
	token, unseen := f.token(map[string]any{"jti": nil}), f.token()
	f.expectCaller(token, plainJane)
	_, r := f.logInAtProvider()
	web := sessionOf(t, r)
	expectStatus(t, f.Do(t, "DELETE", "/api/v1/auth/sessions", nil, bearer(token)...), 200, "")
	f.expectRefused(token, 401, "invalid_token", "revoked")
	f.expectRefused(unseen, 401, "invalid_token", "revoked")
	expect(t, f.Get(t, "/", cookie(web)...), 401, "invalid_token")
	f.awaitNewToken(t, plainJane)
}

// TestSessionOfALogInHasItsRoles until it ends, and nothing of it is in the account.
func TestSessionOfALogInHasItsRoles(t *testing.T) {
	f := startFederated(t, forJane, "role ops-admin admin", "scopes_claim scope")
	to := f.begin("keycloak")
	r := f.finish(to, f.comeBack(to))
	expectStatus(t, r, 200, "")
	if got := payload[grant](t, r).Privileges; len(got) != 0 {
		t.Errorf("a token without our scopes has %v", got)
	}
	page := f.Get(t, "/", cookie(sessionOf(t, r))...)
	if want := "jane|admin,user|||session|"; page.Text != want {
		t.Errorf("got '%s', want '%s'", page.Text, want)
	}
	if u := f.account("jane"); !slices.Equal(u.Roles, []string{"user"}) {
		t.Errorf("the account has %v", u.Roles)
	}
	sessions, err := f.Sessions(t.Context(), "jane", "", 10)
	if err != nil || len(sessions) != 1 || sessions[0].Method != principal.MethodJWT {
		t.Errorf("the sessions are %+v, %v", sessions, err)
	}
}

// TestUnlinkingEndsWhatTheProviderHasBegun, and leaves the rest.
func TestUnlinkingEndsWhatTheProviderHasBegun(t *testing.T) {
	f := startFederated(t)
	f.addUser(identity.NewUser{Username: "jane"})
	f.link("jane", jane.Subject)
	key := f.key("jane", "own", principal.Read)
	got, r := f.logInAtProvider()
	web := sessionOf(t, r)
	expect(t, f.Get(t, "/", cookie(web)...), 200, "")
	if err := f.UnlinkIdentity(t.Context(), "test", f.op.Issuer(), jane.Subject); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	expect(t, f.Get(t, "/", cookie(web)...), 401, "invalid_token")
	f.expectRefused(got.AppToken, 403, "user_not_allowed", "no_account")
	expect(t, f.Get(t, "/", bearer(key)...), 200, "")
}
