package caddyauth

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/internal/accesstoken"
	"github.com/sallyport/sallyport/internal/provider"
)

// TestIDTokenOfALogInIsForThisClientAndThisLogIn: access tokens may be for others, and
// need scopes; an ID token is for the client, and says which log-in it belongs to.
func TestIDTokenOfALogInIsForThisClientAndThisLogIn(t *testing.T) {
	p := &idp{idpSettings: idpSettings{
		name: "staff", client: &provider.ClientConfig{ClientID: "sallyport"},
		rules: accesstoken.Rules{
			Issuer: testIssuer, Audience: []string{"ops"}, Algorithms: []string{"HS256"}, Leeway: defaultLeeway, MaxAge: defaultMaxAge,
			RequiredScopes: []string{"api"},
		},
	}, keys: secretKey(testSecret)}
	good := jwt.MapClaims{
		"iss": testIssuer, "aud": "sallyport", "sub": "alice", "nonce": "n-1",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	}
	for name, test := range map[string]struct {
		change jwt.MapClaims
		want   accesstoken.Rule
	}{
		"good":                      {nil, ""},
		"of another log-in":         {jwt.MapClaims{"nonce": "n-2"}, accesstoken.RuleNonce},
		"of no log-in":              {jwt.MapClaims{"nonce": nil}, accesstoken.RuleNonce},
		"for the application":       {jwt.MapClaims{"aud": "ops"}, accesstoken.RuleAudience},
		"given to another client":   {jwt.MapClaims{"aud": []string{"sallyport", "billing"}, "azp": "billing"}, accesstoken.RuleAudience},
		"of another issuer":         {jwt.MapClaims{"iss": testIssuer + "/b"}, accesstoken.RuleIssuer},
		"expired":                   {jwt.MapClaims{"exp": time.Now().Add(-time.Hour).Unix()}, accesstoken.RuleExpired},
		"Keycloak's refresh token":  {jwt.MapClaims{"typ": "Refresh"}, accesstoken.RuleKind},
		"without anybody it is for": {jwt.MapClaims{"sub": nil}, accesstoken.RuleSubject},
	} {
		claims := maps.Clone(good)
		for claim, value := range test.change {
			if claims[claim] = value; value == nil {
				delete(claims, claim)
			}
		}
		word, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(testSecret))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := p.verifyID(t.Context(), word, "n-1")
		fault, refused := errors.AsType[*accesstoken.Error](err)
		switch {
		case test.want == "" && (err != nil || subject != "alice"):
			t.Errorf("%s: '%s', %v", name, subject, err)
		case test.want != "" && (!refused || fault.Rule != test.want || subject != ""):
			t.Errorf("%s: '%s', %v, want %s", name, subject, err, test.want)
		}
	}
}
