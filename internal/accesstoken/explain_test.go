package accesstoken_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/accesstoken"
)

// explained has the steps of a token by their rules.
func explained(t *testing.T, text string, keys accesstoken.Keys) map[accesstoken.Rule]accesstoken.Step {
	t.Helper()
	steps := map[accesstoken.Rule]accesstoken.Step{}
	for _, s := range newVerifier(t, secretRules()).Explain(t.Context(), text, keys, now) {
		if s.Met && s.Skipped {
			t.Errorf("'%s' is met and skipped", s.Rule)
		}
		if !strings.HasPrefix(s.Rule.String(), "token_") || steps[s.Rule].Rule != "" {
			t.Errorf("'%s' is no name, or there twice", s.Rule)
		}
		steps[s.Rule] = s
	}
	return steps
}

func TestAGoodTokenMeetsEveryRule(t *testing.T) {
	steps := explained(t, withSecret(t, `,"kid":"k-1","typ":"JWT"`, `"scope":"read"`), oneKey{key: secret})
	for rule, s := range steps {
		if !s.Met {
			t.Errorf("'%s': %+v", rule, s)
		}
	}
	for rule, want := range map[accesstoken.Rule]string{
		accesstoken.RuleIssuer:    "iss is 'https://idp.example'",
		accesstoken.RuleType:      "typ is 'JWT'",
		accesstoken.RuleAlgorithm: "alg is 'HS256'",
		accesstoken.RuleKey:       "kid is 'k-1'",
		accesstoken.RuleTimes:     "exp is 2026-11-22T22:10:00Z",
		accesstoken.RuleExpired:   "it is good for 10m0s",
		accesstoken.RuleAudience:  "aud is 'ours'",
		accesstoken.RuleScope:     "the token has the scopes 'read'",
		accesstoken.RuleSignature: "",
	} {
		if got := steps[rule].Text; got != want {
			t.Errorf("'%s': '%s', want '%s'", rule, got, want)
		}
	}
}

func TestAllThatIsWrongIsToldAtOnce(t *testing.T) {
	text := withSecret(t, `,"typ":"dpop+jwt"`, `"exp":{-7200},"aud":"theirs","nonce":"n"`)
	steps := explained(t, text[:len(text)-4]+"AAAA", oneKey{key: secret})
	for rule, want := range map[accesstoken.Rule]string{
		accesstoken.RuleType:      "typ is 'dpop+jwt', which is another kind of token",
		accesstoken.RuleSignature: "the signature is not one by the key that kid names",
		accesstoken.RuleExpired:   "exp was 2026-11-22T20:00:00Z, 2h0m0s ago with a leeway of 1m0s: compare the clocks, or get a new token",
		accesstoken.RuleKind:      "the payload has nonce: it is an ID token, and the access token is wanted",
		accesstoken.RuleAudience:  "aud is 'theirs', which has none of 'ours', 'ours-too': the token is for another service",
	} {
		if s := steps[rule]; s.Met || s.Skipped || s.Text != want {
			t.Errorf("'%s': %+v, want '%s'", rule, s, want)
		}
	}
	if !steps[accesstoken.RuleSubject].Met || !steps[accesstoken.RuleClaims].Skipped {
		t.Errorf("%+v", steps)
	}
}

func TestWhatDependsOnWhatIsWrongIsSkipped(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		unmet accesstoken.Rule
	}{
		"a text that is too long": {strings.Repeat("x", maxLength+1), accesstoken.RuleSize},
		"a text that is no token": {"no token", accesstoken.RuleForm},
		"a payload that is none":  {"e30.bm8.", accesstoken.RuleJSON},
	} {
		unmet := false
		for _, s := range newVerifier(t, secretRules()).Explain(t.Context(), c.text, nil, now) {
			if unmet && !s.Skipped {
				t.Errorf("%s: '%s' is not skipped", name, s.Rule)
			}
			unmet = unmet || s.Rule == c.unmet
		}
	}
	// The keys are not asked for another issuer's token: they would panic.
	steps := explained(t, "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.", nil)
	if !steps[accesstoken.RuleKey].Skipped || !steps[accesstoken.RuleSignature].Skipped || steps[accesstoken.RuleIssuer].Met {
		t.Errorf("%+v", steps)
	}
}

func TestATokenThatIsEncryptedIsToldToBe(t *testing.T) {
	if _, err := accesstoken.Parse("e30.a.b.c.d"); err == nil || !strings.Contains(err.Error(), "one that is encrypted has five") {
		t.Error(err)
	}
}

func TestARefusalShowsLittleAndHarmlessly(t *testing.T) {
	long := strings.Repeat("x", 100)
	for header, want := range map[string]string{
		`,"typ":"a\u0000\n'b"`:     "token_type: typ is 'a???b', which is another kind of token",
		`,"typ":"` + long + `"`:    "token_type: typ is '" + long[:63] + "…', which",
		`,"typ":{"a":1}`:           "token_type: typ is an object, and not a text",
		`,"kid":"` + kid256 + `~"`: "and not a text of 1 to 256 printable ASCII characters",
		`,"crit":["` + long + `"]`: "token_critical: the header has crit, which is not supported",
		`,"a":1,"\u0041":2`:        "token_json: the header has the members 'a' and 'A' in one object",
	} {
		_, err := verify(newVerifier(t, secretRules()), withSecret(t, header, ""), oneKey{key: secret})
		var refused *accesstoken.Error
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
}
