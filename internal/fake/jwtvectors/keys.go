package jwtvectors

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// Key is a key as a provider publishes it.
type Key struct {
	// ID is its kid. Use, Algorithm and Operations are use, alg and key_ops, empty where
	// it has none.
	ID, Use, Algorithm string
	Operations         []string
	// Public is an *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey.
	Public any
}

// Provider has the keys of provider A, that of provider B, and one of nobody.
type Provider struct {
	published, other []Key
	private          map[string]crypto.Signer
}

const (
	// mainKey is the one by which most are signed, foreign that of nobody.
	mainKey = "rsa-1"
	foreign = "foreign"
	// shared is the kid of a key of A and of another of B, whose name here is sharedByB.
	shared    = "shared-kid"
	sharedByB = "B:" + shared
)

// New makes the keys, which takes a second or two.
func New() (*Provider, error) {
	p := &Provider{private: map[string]crypto.Signer{}}
	for _, k := range []Key{
		{ID: mainKey},
		{ID: "rsa-rs256-only", Algorithm: "RS256"},
		{ID: "rsa-enc", Use: "enc"},
		{ID: "rsa-ops", Operations: []string{"encrypt"}},
		{ID: "rsa-1024"},
		{ID: shared, Use: "sig"},
		{ID: "ec-1", Use: "sig", Algorithm: "ES256", Operations: []string{"verify"}},
		{ID: "ed-1", Use: "sig"},
	} {
		if err := p.add(k.ID); err != nil {
			return nil, err
		}
		k.Public = p.private[k.ID].Public()
		p.published = append(p.published, k)
	}
	for _, name := range []string{sharedByB, foreign} {
		if err := p.add(name); err != nil {
			return nil, err
		}
	}
	p.other = []Key{{ID: shared, Use: "sig", Public: p.private[sharedByB].Public()}}
	return p, nil
}

// add makes a key of the sort that its name says.
func (p *Provider) add(name string) (err error) {
	switch name {
	case "ec-1":
		p.private[name], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ed-1":
		_, p.private[name], err = ed25519.GenerateKey(rand.Reader)
	case "rsa-1024":
		p.private[name], err = rsa.GenerateKey(rand.Reader, 1024)
	default:
		p.private[name], err = rsa.GenerateKey(rand.Reader, 2048)
	}
	return err
}

// Keys are what provider A publishes.
func (p *Provider) Keys() []Key { return p.published }

// OtherKeys are what provider B publishes.
func (p *Provider) OtherKeys() []Key { return p.other }

// JWKS is a set of keys as it is published (RFC 7517 section 5).
func JWKS(keys []Key) ([]byte, error) {
	set := make([]map[string]any, 0, len(keys))
	for _, k := range keys {
		jwk, err := k.jwk()
		if err != nil {
			return nil, err
		}
		set = append(set, jwk)
	}
	return json.Marshal(map[string]any{"keys": set})
}

func (k Key) jwk() (map[string]any, error) {
	jwk := map[string]any{"kid": k.ID}
	for name, value := range map[string]string{"use": k.Use, "alg": k.Algorithm} {
		if value != "" {
			jwk[name] = value
		}
	}
	if len(k.Operations) > 0 {
		jwk["key_ops"] = k.Operations
	}
	switch public := k.Public.(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			return nil, err
		}
		half := (len(point) - 1) / 2
		jwk["kty"], jwk["crv"], jwk["x"], jwk["y"] = "EC", public.Curve.Params().Name, encode(point[1:1+half]), encode(point[1+half:])
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", encode(public)
	default:
		return nil, fmt.Errorf("key '%s' is of type %T, which has no JWK here", k.ID, k.Public)
	}
	return jwk, nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
