package provider

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
)

const (
	// maxKeyCount bounds the keys of a provider.
	maxKeyCount = 100
	// minRSA and maxRSA bound the modulus of an RSA key, in bits: RFC 7518 section 3.3,
	// and what a check may cost.
	minRSA, maxRSA = 2048, 8192
)

// Key is a key of a provider by which tokens can be verified.
type Key struct {
	// ID is its kid, which may be "".
	ID string
	// Algorithms are the values of alg that it is for.
	Algorithms []string

	public any
	// encoded is the key itself, in DER.
	encoded string
}

// slot is what a key is looked up by.
type slot struct{ id, algorithm string }

// keySet are keys that belong together. It is never changed.
type keySet struct {
	// keys are sorted. None is in it twice.
	keys []Key
	// table has the key for each kid and algorithm; the kid "" stands for the only key
	// that fits the algorithm.
	table map[slot]any
	// digest stands for the keys.
	digest [sha256.Size]byte
	// ambiguous are kids that stand for several keys of one algorithm, and so for none.
	ambiguous []string
	// unfit is how many keys cannot verify tokens, private how many were published with
	// their private part.
	unfit, private int
}

// parseKeys reads a JWK Set (RFC 7517). A key that cannot verify tokens is left out; a
// document without any that can is an error.
func parseKeys(document []byte) (*keySet, error) {
	var list struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(document, &list) != nil || list.Keys == nil {
		return nil, &failure{"the answer is no set of keys (RFC 7517)"}
	}
	if len(list.Keys) > maxKeyCount {
		return nil, &failure{fmt.Sprintf("there are %d keys; %d are the most", len(list.Keys), maxKeyCount)}
	}
	set := &keySet{table: map[slot]any{}}
	for _, text := range list.Keys {
		key, fit, private := parseKey(text)
		switch {
		case private:
			set.private++
		case !fit:
			set.unfit++
		default:
			set.keys = append(set.keys, key)
		}
	}
	if len(set.keys) == 0 {
		return nil, &failure{fmt.Sprintf("none of %d keys can verify tokens", len(list.Keys))}
	}
	set.index()
	return set, nil
}

// parseKey reads one key. A key whose private part was published is nobody's any more.
func parseKey(text []byte) (key Key, fit, private bool) {
	var parts jwkset.JWKMarshal
	if json.Unmarshal(text, &parts) != nil {
		return Key{}, false, false
	}
	if parts.KTY == jwkset.KtyOct || parts.D+parts.P+parts.Q+parts.DP+parts.DQ+parts.QI+parts.K != "" || len(parts.OTH) > 0 {
		return Key{}, false, true
	}
	if parts.USE != "" && parts.USE != jwkset.UseSig ||
		parts.KEYOPS != nil && !slices.Contains(parts.KEYOPS, jwkset.KeyOpsVerify) {
		return Key{}, false, false
	}
	// Certificates say nothing here, and what is named must not be fetched.
	parts.X5U, parts.X5C, parts.X5T, parts.X5TS256 = "", nil, "", ""
	parsed, err := jwkset.NewJWKFromMarshal(parts, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{SkipKeyOps: true})
	if err != nil {
		return Key{}, false, false
	}
	algorithms := algorithmsOf(parsed.Key())
	if declared := string(parts.ALG); declared != "" {
		algorithms = slices.DeleteFunc(algorithms, func(a string) bool { return a != declared })
	}
	encoded, err := x509.MarshalPKIXPublicKey(parsed.Key())
	if err != nil || len(algorithms) == 0 {
		return Key{}, false, false
	}
	return Key{parts.KID, algorithms, parsed.Key(), string(encoded)}, true, false
}

// algorithmsOf are those of RFC 7518 section 3.1 and RFC 8037 that a public key is for.
func algorithmsOf(public any) []string {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits >= minRSA && bits <= maxRSA && key.E >= 3 && key.E%2 == 1 && key.N.Bit(0) == 1 {
			return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
		}
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		case elliptic.P521():
			return []string{"ES512"}
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	}
	return nil
}

// index fills in what keys are found by.
func (s *keySet) index() {
	slices.SortFunc(s.keys, func(a, b Key) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), slices.Compare(a.Algorithms, b.Algorithms), cmp.Compare(a.encoded, b.encoded))
	})
	fitting, named := map[string]int{}, map[slot]int{}
	digest := sha256.New()
	for _, key := range s.keys {
		fmt.Fprintf(digest, "%q %q %q\n", key.ID, key.Algorithms, key.encoded)
		for _, algorithm := range key.Algorithms {
			fitting[algorithm]++
			named[slot{key.ID, algorithm}]++
			s.table[slot{"", algorithm}] = key.public
			if key.ID != "" {
				s.table[slot{key.ID, algorithm}] = key.public
			}
		}
	}
	s.digest = [sha256.Size]byte(digest.Sum(nil))
	for algorithm, count := range fitting {
		if count > 1 {
			delete(s.table, slot{"", algorithm})
		}
	}
	for at, count := range named {
		if count > 1 && at.id != "" {
			delete(s.table, at)
			s.ambiguous = append(s.ambiguous, at.id)
		}
	}
	slices.Sort(s.ambiguous)
	s.ambiguous = slices.Compact(s.ambiguous)
}

// find looks a key up. It allocates nothing.
func (s *keySet) find(id, algorithm string) (public any, ok bool) {
	public, ok = s.table[slot{id, algorithm}]
	return public, ok
}
