package caddyauth_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/jwtvectors"
	"github.com/sallyport/sallyport/internal/identity"
)

// accountVectors are good tokens, or nearly, of which the account decides what becomes.
// The tests here play them.
var accountVectors = []string{
	"email-wildcard", "email-unverified", "email-other-provider", "username-taken", "username-colon", "username-confusable",
	"replayed-jti", "groups-text",
}

// administrator is the account that none of the vectors may reach.
var administrator = identity.NewUser{
	Username: "admin", Email: "admin@howler.cyber.gc.ca", Roles: []string{"admin", "root"}, Groups: []string{"admin"},
}

func withAdministrator(a *admin) {
	if _, err := a.AddUser(a.t.Context(), "test", administrator); err != nil {
		a.t.Fatal(err)
	}
}

// whois is what whoami tells that matters here.
type whois struct {
	Username      string
	Roles, Groups []string
	Admin         bool `json:"is_admin"`
}

func TestNoClaimReachesTheAccountOfTheAdministrator(t *testing.T) {
	for _, test := range []struct {
		vector, options string
		// want is who the caller is.
		want string
	}{
		{"email-wildcard", "", "goose"},
		{"email-wildcard", "trust_email", "goose"},
		{"email-unverified", "trust_email", "goose"},
		// The provider b is trusted for addresses, and a, from which the token is, is not.
		{"email-other-provider", "", "goose"},
		{"username-taken", "", "admin1"},
		{"username-taken", "trust_email", "admin1"},
		{"username-taken", "username_claim preferred_username", "admin1"},
		{"username-confusable", "", "dmin"},
		{"username-confusable", "username_claim preferred_username", "dmin"},
		{"username-colon", "", "ab..c"},
		{"groups-text", "group admin admin\nrole admin admin\nroles_claim groups", "goose"},
		{"groups-text", "groups_claim groups", "goose"},
	} {
		name, _, _ := strings.Cut(test.options, "\n")
		t.Run(test.vector+" "+name, func(t *testing.T) {
			site := startVectors(t, test.options, withAdministrator)
			token := site.token(vector(t, test.vector))
			for range 2 {
				r := site.send(token)
				expect(t, r, 200, "")
				if r.Text != test.want+": user: " {
					t.Errorf("it is accepted as '%s'", r.Text)
				}
				expect(t, site.Get(t, "/admin", bearer(token)...), 403, "insufficient_scope")
				who := payload[whois](t, site.whoami(token))
				if who.Username != test.want || !slices.Equal(who.Roles, []string{"user"}) || len(who.Groups) > 0 || who.Admin {
					t.Errorf("whoami has %+v", who)
				}
			}
			expectUnlogged(t, site, token)
			inStore(t, site.Dir, func(a *admin) {
				links, err := a.Identities(t.Context(), "admin", "", 10)
				if err != nil || len(links) > 0 {
					t.Errorf("linked with the administrator: %v, %v", links, err)
				}
			})
		})
	}
}

// TestOnlyWhoIsTrustedForAddressesFindsAnAccountByOne shows that the account is there to
// be found: the tests above would see it.
func TestOnlyWhoIsTrustedForAddressesFindsAnAccountByOne(t *testing.T) {
	site := startVectors(t, "trust_email", withAdministrator)
	r := site.send(site.token(vector(t, "email-other-provider")))
	expect(t, r, 200, "")
	if r.Text != "admin: admin,root: admin" {
		t.Errorf("it is accepted as '%s'", r.Text)
	}
}

func TestATokenForOneTimeIsAcceptedOnce(t *testing.T) {
	site := startVectors(t, "one_time", func(*admin) {})
	v := vector(t, "replayed-jti")
	token := site.token(v)
	expect(t, site.send(token), 200, "")
	expectNoToken(t, site.send(token))
	expectFailure(t, site.whoami(token), 401, "invalid_token", undecodable)
	// Neither does another text of it help.
	v.Header = strings.Replace(v.Header, "RS256", "PS256", 1)
	expectNoToken(t, site.send(site.token(v)))

	v.Payload = strings.Replace(v.Payload, `"jti":"one"`, `"jti":"another"`, 1)
	token = site.token(v)
	var accepted, refused atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			switch r := site.send(token); r.StatusCode {
			case 200:
				accepted.Add(1)
			case 401:
				refused.Add(1)
			default:
				t.Errorf("%d %s", r.StatusCode, r.Text)
			}
		})
	}
	all.Wait()
	if accepted.Load() != 1 || refused.Load() != 19 {
		t.Errorf("%d are accepted and %d refused", accepted.Load(), refused.Load())
	}
	// Without jti nobody could tell.
	expectNoToken(t, site.send(site.token(vector(t, "ok-rs256"))))
}

func TestARevokedTokenStaysSoHoweverItIsWritten(t *testing.T) {
	site := startVectors(t, "", func(*admin) {})
	recoded := vector(t, "revoked-then-recoded")
	first := recoded
	first.Sign = "good"
	token := site.token(first)
	expect(t, site.send(token), 200, "")
	expectNoToken(t, site.send(site.token(recoded)))
	inStore(t, site.Dir, func(a *admin) {
		if err := a.RefuseToken(t.Context(), "test", jwtvectors.Issuer, "revoked", "", time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	})
	time.Sleep(propagation)
	expectNoToken(t, site.send(token))
	expectNoToken(t, site.send(site.token(recoded)))
	first.Header = strings.Replace(first.Header, "RS256", "PS256", 1)
	expectNoToken(t, site.send(site.token(first)))
	// Another token of the same user is not meant.
	expect(t, site.send(site.token(vector(t, "ok-rs256"))), 200, "")
}
