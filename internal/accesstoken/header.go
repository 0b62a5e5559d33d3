package accesstoken

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func holdsIssuer(x *trial) string {
	iss := x.token.payload.member("iss")
	if iss.kind != isText || iss.text != x.rules.Issuer {
		return describe("iss", iss) + ", and not " + show(x.rules.Issuer) + " to the letter"
	}
	return ""
}

func foundIssuer(x *trial) string { return describe("iss", x.token.payload.member("iss")) }

// Types of tokens. Media types are compared without case (RFC 2045 section 5.1).
const (
	typeJWT      = "JWT"
	typeAccess   = "at+jwt"
	typeAccessIn = "application/at+jwt"
)

func holdsType(x *trial) string {
	if cty := x.token.header.member("cty"); cty.kind != isAbsent {
		return describe("cty", cty) + ": a token within a token is not supported"
	}
	typ := x.token.header.member("typ")
	switch {
	case typ.kind == isAbsent:
	case typ.kind != isText:
		return describe("typ", typ) + ", and not a text"
	case strings.EqualFold(typ.text, typeJWT):
	case !x.token.isAccessType():
		return describe("typ", typ) + ", which is another kind of token"
	case x.rules.wantsIDToken():
		return describe("typ", typ) + ", which is an access token where an ID token is wanted"
	}
	return ""
}

func foundType(x *trial) string { return describe("typ", x.token.header.member("typ")) }

// isAccessType reports whether it is by its type a token of RFC 9068.
func (t *Token) isAccessType() bool {
	typ := t.header.member("typ")
	return typ.kind == isText && (strings.EqualFold(typ.text, typeAccess) || strings.EqualFold(typ.text, typeAccessIn))
}

// holdsCritical refuses what RFC 7515 section 4.1.11, RFC 7797 and RFC 7516 say must not
// be ignored. jku, x5u, jwk and x5c in the header are ignored: whoever makes a token
// does not say by which key it is checked.
func holdsCritical(x *trial) string {
	for _, name := range []string{"crit", "b64", "zip"} {
		if x.token.header.member(name).kind != isAbsent {
			return "the header has " + name + ", which is not supported"
		}
	}
	return ""
}

func holdsAlgorithm(x *trial) string {
	alg := x.token.header.member("alg")
	if alg.kind != isText || !x.rules.accepts(alg.text) {
		return describe("alg", alg) + ", and not one of " + strings.Join(x.rules.Algorithms, ", ")
	}
	return ""
}

func foundAlgorithm(x *trial) string { return describe("alg", x.token.header.member("alg")) }

// maxKid is how many characters kid may have.
const maxKid = 256

// holdsKey asks for the key. What it looks it up by are plain short texts, and keys are
// asked only for tokens of their own issuer.
func holdsKey(x *trial) string {
	kid := x.token.header.member("kid")
	if kid.kind != isAbsent && (kid.kind != isText || !isKid(kid.text)) {
		return fmt.Sprintf("%s, and not a text of 1 to %d printable ASCII characters", describe("kid", kid), maxKid)
	}
	alg := x.token.header.member("alg").text
	key, err := x.keys.Find(x.ctx, kid.text, alg)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return describe("kid", kid) + ", and the provider has no such key for " + alg
	case err != nil:
		x.broken = fmt.Errorf("the key of issuer '%s' cannot be found out: %w", x.rules.Issuer, err)
		return x.broken.Error()
	}
	// All that are accepted are known, and the zero value fits no key.
	a, _ := findAlgorithm(alg)
	if fault := a.fits(key); fault != "" {
		return describe("kid", kid) + ": " + fault
	}
	x.key = key
	return ""
}

func foundKey(x *trial) string { return describe("kid", x.token.header.member("kid")) }

func isKid(text string) bool {
	if text == "" || len(text) > maxKid {
		return false
	}
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// holdsSignature has the library read the token and check its signature, by the key that
// was found. It looks at the claims as well; what it says of them is held for RuleClaims.
func holdsSignature(x *trial) string {
	parser := jwt.NewParser(append(slices.Clip(x.options), jwt.WithTimeFunc(x.time))...)
	_, err := parser.ParseWithClaims(x.token.text, (*readClaims)(x.token), x.foundKey)
	switch {
	case err == nil:
	case errors.Is(err, jwt.ErrTokenInvalidClaims):
		x.claimsError = err
	default:
		return "the signature is not one by the key that kid names"
	}
	return ""
}

func (x *trial) time() time.Time { return x.now }

func (x *trial) foundKey(t *jwt.Token) (any, error) {
	if t.Method.Alg() != x.token.header.member("alg").text {
		return nil, errors.New("the library has read another alg")
	}
	return x.key, nil
}

func holdsClaims(x *trial) string {
	if x.claimsError != nil {
		return "the claims do not hold: " + x.claimsError.Error()
	}
	return ""
}
