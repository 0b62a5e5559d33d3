package caddyauth_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

func TestOneLineGuardsARoute(t *testing.T) {
	s, a := start(t, `
	token_auth
	respond "welcome {http.auth.user.id}"`)
	key := a.issue(s, "ci")
	for name, headers := range map[string][]string{
		"bearer":              bearer(key),
		"bearer in any case":  {"Authorization", "bEaReR " + key},
		"X-Api-Key":           {"X-Api-Key", key},
		"Basic user:key":      basic("alice:" + key),
		"Basic with key name": basic("alice:ci:" + key),
		"Basic, other case":   basic("ALICE:" + key),
	} {
		r := s.Get(t, "/", headers...)
		if r.StatusCode != http.StatusOK || r.Text != "welcome alice" {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.Text)
		}
	}
}

func TestRefusals(t *testing.T) {
	s, a := start(t, `
	token_auth
	respond "welcome"`)
	key := a.issue(s, "ci")
	forged := key[:20] + strings.Repeat("x", 10) + key[30:]
	for name, test := range map[string]struct {
		headers []string
		status  int
		code    string
	}{
		"none":                      {nil, 401, "credential_missing"},
		"a wrong key":               {bearer(forged), 401, "invalid_token"},
		"no key at all":             {bearer("swordfish"), 401, "invalid_token"},
		"a password":                {basic("alice:swordfish"), 401, "invalid_token"},
		"Basic without colon":       {basic("alice"), 401, "invalid_token"},
		"the key of somebody else":  {basic("bob:" + key), 401, "invalid_token"},
		"the key by another name":   {basic("alice:cd:" + key), 401, "invalid_token"},
		"another scheme":            {[]string{"Authorization", "Digest x"}, 401, "invalid_token"},
		"a key without a scheme":    {[]string{"Authorization", key}, 400, "invalid_request"},
		"an empty header":           {[]string{"Authorization", ""}, 400, "invalid_request"},
		"two Authorization headers": {append(bearer(key), bearer(key)...), 400, "invalid_request"},
		"two kinds of header":       {append(bearer(key), "X-Api-Key", key), 400, "invalid_request"},
		"bad base64":                {[]string{"Authorization", "Basic !!!"}, 400, "invalid_request"},
		"more than 8 KiB":           {bearer(strings.Repeat("a", 8<<10)), 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, s.Get(t, "/", test.headers...), test.status, test.code) })
	}
}

func TestChallenges(t *testing.T) {
	s, a := start(t, `
	token_auth {
		require scope write extended
	}
	respond "welcome"`)
	key := a.issue(s, "ci")
	const basicChallenge = `Basic realm="restricted", charset="UTF-8"`
	for name, test := range map[string]struct {
		headers []string
		want    []string
	}{
		"none":               {nil, []string{`Bearer realm="restricted"`, basicChallenge}},
		"not accepted":       {bearer("x"), []string{`Bearer realm="restricted", error="invalid_token"`, basicChallenge}},
		"malformed":          {[]string{"Authorization", "x"}, []string{`Bearer realm="restricted", error="invalid_request"`}},
		"a scope is missing": {bearer(key), []string{`Bearer realm="restricted", error="insufficient_scope", scope="write extended"`}},
	} {
		r := s.Get(t, "/", test.headers...)
		if diff := cmp.Diff(test.want, r.Header.Values("WWW-Authenticate")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRequire(t *testing.T) {
	s, a := start(t, `
	route /write {
		token_auth {
			require scope write extended
		}
		respond "in"
	}
	route /admin {
		token_auth {
			require scope read
			require role auditor admin
			require group ops
		}
		respond "in"
	}
	route /role {
		token_auth {
			require role auditor
		}
		respond "in"
	}
	route /group {
		token_auth {
			require group web
		}
		respond "in"
	}`)
	reader := a.issue(s, "reader")
	writer := a.issue(s, "writer", func(n *identity.NewKey) { n.Scopes = principal.Write })
	none := a.issue(s, "none", func(n *identity.NewKey) { n.Scopes = 0 })
	for name, test := range map[string]struct {
		path, key string
		status    int
	}{
		"one of the scopes is enough":     {"/write", writer, 200},
		"read is not write":               {"/write", reader, 403},
		"no scope is none of them":        {"/write", none, 403},
		"all lines must be met, and are":  {"/admin", reader, 200},
		"all lines must be met, and one":  {"/admin", writer, 403},
		"a role that the user has not":    {"/role", reader, 403},
		"a group that the user is not in": {"/group", reader, 403},
	} {
		t.Run(name, func(t *testing.T) {
			code := ""
			if test.status == 403 {
				code = "insufficient_scope"
			}
			expect(t, s.Get(t, test.path, bearer(test.key)...), test.status, code)
		})
	}
	// A change of roles counts at once.
	if _, err := a.EditUser(t.Context(), "test", "alice", editRoles([]string{"auditor"})); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	expect(t, s.Get(t, "/role", bearer(reader)...), 200, "")
}

func TestLimitsOfAKeyAreHeldAgainstTheRequest(t *testing.T) {
	s, a := startFile(t, `{
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
	servers {
		trusted_proxies static 127.0.0.0/8
		trusted_proxies_strict
	}
}
http://:0 {
	handle_path /reports/* {
		token_auth {
			audience reports
			api_version 2
		}
		respond "in {path}"
	}
	handle {
		token_auth
		respond "in {path}"
	}
}`)
	proxied := func(address string, key string) []string { return append(bearer(key), "X-Forwarded-For", address) }
	network := a.issue(s, "network", func(n *identity.NewKey) { n.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	agent := a.issue(s, "agent", func(n *identity.NewKey) { n.UserAgent = "backup/1" })
	audience := a.issue(s, "audience", func(n *identity.NewKey) { n.Audience = []string{"reports"} })
	version := a.issue(s, "version", func(n *identity.NewKey) { n.APIVersion = "2" })
	subject := a.issue(s, "subject", func(n *identity.NewKey) { n.Subject = []string{"/reports/*"} })
	for name, test := range map[string]struct {
		path    string
		headers []string
		status  int
	}{
		"from the network":                       {"/", proxied("192.0.2.9", network), 200},
		"from the network, mapped":               {"/", proxied("::ffff:192.0.2.9", network), 200},
		"from elsewhere":                         {"/", proxied("198.51.100.1", network), 401},
		"from the proxy itself":                  {"/", bearer(network), 401},
		"a forged address before the true one":   {"/", proxied("192.0.2.9, 198.51.100.1", network), 401},
		"with the user agent":                    {"/", append(bearer(agent), "User-Agent", "backup/1"), 200},
		"with another one":                       {"/", append(bearer(agent), "User-Agent", "curl"), 401},
		"at the audience":                        {"/reports/x", bearer(audience), 200},
		"elsewhere":                              {"/x", bearer(audience), 401},
		"at the version":                         {"/reports/x", bearer(version), 200},
		"at none":                                {"/x", bearer(version), 401},
		"at the subject, though handle_path cut": {"/reports/x", bearer(subject), 200},
		"beside the subject":                     {"/other", bearer(subject), 401},
		"around the subject":                     {"/reports/../other", bearer(subject), 401},
		"around it, encoded":                     {"/reports/%2e%2e/other", bearer(subject), 401},
		"around it, with an encoded slash":       {"/reports/..%2fother", bearer(subject), 401},
		"an encoded slash alone":                 {"/reports%2Fx", bearer(subject), 401},
		"encoded twice":                          {"/reports/%252e%252e/other", bearer(subject), 401},
		"with a parameter":                       {"/reports/..;/other", bearer(subject), 401},
		"an encoded blank is no harm":            {"/reports/a%20b", bearer(subject), 200},
	} {
		t.Run(name, func(t *testing.T) {
			code := ""
			if test.status != 200 {
				code = "invalid_token"
			}
			expect(t, s.Get(t, test.path, test.headers...), test.status, code)
		})
	}
}

func TestForwardingHeadersOfStrangersAreNotBelieved(t *testing.T) {
	s, a := start(t, `
	token_auth
	respond "in"`)
	key := a.issue(s, "network", func(n *identity.NewKey) { n.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	for _, header := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip"} {
		value := "192.0.2.9"
		if header == "Forwarded" {
			value = "for=192.0.2.9"
		}
		expect(t, s.Get(t, "/", append(bearer(key), header, value)...), 401, "invalid_token")
	}
}

func TestRevocationByAnotherProcessIsSeenWithinHalfASecond(t *testing.T) {
	s, a := start(t, `
	token_auth
	respond "in"`)
	key := a.issue(s, "ci")
	expect(t, s.Get(t, "/", bearer(key)...), 200, "")
	if _, err := a.RevokeKey(t.Context(), "test", store.KeyRef{UserFold: "alice", Name: "ci"}, ""); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for s.Get(t, "/", bearer(key)...).StatusCode == http.StatusOK {
		if time.Since(began) > 5*time.Second {
			t.Fatal("the key is accepted five seconds after it was revoked")
		}
	}
	took := time.Since(began)
	t.Logf("seen after %s", took)
	if took > 500*time.Millisecond {
		t.Errorf("it took %s", took)
	}
}

func TestOptional(t *testing.T) {
	s, a := start(t, `
	token_auth {
		optional
		forward_identity X-User
	}
	respond "user '{http.auth.user.id}', header '{header.X-User}{http.auth.user.claims.tenant}'"`)
	key := a.issue(s, "ci")
	if r := s.Get(t, "/", "X-User", "root"); r.StatusCode != 200 || r.Text != "user '', header ''" {
		t.Errorf("without a credential: %d %s", r.StatusCode, r.Text)
	}
	if r := s.Get(t, "/", bearer(key)...); r.Text != "user 'alice', header 'alice'" {
		t.Errorf("with a good one: %s", r.Text)
	}
	expect(t, s.Get(t, "/", bearer("x")...), 401, "invalid_token")
	expect(t, s.Get(t, "/", "Authorization", ""), 400, "invalid_request")
	expect(t, s.Get(t, "/", "Authorization", "Negotiate x"), 401, "invalid_token")
}

func TestPlaceholders(t *testing.T) {
	s, a := start(t, `
	token_auth
	respond "{http.auth.user.id} {http.auth.user.roles} {http.auth.user.groups} {http.auth.user.scopes} {http.auth.user.key_id} {http.auth.user.method}"`)
	key := a.issue(s, "ci", func(n *identity.NewKey) { n.Scopes = principal.AllScopes })
	id, _ := credential.ParseKey(key)
	want := "alice admin ops read,write,extended " + id.String() + " api_key"
	if r := s.Get(t, "/", bearer(key)...); r.Text != want {
		t.Errorf("got  %s\nwant %s", r.Text, want)
	}
}

func TestASecondGateHoldsTheSameCallerAgainstItsOwnRules(t *testing.T) {
	s, a := start(t, `
	route /* {
		token_auth
		route /admin {
			token_auth {
				require scope extended
			}
			respond "admin"
		}
		route /reports {
			token_auth {
				audience reports
			}
			respond "reports"
		}
		route /other {
			token_auth {
				audience other
				optional
			}
			respond "other"
		}
		respond "in"
	}`)
	reader := a.issue(s, "reader")
	extended := a.issue(s, "extended", func(n *identity.NewKey) { n.Scopes = principal.Extended })
	expect(t, s.Get(t, "/", bearer(reader)...), 200, "")
	expect(t, s.Get(t, "/admin", bearer(reader)...), 403, "insufficient_scope")
	expect(t, s.Get(t, "/admin", bearer(extended)...), 200, "")
	expect(t, s.Get(t, "/reports", bearer(reader)...), 200, "")
	expect(t, s.Get(t, "/other", bearer(reader)...), 200, "")
	expect(t, s.Get(t, "/admin"), 401, "credential_missing")
	expect(t, s.Get(t, "/other"), 401, "credential_missing")
}

func TestErrorsGoToHandleErrorsWhenAsked(t *testing.T) {
	s, a := start(t, `
	token_auth {
		errors caddy
		require scope write
	}
	respond "in"
	handle_errors {
		respond "page {err.status_code} {err.id}"
	}`)
	key := a.issue(s, "ci")
	for status, headers := range map[string][]string{"401": nil, "400": {"Authorization", "x"}, "403": bearer(key)} {
		r := s.Get(t, "/", headers...)
		if !strings.HasPrefix(r.Text, "page "+status+" ") || len(r.Text) != len("page 401 ")+12 {
			t.Errorf("%s: %d %s", status, r.StatusCode, r.Text)
		}
		if r.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no challenge", status)
		}
	}
}

func TestEveryMethodIsGuarded(t *testing.T) {
	s, a := start(t, `
	token_auth
	respond "in"`)
	key := a.issue(s, "ci")
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "QUERY"} {
		if r := s.Do(t, method, "/", nil); r.StatusCode != 401 {
			t.Errorf("%s without a key: %d", method, r.StatusCode)
		}
		if r := s.Do(t, method, "/", []byte("body"), bearer(key)...); r.StatusCode != 200 {
			t.Errorf("%s with a key: %d", method, r.StatusCode)
		}
	}
}
