package caddyauth_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
	"github.com/sallyport/sallyport/internal/principal"
)

func TestGateAcceptsTokensOfAProvider(t *testing.T) {
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			op := newProvider(t, oidcprovider.Config{Algorithm: algorithm})
			f := startFederatedWith(t, op, providerSite(keycloak(op, forJane, "role ops-admin admin", "groups_claim groups", "claims department")))
			token := f.token()
			const want = "jane|admin,user|netops,staff|read,write,extended|jwt|north"
			f.expectCaller(token, want)
			fetches := op.JWKSRequests()
			f.expectCaller(token, want)
			if got := op.JWKSRequests(); got != fetches {
				t.Errorf("the keys were fetched %d times for a token that was seen before", got-fetches)
			}
		})
	}
}

func TestTokensOfAProviderAreHeldAgainstItsRules(t *testing.T) {
	f := startFederated(t, forJane)
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	for name, test := range map[string]struct {
		claims map[string]any
		cause  string
	}{
		"for another service":                {map[string]any{"aud": "billing"}, "token_audience"},
		"for no service":                     {map[string]any{"aud": nil}, "token_audience"},
		"for several, of which we are none":  {map[string]any{"aud": []string{"billing", "OPS"}}, "token_audience"},
		"for several, of which we are one":   {map[string]any{"aud": []string{"billing", "ops"}}, ""},
		"an issuer that differs by a slash":  {map[string]any{"iss": f.op.Issuer() + "/"}, "token_issuer"},
		"an issuer that is not configured":   {map[string]any{"iss": "https://elsewhere.example"}, "token_issuer"},
		"no issuer":                          {map[string]any{"iss": nil}, "token_issuer"},
		"expired for longer than the leeway": {map[string]any{"exp": in(-61 * time.Second)}, "token_expired"},
		"expired within the leeway":          {map[string]any{"exp": in(-50 * time.Second)}, ""},
		"that never expires":                 {map[string]any{"exp": nil}, "token_times"},
		"that expires too late":              {map[string]any{"exp": in(25 * time.Hour)}, "token_lifetime"},
		"not valid yet":                      {map[string]any{"nbf": in(2 * time.Minute)}, "token_not_yet"},
		"issued in the future":               {map[string]any{"iat": in(2 * time.Minute)}, "token_issued"},
		"of nobody":                          {map[string]any{"sub": nil}, "token_subject"},
		"that is an ID token":                {map[string]any{"nonce": "a nonce"}, "token_kind"},
	} {
		t.Run(name, func(t *testing.T) {
			f := f.in(t)
			token := f.token(test.claims)
			r := f.ask(token)
			if test.cause == "" {
				expect(t, r, 200, "")
				return
			}
			expectCause(t, r, 401, "invalid_token", test.cause)
			want := []string{`Bearer realm="restricted", error="invalid_token"`, `Basic realm="restricted", charset="UTF-8"`}
			if got := r.Header["Www-Authenticate"]; !slices.Equal(got, want) {
				t.Errorf("the challenge is %q", got)
			}
			if reason := notedOf(t, r).Reason; reason == "" || strings.Contains(reason, token) {
				t.Errorf("the reason is '%s'", reason)
			}
			if strings.Contains(f.Log(t), token) {
				t.Error("the token is in the log")
			}
		})
	}
}

func TestTokenWithAForgedSignatureIsRefused(t *testing.T) {
	f := startFederated(t, forJane)
	token := f.token()
	f.expectCaller(token, "jane|user||read,write,extended|jwt|")
	at := strings.LastIndexByte(token, '.') + 5
	other := byte('A')
	if token[at] == other {
		other = 'B'
	}
	f.expectRefused(token[:at]+string(other)+token[at+1:], 401, "invalid_token", "token_signature")
	f.expectRefused(token[:strings.LastIndexByte(token, '.')+1], 401, "invalid_token", "token_signature")
}

// TestChallengeOfAGateForTokensOnly: a browser must not ask for a password that nobody
// takes.
func TestChallengeOfAGateForTokensOnly(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	f := startFederatedWith(t, op, providerSite(keycloak(op), "accept jwt"))
	for _, test := range []struct {
		headers         []string
		code, challenge string
	}{
		{nil, "credential_missing", `Bearer realm="restricted"`},
		{bearer(f.token()[1:]), "invalid_token", `Bearer realm="restricted", error="invalid_token"`},
	} {
		r := f.Get(t, "/", test.headers...)
		expect(t, r, 401, test.code)
		if got := r.Header["Www-Authenticate"]; !slices.Equal(got, []string{test.challenge}) {
			t.Errorf("the challenge is %q, want '%s'", got, test.challenge)
		}
	}
}

// TestProvidersAreKeptApart: each has its own keys, and the same subject is somebody
// else at each.
func TestProvidersAreKeptApart(t *testing.T) {
	op, other := newProvider(t, oidcprovider.Config{}), newProvider(t, oidcprovider.Config{})
	f := startFederatedWith(t, op, providerSite(tokensOnly("one", op, forJane)+"\n"+tokensOnly("two", other, forJane)))
	f.expectCaller(f.token(), "jane|user||read,write,extended|jwt|")
	f.expectCaller(tokenOf(t, other, jane.Subject), "jane1|user||read,write,extended|jwt|")
	// The other one signs what only the first one may say.
	f.expectRefused(tokenOf(t, other, jane.Subject, map[string]any{"iss": op.Issuer()}), 401, "invalid_token", "token_key")
}

func TestGateThatDoesNotListTokensOfProviders(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	f := startFederatedWith(t, op, providerSite(keycloak(op, forJane), "accept api_key"))
	f.expectRefused(f.token(), 401, "invalid_token", "not_accepted")
}

// TestLongBearerAtAGateForTokens: it is no malformed request, but a token that is too
// long, and costs nothing.
func TestLongBearerAtAGateForTokens(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	// Servers that read as much are those that this is about; by default it is 16 KiB.
	site := func(gate ...string) string {
		return strings.Replace(providerSite(keycloak(op, forJane), gate...), "{", "{\nservers {\nmax_header_size 1MB\n}", 1)
	}
	f := startFederatedWith(t, op, site())
	for name, word := range map[string]string{
		"64 KiB":            strings.Repeat("a", 64<<10),
		"100,000 dots":      strings.Repeat(".", 100_000),
		"one byte too many": strings.Repeat("a", 8<<10+1),
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			f.in(t).expectRefused(word, 401, "invalid_token", "token_size")
			if took := time.Since(began); took > time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
	t.Run("another credential stays malformed", func(t *testing.T) {
		long := strings.Repeat("a", 8<<10+1)
		expect(t, f.Get(t, "/", "X-Api-Key", long), 400, "invalid_request")
		expect(t, f.Get(t, "/", "Authorization", "Basic "+long), 400, "invalid_request")
		expect(t, f.Get(t, "/", "Authorization", long), 400, "invalid_request")
		expect(t, f.Get(t, "/", "Authorization", "Bearer "+long, "X-Api-Key", "x"), 400, "invalid_request")
	})
	t.Run("where no token is accepted it stays malformed", func(t *testing.T) {
		f.Reload(t, site("accept api_key"))
		expect(t, f.in(t).ask(strings.Repeat("a", 8<<10+1)), 400, "invalid_request")
	})
}

func TestOneTimeTokenIsGoodOnce(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	f := startFederatedWith(t, op, providerSite(tokensOnly("robots", op, forJane, "one_time")))
	token := f.token()
	f.expectCaller(token, "jane|user||read,write,extended|jwt|")
	f.expectRefused(token, 401, "invalid_token", "spent")
	f.expectRefused(f.token(map[string]any{"jti": nil}), 401, "invalid_token", "token_id")

	again := f.token()
	var passed sync.WaitGroup
	statuses := make([]int, 8)
	for i := range statuses {
		passed.Go(func() { statuses[i] = f.ask(again).StatusCode })
	}
	passed.Wait()
	slices.Sort(statuses)
	if want := []int{200, 401, 401, 401, 401, 401, 401, 401}; !slices.Equal(statuses, want) {
		t.Errorf("the statuses of eight at once are %v", statuses)
	}
}

// TestSharedSecretOfAProvider is about tokens that are signed with HS256.
func TestSharedSecretOfAProvider(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	t.Setenv("SHARED_SECRET", sharedSecret)
	f := startFederatedWith(t, op, providerSite(`provider legacy {
	issuer https://legacy.example
	audience ops
	secret {env.SHARED_SECRET}
	auto_create user
}`))
	sign := func(secret string) string {
		word, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"iss": "https://legacy.example", "aud": "ops", "sub": "7", "preferred_username": "lena",
			"exp": time.Now().Add(time.Minute).Unix(),
		}).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		return word
	}
	f.expectCaller(sign(sharedSecret), "lena|user||read,write,extended|jwt|")
	f.expectCaller(sign(sharedSecret), "lena|user||read,write,extended|jwt|")
	f.expectRefused(sign(sharedSecret+"."), 401, "invalid_token", "token_signature")
}

// TestUpstreamGetsNoTokenOfAProvider: neither the token nor an identity that a client
// has made up reaches what is behind the gate.
func TestUpstreamGetsNoTokenOfAProvider(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	file := strings.Replace(providerSite(keycloak(op, forJane), "forward_identity X-User"), shownCaller, "reverse_proxy "+upstream(t), 1)
	f := startFederatedWith(t, op, file)
	r := f.Get(t, "/", append(bearer(f.token()), "X-User", "root", "X-Auth-Groups", "wheel")...)
	expect(t, r, 200, "")
	got := seenBy(t, r).Header
	if got.Get("X-User") != "jane" || got.Get("Authorization") != "" || got.Get("X-Auth-Groups") != "" {
		t.Errorf("the upstream has seen %v", got)
	}
}

func TestKeysGoOnBesideTokensOfProviders(t *testing.T) {
	f := startFederated(t, forJane)
	key := f.issue(f.Server, "ci")
	r := f.Get(t, "/", bearer(key)...)
	expect(t, r, 200, "")
	if want := "alice|admin|ops|" + principal.Read.String() + "|api_key|"; r.Text != want {
		t.Errorf("got '%s', want '%s'", r.Text, want)
	}
}
