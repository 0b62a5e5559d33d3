// Package jwtvectors has 116 tokens of a provider, of which 8 are good in every respect,
// for tests of whoever accepts them:
//
//	provider, err := jwtvectors.New()
//	for _, v := range jwtvectors.All() {
//		token, err := provider.Token(v, time.Now())
//		// v.ID says what is the matter with it, v.Expect what must become of it.
//	}
//
// They are kept as recipes, in testdata/jwt_vectors.json, and made with fresh keys at a
// given time. In a recipe {now+600} stands for a number, and <…> for what is too long or
// too random to be written down.
package jwtvectors

import (
	_ "embed" // the recipes
	"encoding/json"
)

// What the verifier of the vectors has to be set to. The algorithms are RS256, PS256,
// ES256 and EdDSA, the leeway is 60 s, and exp may be 24 h ahead.
const (
	// Issuer is that of provider A, whose tokens they are, and Audience who accepts them.
	Issuer   = "https://idp.example/realm"
	Audience = "caddyauth"
	// OtherIssuer is that of provider B, which has a key of the same kid as one of A.
	OtherIssuer = "https://other.example/b"
	// Scope is what is demanded where a vector's When is RequiredScope.
	Scope         = "api"
	RequiredScope = "required scope configured"
)

// What must become of a token, as Vector.Expect has it. In the others it is in words,
// since it depends on the accounts that there are.
const (
	Accept = "accept"
	Reject = "reject"
)

// Vector is the recipe of one token.
type Vector struct {
	ID string `json:"id"`
	// Header and Payload are JSON, more or less. Sign says by which key it is signed, or
	// what else stands in the place of the signature.
	Header  string `json:"header"`
	Payload string `json:"payload"`
	Sign    string `json:"sign"`
	// Raw is the whole token where there is no header. Suffix follows it.
	Raw    string `json:"raw"`
	Suffix string `json:"suffix"`
	// When is under which condition Expect holds, "" for always.
	When string `json:"when"`
	// Expect is what must become of it, and Code the HTTP status where it is not 401.
	Expect string `json:"expect"`
	Code   int    `json:"code"`
}

//go:embed testdata/jwt_vectors.json
var recipes []byte

// All returns the vectors, the 8 good ones first. It panics if the recipes cannot be
// read, which a test of this package would have found.
func All() []Vector {
	var all []Vector
	if err := json.Unmarshal(recipes, &all); err != nil {
		panic(err)
	}
	return all
}
