package accesstoken

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// aSecret is a provider with a secret.
type aSecret []byte

func (s aSecret) Find(context.Context, string, string) (any, error) { return []byte(s), nil }

func TestWhatTheLibraryHoldsAgainstTheClaimsCounts(t *testing.T) {
	secret := aSecret(strings.Repeat("s", 32))
	now := time.Unix(1_800_000_000, 0)
	v, err := NewVerifier(Rules{Issuer: "i", Audience: []string{"a"}, Algorithms: []string{"HS256"}, MaxAge: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"i","aud":"a","sub":"s","exp":1800000060,"iat":1800000000,"nbf":1800000000}`))
	signature, err := jwt.SigningMethodHS256.Sign(text, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	token, err := Parse(text + "." + base64.RawURLEncoding.EncodeToString(signature))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), token, secret, now); err != nil {
		t.Fatal(err)
	}
	// Each option, set to what the token is not, shows that the library sees this claim.
	for name, option := range map[string]jwt.ParserOption{
		"iss":     jwt.WithIssuer("another"),
		"aud":     jwt.WithAudience("another"),
		"sub":     jwt.WithSubject("another"),
		"expired": jwt.WithLeeway(-time.Hour),
	} {
		stricter := &Verifier{rules: v.rules, options: append(slices.Clip(v.options), option)}
		_, err := stricter.Verify(t.Context(), token, secret, now)
		var refused *Error
		if !errors.As(err, &refused) || refused.Rule != RuleClaims {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheLibraryMayNotReadAnotherAlgorithm(t *testing.T) {
	x := &trial{token: &Token{header: value{kind: isObject, parts: []part{{name: "alg", value: value{kind: isText, text: "HS256"}}}}}, key: "a key"}
	if key, err := x.foundKey(&jwt.Token{Method: jwt.SigningMethodHS512}); err == nil || key != nil {
		t.Errorf("%v, %v", key, err)
	}
	if key, err := x.foundKey(&jwt.Token{Method: jwt.SigningMethodHS256}); err != nil || key != "a key" {
		t.Errorf("%v, %v", key, err)
	}
}

func TestEveryRuleStandsBehindThoseThatItNeeds(t *testing.T) {
	before := map[Rule]bool{}
	for i, c := range checks {
		for _, needed := range c.needs {
			if !before[needed] {
				t.Errorf("'%s' needs '%s', which is not before it", c.rule, needed)
			}
		}
		if (i < formal) != (c.rule == RuleSize || c.rule == RuleForm || c.rule == RuleJSON) {
			t.Errorf("'%s' is number %d", c.rule, i+1)
		}
		if before[c.rule] {
			t.Errorf("'%s' is there twice", c.rule)
		}
		before[c.rule] = true
	}
}
