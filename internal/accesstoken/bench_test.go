package accesstoken_test

import (
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/internal/accesstoken"
)

// measured is a token as providers make them, with all that is needed to check it.
type measured struct {
	name, text string
	key        any
	verifier   *accesstoken.Verifier
	parser     *jwt.Parser
}

// usual has the claims that Keycloak puts into an access token, some 800 bytes.
const usual = `{"exp":{+600},"iat":{-10},"jti":"0d5b1e3c-6a7f-4a53-9b0f-5f2a8c9d7e11","iss":"https://idp.example",` +
	`"aud":["ours","account"],"sub":"5f9d1c7e-8b7a-4d3c-9a54-2a7f6e1d0c3b","typ":"Bearer","azp":"console","sid":"f3c1a2b4-0000-4c1d-8e2f-1a2b3c4d5e6f",` +
	`"acr":"1","allowed-origins":["https://console.example"],"realm_access":{"roles":["default-roles-main","offline_access","analyst"]},` +
	`"resource_access":{"account":{"roles":["manage-account","view-profile"]}},"scope":"openid email profile","email_verified":true,` +
	`"name":"Gertrude Goose","preferred_username":"goose","given_name":"Gertrude","family_name":"Goose","email":"goose@example.org"}`

func measure(t testing.TB) []measured {
	t.Helper()
	rsaKey, ecKey, edKey := keysOf(t)
	var all []measured
	for _, m := range []struct {
		method      jwt.SigningMethod
		signer, key any
	}{
		{jwt.SigningMethodHS256, secret, secret},
		{jwt.SigningMethodRS256, rsaKey, &rsaKey.PublicKey},
		{jwt.SigningMethodPS256, rsaKey, &rsaKey.PublicKey},
		{jwt.SigningMethodES256, ecKey, &ecKey.PublicKey},
		{jwt.SigningMethodEdDSA, edKey, edKey.Public()},
	} {
		r := secretRules()
		r.Algorithms = []string{m.method.Alg()}
		all = append(all, measured{
			name: m.method.Alg(),
			text: signed(t, m.method, m.signer, `{"alg":"`+m.method.Alg()+`","typ":"JWT","kid":"rsa-1"}`, at(usual)),
			key:  m.key, verifier: newVerifier(t, r),
			parser: jwt.NewParser(jwt.WithValidMethods(r.Algorithms), jwt.WithoutClaimsValidation()),
		})
	}
	return all
}

func (m measured) bare(t testing.TB) {
	if _, err := m.parser.ParseWithClaims(m.text, jwt.MapClaims{}, func(*jwt.Token) (any, error) { return m.key, nil }); err != nil {
		t.Fatal(err)
	}
}

func (m measured) ours(t testing.TB) {
	token, err := accesstoken.Parse(m.text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.verifier.Verify(t.Context(), token, oneKey{key: m.key}, now); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkVerify sets the whole verification beside the library's bare check of the
// signature. Ours is to take at most 1.4 times as long.
func BenchmarkVerify(b *testing.B) {
	for _, m := range measure(b) {
		b.Run(m.name+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.bare(b)
			}
		})
		b.Run(m.name+"/ours", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.ours(b)
			}
		})
	}
}
