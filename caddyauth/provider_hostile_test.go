package caddyauth_test

import (
	"strings"
	"testing"

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

