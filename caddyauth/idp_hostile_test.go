package caddyauth_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
	"github.com/sallyport/sallyport/internal/identity"
)

// kelvin is a letter that Unicode makes a k of in lower case. At a provider an address
// with it is another one, which another person can have verified.
const kelvin = "\u212a"

// TestAddressWithALetterOfAnotherScriptIsAnother: only the case of ASCII is nothing.
func TestAddressWithALetterOfAnotherScriptIsAnother(t *testing.T) {
	f := startFederated(t, forJane, "trust_email")
	f.addUser(identity.NewUser{Username: "kate", Roles: []string{"admin"}, Email: "kate@example.org"})
	mallory := oidcprovider.User{Subject: "m", Name: "mallory", Email: kelvin + "ate@example.org", EmailVerified: true}
	f.op.AddUser(mallory)
	f.expectCaller(tokenOf(t, f.op, mallory.Subject), "mallory|user||read,write,extended|jwt|")
	if got := f.account("mallory").Email; got != mallory.Email {
		t.Errorf("mallory has the address '%s'", got)
	}
}

// TestListWhoseElementsHaveCommasDoesNotShow: who may name a group could be in any.
func TestListWhoseElementsHaveCommasDoesNotShow(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	file := strings.Replace(providerSite(keycloak(op, forJane, "claims groups department")), shownCaller,
		"respond `{http.auth.user.claims.groups}|{http.auth.user.claims.department}`", 1)
	f := startFederatedWith(t, op, file)
	f.expectCaller(f.token(map[string]any{"groups": []string{"mine,admins"}}), "|north")
	f.expectCaller(f.token(map[string]any{"groups": []string{"mine"}, "department": "a, b"}), "mine|a, b")
}

// TestMadeUpCodesAreBounded: each costs a request to the provider, and nobody who makes
// them up has to log in there before.
func TestMadeUpCodesAreBounded(t *testing.T) {
	f := startFederated(t, forJane)
	guess := func() caddyrun.Response {
		to := f.begin("keycloak")
		at, err := url.Parse(to.url)
		if err != nil {
			t.Fatal(err)
		}
		return f.finish(to, url.Values{"provider": {"keycloak"}, "code": {"made-up"}, "state": {at.Query().Get("state")}})
	}
	for range 20 {
		expectFailure(t, guess(), 401, "invalid_login", notCompleted)
	}
	before := f.asked(t, "code")
	expectFailure(t, guess(), 429, "too_many_attempts", "Too many attempts. Try again later.")
	if got := f.asked(t, "code"); got != before {
		t.Error("the provider was asked all the same")
	}
}

// TestUserWhoDeclinesIsNotCounted: the provider was not asked.
func TestUserWhoDeclinesIsNotCounted(t *testing.T) {
	f := startFederated(t, forJane)
	for range 21 {
		to := f.begin("keycloak")
		at, err := url.Parse(to.url)
		if err != nil {
			t.Fatal(err)
		}
		r := f.finish(to, url.Values{"provider": {"keycloak"}, "error": {"access_denied"}, "state": {at.Query().Get("state")}})
		expectFailure(t, r, 401, "invalid_login", notCompleted)
	}
}

// TestLogOutByATokenEndsTheSessionOfTheBrowser: both came from one log-in, and who logs out
// at a page does not expect another one to be open.
func TestLogOutByATokenEndsTheSessionOfTheBrowser(t *testing.T) {
	f := startFederated(t, forJane)
	f.op.AddUser(oidcprovider.User{Subject: "m", Name: "mallory"})
	first, r := f.logInAtProvider()
	web := sessionOf(t, r)
	logOut := func(token string) caddyrun.Response {
		return postJSON(t, f.Server, "/api/v1/auth/logout", "", append(bearer(token), cookie(web)...)...)
	}
	expectStatus(t, logOut(tokenOf(t, f.op, "m")), 200, "")
	expect(t, f.Get(t, "/", cookie(web)...), 200, "")
	r = logOut(first.AppToken)
	expectStatus(t, r, 200, "")
	if len(r.Cookies()) == 0 {
		t.Error("the browser keeps its cookie")
	}
	expect(t, f.Get(t, "/", cookie(web)...), 401, "invalid_token")
}

// TestProviderThatIsNullIsRefused: whoever writes JSON gets an error, and not a panic.
func TestProviderThatIsNullIsRefused(t *testing.T) {
	c := caddy.Config{AppsRaw: caddy.ModuleMap{"caddyauth": []byte(`{"providers":[null]}`)}}
	err := caddy.Validate(&c)
	if err == nil || !strings.Contains(err.Error(), "provider '': use 1 to 64 letters") {
		t.Error(err)
	}
}
