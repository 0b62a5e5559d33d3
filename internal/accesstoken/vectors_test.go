package accesstoken_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/accesstoken"
	"github.com/sallyport/sallyport/internal/fake/jwtvectors"
)

// now is when all tokens of the tests are made and held against the rules.
var now = time.Date(2026, 11, 22, 22, 0, 0, 0, time.UTC)

// theProvider has keys that all tests share, since making them takes a second.
var theProvider = sync.OnceValues(jwtvectors.New)

func provider(t testing.TB) *jwtvectors.Provider {
	t.Helper()
	p, err := theProvider()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// published finds keys as a provider publishes them, and counts how often it is asked.
// It does not look at whether a key is weak.
type published struct {
	keys  []jwtvectors.Key
	asked int
}

func (p *published) Find(_ context.Context, kid, algorithm string) (any, error) {
	p.asked++
	var found []any
	for _, k := range p.keys {
		if (kid == "" || k.ID == kid) && serves(k, algorithm) {
			found = append(found, k.Public)
		}
	}
	if len(found) != 1 {
		return nil, accesstoken.ErrUnknownKey
	}
	return found[0], nil
}

func serves(k jwtvectors.Key, algorithm string) bool {
	families := ""
	switch k.Public.(type) {
	case *rsa.PublicKey:
		families = "RS256 PS256"
	case *ecdsa.PublicKey:
		families = "ES256"
	case ed25519.PublicKey:
		families = "EdDSA"
	}
	return strings.Contains(families, algorithm) && (k.Use == "" || k.Use == "sig") && (k.Algorithm == "" || k.Algorithm == algorithm) &&
		(len(k.Operations) == 0 || slices.Contains(k.Operations, "verify"))
}

func vectorRules() accesstoken.Rules {
	return accesstoken.Rules{
		Issuer: jwtvectors.Issuer, Audience: []string{jwtvectors.Audience},
		Leeway: time.Minute, MaxAge: 24 * time.Hour,
	}
}

func newVerifier(t testing.TB, r accesstoken.Rules) *accesstoken.Verifier {
	t.Helper()
	v, err := accesstoken.NewVerifier(r)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// refusals says by which rule each vector is refused. Those that are not there are good
// as far as the token goes: what becomes of them depends on the accounts.
var refusals = map[accesstoken.Rule][]string{
	accesstoken.RuleSize: {"kid-long", "many-dots", "oversized", "deep-json"},
	accesstoken.RuleForm: {
		"jwe", "two-segments", "four-segments", "padding", "std-base64", "noncanonical", "newline", "newline-inside", "revoked-then-recoded",
	},
	accesstoken.RuleJSON: {
		"dup-sub", "dup-exp", "dup-header-alg", "case-sub", "case-exp", "case-roles", "dup-escaped", "cty-nested",
		"payload-array", "payload-null", "payload-empty", "payload-trailing", "payload-bom", "payload-utf8",
	},
	accesstoken.RuleIssuer:   {"iss-missing", "iss-other", "iss-slash", "iss-case", "iss-prefix", "iss-list", "iss-crossed"},
	accesstoken.RuleType:     {"typ-other", "typ-dpop"},
	accesstoken.RuleCritical: {"crit-unknown", "crit-b64", "zip"},
	accesstoken.RuleAlgorithm: {
		"none", "none-case-None", "none-case-NONE", "none-case-nOnE", "none-case-empty", "none-with-sig", "no-alg", "alg-number",
		"confusion-pem", "confusion-der", "confusion-modulus", "confusion-empty", "alg-not-listed", "alg-lower", "kid-path", "kid-sql",
	},
	accesstoken.RuleKey: {
		"es-on-rsa", "key-alg-mismatch", "key-use-enc", "key-ops", "weak-rsa", "kid-missing", "kid-unknown", "kid-url", "kid-object",
		"jku", "x5u", "jwk-embedded", "x5c-embedded",
	},
	accesstoken.RuleSignature: {
		"es256-zero", "es256-der", "sig-empty", "sig-flipped", "sig-truncated", "payload-swapped", "header-swapped",
	},
	accesstoken.RuleTimes:    {"exp-missing", "exp-null", "exp-text", "exp-huge", "exp-negative", "exp-list", "exp-ms", "nbf-text"},
	accesstoken.RuleExpired:  {"exp-past"},
	accesstoken.RuleLifetime: {"exp-far"},
	accesstoken.RuleNotYet:   {"nbf-future"},
	accesstoken.RuleIssued:   {"iat-future"},
	accesstoken.RuleKind:     {"id-token"},
	accesstoken.RuleAudience: {"aud-other", "aud-missing", "aud-empty-list", "aud-substring", "aud-spaces", "aud-nested"},
	accesstoken.RuleSubject:  {"sub-missing", "sub-empty", "sub-number", "sub-long", "sub-control"},
	accesstoken.RuleScope:    {"scope-missing"},
}

// refusalOf returns the rule by which a vector is refused, "" for none.
func refusalOf(id string) accesstoken.Rule {
	for rule, ids := range refusals {
		if slices.Contains(ids, id) {
			return rule
		}
	}
	return ""
}

func TestEveryVectorIsAcceptedOrRefusedByItsRule(t *testing.T) {
	p := provider(t)
	accepted := 0
	for _, v := range jwtvectors.All() {
		t.Run(v.ID, func(t *testing.T) {
			r := vectorRules()
			if v.When == jwtvectors.RequiredScope {
				r.RequiredScopes = []string{jwtvectors.Scope}
			}
			want := refusalOf(v.ID)
			if (v.Expect == jwtvectors.Accept && want != "") || (v.Expect == jwtvectors.Reject && want == "") {
				t.Fatalf("the table of this test has '%s' for what must be '%s'", want, v.Expect)
			}
			claims, rule := judge(t, newVerifier(t, r), v, &published{keys: p.Keys()})
			if rule != want {
				t.Fatalf("refused by '%s', want '%s'", rule, want)
			}
			if want == "" {
				accepted++
				if claims.Subject != "u-1" || !claims.Expires.After(now.Add(-time.Minute)) {
					t.Errorf("%+v", claims)
				}
			}
		})
	}
	if all := len(jwtvectors.All()); all != 116 {
		t.Errorf("%d vectors", all)
	}
	// Eight are good, and eight more need a look at the accounts.
	if accepted != 8+8 {
		t.Errorf("%d are accepted", accepted)
	}
}

// judge returns the claims of a vector's token, or the rule by which it is refused, and
// holds that Explain says the same.
func judge(t *testing.T, verifier *accesstoken.Verifier, v jwtvectors.Vector, keys accesstoken.Keys) (*accesstoken.Claims, accesstoken.Rule) {
	t.Helper()
	text, err := provider(t).Token(v, now)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := verify(verifier, text, keys)
	explained := firstUnmet(verifier.Explain(t.Context(), text, keys, now))
	if err == nil {
		if explained != "" {
			t.Errorf("it is accepted, and explained by '%s'", explained)
		}
		return claims, ""
	}
	var refused *accesstoken.Error
	if !errors.As(err, &refused) {
		t.Fatalf("%v is no refusal", err)
	}
	if explained != refused.Rule {
		t.Errorf("it is refused by '%s', and explained by '%s'", refused.Rule, explained)
	}
	holdsNothing(t, text, err)
	return nil, refused.Rule
}

func verify(v *accesstoken.Verifier, text string, keys accesstoken.Keys) (*accesstoken.Claims, error) {
	token, err := accesstoken.Parse(text)
	if err != nil {
		return nil, err
	}
	return v.Verify(context.Background(), token, keys, now)
}

func firstUnmet(steps []accesstoken.Step) accesstoken.Rule {
	for _, s := range steps {
		if !s.Met && !s.Skipped {
			return s.Rule
		}
	}
	return ""
}

// holdsNothing holds that an error has nothing of the token that should not be in a log.
func holdsNothing(t *testing.T, token string, err error) {
	t.Helper()
	text := err.Error()
	for segment := range strings.SplitSeq(token, ".") {
		if len(segment) > 8 && strings.Contains(text, segment[:8]) {
			t.Errorf("the token is in '%s'", text)
		}
	}
	if strings.Contains(text, strings.Repeat("a", 65)) || strings.ContainsAny(text, "\r\n\x00") || len(text) > 500 {
		t.Errorf("this is not for a log: '%s'", text)
	}
}

func TestAKeyOfProviderAIsNoneOfProviderB(t *testing.T) {
	r := vectorRules()
	r.Issuer = jwtvectors.OtherIssuer
	i := slices.IndexFunc(jwtvectors.All(), func(v jwtvectors.Vector) bool { return v.ID == "iss-crossed" })
	if _, rule := judge(t, newVerifier(t, r), jwtvectors.All()[i], &published{keys: provider(t).OtherKeys()}); rule != accesstoken.RuleSignature {
		t.Errorf("refused by '%s'", rule)
	}
}

func TestNoKeyIsLookedUpBeforeTheIssuerIsRight(t *testing.T) {
	for _, v := range jwtvectors.All() {
		keys := &published{keys: provider(t).Keys()}
		text, err := provider(t).Token(v, now)
		if err != nil {
			t.Fatal(err)
		}
		_, err = verify(newVerifier(t, vectorRules()), text, keys)
		var refused *accesstoken.Error
		early := errors.As(err, &refused) && slices.Contains([]accesstoken.Rule{
			accesstoken.RuleSize, accesstoken.RuleForm, accesstoken.RuleJSON, accesstoken.RuleIssuer,
			accesstoken.RuleType, accesstoken.RuleCritical, accesstoken.RuleAlgorithm,
		}, refused.Rule)
		if early && keys.asked != 0 || keys.asked > 1 {
			t.Errorf("%s: %v, and keys were asked %d times", v.ID, err, keys.asked)
		}
	}
}

func TestATokenOfManyDotsCostsNoMemory(t *testing.T) {
	text := strings.Repeat(".", 100_000)
	const runs = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if _, err := accesstoken.Parse(text); err == nil {
			t.Fatal("it is accepted")
		}
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / runs; n > 4<<10 {
		t.Errorf("%d bytes are allocated", n)
	}
}
