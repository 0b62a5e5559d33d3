package accesstoken

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
)

// ErrUnknownKey: the issuer has no key of that kid that fits the algorithm, or several
// where there is no kid.
var ErrUnknownKey = errors.New("the provider has no such key")

// Keys has the keys of one issuer.
type Keys interface {
	// Find returns the key for a token: *rsa.PublicKey, *ecdsa.PublicKey,
	// ed25519.PublicKey, or []byte for HS256, HS384 and HS512. It fits the algorithm. An
	// empty kid stands for the only key that fits.
	//
	// The error is ErrUnknownKey where there is no such key; whatever else comes with
	// it means that this cannot be found out now.
	Find(ctx context.Context, kid, algorithm string) (key any, err error)
}

// family is which sort of key an algorithm needs.
type family uint8

const (
	_ family = iota
	familyRSA
	familyECDSA
	familyEd25519
	familyHMAC
)

// algorithm is one of those of RFC 7518 section 3.1 and RFC 8037 section 3.1.
type algorithm struct {
	name   string
	family family
	// curve is for ECDSA, secret for HMAC the least number of bytes (RFC 7518 section
	// 3.2).
	curve  elliptic.Curve
	secret int
}

var algorithms = []algorithm{
	{name: "RS256", family: familyRSA},
	{name: "RS384", family: familyRSA},
	{name: "RS512", family: familyRSA},
	{name: "PS256", family: familyRSA},
	{name: "PS384", family: familyRSA},
	{name: "PS512", family: familyRSA},
	{name: "ES256", family: familyECDSA, curve: elliptic.P256()},
	{name: "ES384", family: familyECDSA, curve: elliptic.P384()},
	{name: "ES512", family: familyECDSA, curve: elliptic.P521()},
	{name: "EdDSA", family: familyEd25519},
	{name: "HS256", family: familyHMAC, secret: 32},
	{name: "HS384", family: familyHMAC, secret: 48},
	{name: "HS512", family: familyHMAC, secret: 64},
}

func findAlgorithm(name string) (a algorithm, ok bool) {
	for _, a := range algorithms {
		if a.name == name {
			return a, true
		}
	}
	return algorithm{}, false
}

// algorithmNames lists those with a secret, or those with a public key.
func algorithmNames(secret bool) []string {
	var names []string
	for _, a := range algorithms {
		if (a.family == familyHMAC) == secret {
			names = append(names, a.name)
		}
	}
	return names
}

// Bits of an RSA modulus: fewer are weak (RFC 7518 section 3.3), more take long.
const (
	leastRSA = 2048
	mostRSA  = 8192
)

// fits says why a key is none for the algorithm, "" if it is one. A text of a key is
// never taken for a secret, whoever has put it there: that a public key is public makes
// it a secret that everybody knows.
func (a algorithm) fits(key any) string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		switch {
		case k == nil || k.N == nil || a.family != familyRSA:
		case k.N.BitLen() < leastRSA || k.N.BitLen() > mostRSA:
			return fmt.Sprintf("the RSA key has %d bits; there must be %d to %d", k.N.BitLen(), leastRSA, mostRSA)
		default:
			return ""
		}
	case *ecdsa.PublicKey:
		if k != nil && a.family == familyECDSA && k.Curve == a.curve {
			return ""
		}
	case ed25519.PublicKey:
		if a.family == familyEd25519 && len(k) == ed25519.PublicKeySize {
			return ""
		}
	case []byte:
		switch {
		case a.family != familyHMAC:
		case len(k) < a.secret:
			return fmt.Sprintf("the secret has %d bytes; %s needs at least %d", len(k), a.name, a.secret)
		default:
			return ""
		}
	}
	return fmt.Sprintf("the key is of type %T, and none for %s", key, a.name)
}
