package accesstoken_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/accesstoken"
)

func TestRulesThatCannotBeMeantAreRefused(t *testing.T) {
	for want, change := range map[string]func(*accesstoken.Rules){
		"the issuer is missing":                func(r *accesstoken.Rules) { r.Issuer = "" },
		"the issuer is longer than 512 bytes":  func(r *accesstoken.Rules) { r.Issuer = "https://" + strings.Repeat("a", 505) },
		"the audience is missing":              func(r *accesstoken.Rules) { r.Audience = nil },
		"an audience is empty":                 func(r *accesstoken.Rules) { r.Audience = []string{"a", ""} },
		"algorithm 'none' is not known":        func(r *accesstoken.Rules) { r.Algorithms = []string{"none"} },
		"algorithm 'rs256' is not known":       func(r *accesstoken.Rules) { r.Algorithms = []string{"RS256", "rs256"} },
		"algorithm 'RS256' is listed twice":    func(r *accesstoken.Rules) { r.Algorithms = []string{"RS256", "RS256"} },
		"cannot be listed together":            func(r *accesstoken.Rules) { r.Algorithms = []string{"RS256", "HS256"} },
		"the leeway is -1ns":                   func(r *accesstoken.Rules) { r.Leeway = -1 },
		"the leeway is 10m1s":                  func(r *accesstoken.Rules) { r.Leeway = 10*time.Minute + time.Second },
		"may last is 0s":                       func(r *accesstoken.Rules) { r.MaxAge = 0 },
		"may last is 87841h0m0s":               func(r *accesstoken.Rules) { r.MaxAge = 87841 * time.Hour },
		"claim with the scopes has 257 bytes":  func(r *accesstoken.Rules) { r.ScopesClaim = strings.Repeat("s", 257) },
		"'a b' cannot be a scope":              func(r *accesstoken.Rules) { r.RequiredScopes = []string{"a b"} },
		"'' cannot be a scope":                 func(r *accesstoken.Rules) { r.RequiredScopes = []string{"api", ""} },
		"some of RS256, RS384, RS512, PS256, ": func(r *accesstoken.Rules) { r.Algorithms = []string{""} },
		"'ES256K' is not known: use some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA": func(r *accesstoken.Rules) { r.Algorithms = []string{"ES256K"} },
	} {
		r := vectorRules()
		change(&r)
		if _, err := accesstoken.NewVerifier(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
}

func TestRulesThatCanBeMeantAreTaken(t *testing.T) {
	for name, change := range map[string]func(*accesstoken.Rules){
		"all algorithms with a public key": func(r *accesstoken.Rules) {
			r.Algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
		},
		"all algorithms with a secret": func(r *accesstoken.Rules) { r.Algorithms = []string{"HS256", "HS384", "HS512"} },
		"the greatest leeway and age":  func(r *accesstoken.Rules) { r.Leeway, r.MaxAge = 10*time.Minute, 87840*time.Hour },
		"no leeway":                    func(r *accesstoken.Rules) { r.Leeway = 0 },
		"a scope that is an address":   func(r *accesstoken.Rules) { r.RequiredScopes = []string{"https://example.com/api#x"} },
	} {
		r := vectorRules()
		change(&r)
		if _, err := accesstoken.NewVerifier(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
