package provider

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	rsaAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	allAlgorithms = append([]string{"ES256", "ES384", "ES512", "EdDSA", "HS256", "none", ""}, rsaAlgorithms...)
)

func TestWhatKeysAreFor(t *testing.T) {
	rsa2048, ed, p256 := rsaKey(t, 2048), edKey(t), ecKey(t, elliptic.P256())
	for name, c := range map[string]struct {
		key  map[string]any
		want []string
	}{
		"RSA is for six":                       {jwk(t, "a", rsa2048), rsaAlgorithms},
		"RSA that is for one":                  {jwk(t, "a", rsa2048, "alg", "PS256"), []string{"PS256"}},
		"RSA for encryption":                   {jwk(t, "a", rsa2048, "alg", "RSA-OAEP"), nil},
		"RSA that says it is for signatures":   {jwk(t, "a", rsa2048, "use", "sig"), rsaAlgorithms},
		"RSA that says it is for encryption":   {jwk(t, "a", rsa2048, "use", "enc"), nil},
		"RSA that says something else":         {jwk(t, "a", rsa2048, "use", "SIG"), nil},
		"RSA to verify with":                   {jwk(t, "a", rsa2048, "key_ops", []string{"verify"}), rsaAlgorithms},
		"RSA to verify with and more":          {jwk(t, "a", rsa2048, "key_ops", []string{"x-other", "verify"}), rsaAlgorithms},
		"RSA to sign with":                     {jwk(t, "a", rsa2048, "key_ops", []string{"sign"}), nil},
		"RSA for nothing":                      {jwk(t, "a", rsa2048, "key_ops", []string{}), nil},
		"RSA that is short":                    {jwk(t, "a", rsaKey(t, 1024)), nil},
		"RSA that is long":                     {jwk(t, "a", rsa2048, "n", strings.Repeat("_", 1400)), nil},
		"RSA with an even modulus":             {jwk(t, "a", rsa2048, "n", strings.Repeat("_", 341)+"-"+"A"), nil},
		"RSA with the exponent 1":              {jwk(t, "a", rsa2048, "e", "AQ"), nil},
		"RSA with an even exponent":            {jwk(t, "a", rsa2048, "e", "BA"), nil},
		"RSA with an exponent that overflows":  {jwk(t, "a", rsa2048, "e", "AQAAAAAAAQAB"), nil},
		"RSA without a modulus":                {jwk(t, "a", rsa2048, "n", nil), nil},
		"P-256":                                {jwk(t, "a", p256), []string{"ES256"}},
		"P-384":                                {jwk(t, "a", ecKey(t, elliptic.P384())), []string{"ES384"}},
		"P-521":                                {jwk(t, "a", ecKey(t, elliptic.P521())), []string{"ES512"}},
		"P-256 that says it is for P-384":      {jwk(t, "a", p256, "alg", "ES384"), nil},
		"P-256 that says it is for HMAC":       {jwk(t, "a", p256, "alg", "HS256"), nil},
		"a point that is not on its curve":     {jwk(t, "a", p256, "x", "AQ"), nil},
		"P-224":                                {jwk(t, "a", p256, "crv", "P-224"), nil},
		"the curve of Bitcoin":                 {jwk(t, "a", p256, "crv", "secp256k1"), nil},
		"Ed25519":                              {jwk(t, "a", ed), []string{"EdDSA"}},
		"Ed25519 that says so":                 {jwk(t, "a", ed, "alg", "EdDSA"), []string{"EdDSA"}},
		"Ed25519 that is short":                {jwk(t, "a", ed, "x", "AQ"), nil},
		"X25519":                               {jwk(t, "a", ed, "crv", "X25519"), nil},
		"Ed448":                                {jwk(t, "a", ed, "crv", "Ed448"), nil},
		"another kind":                         {jwk(t, "a", ed, "kty", "AKP"), nil},
		"no kind":                              {jwk(t, "a", ed, "kty", nil), nil},
		"a secret":                             {map[string]any{"kty": "oct", "kid": "a", "k": "c2VjcmV0", "alg": "HS256"}, nil},
		"a private key":                        {jwk(t, "a", ed, "d", "AQ"), nil},
		"a private RSA key":                    {jwk(t, "a", rsa2048, "p", "AQ"), nil},
		"members that are not known":           {jwk(t, "a", ed, "x-other", []int{1}), []string{"EdDSA"}},
		"a certificate that is somewhere else": {jwk(t, "a", ed, "x5u", "http://127.0.0.1:1/secret"), []string{"EdDSA"}},
		"a certificate that is none":           {jwk(t, "a", ed, "x5c", []string{"?"}, "x5t", "?"), []string{"EdDSA"}},
		"a name that is no text":               {jwk(t, "a", ed, "kid", 1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := parseKeys(document(t, c.key, jwk(t, "other", p256)))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, algorithm := range allAlgorithms {
				if _, ok := set.find("a", algorithm); ok {
					got = append(got, algorithm)
				}
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(c.want))
			if !slices.Equal(got, want) {
				t.Errorf("it is for %v, want %v", got, want)
			}
		})
	}
}

func TestKeysAreOfTheTypesThatSignaturesNeed(t *testing.T) {
	r, e, d := rsaKey(t, 2048), ecKey(t, elliptic.P256()), edKey(t)
	set, err := parseKeys(document(t, jwk(t, "r", r), jwk(t, "e", e), jwk(t, "d", d)))
	if err != nil {
		t.Fatal(err)
	}
	if key, _ := set.find("r", "RS256"); !r.(*rsa.PublicKey).Equal(key.(*rsa.PublicKey)) {
		t.Error("RSA")
	}
	if key, _ := set.find("e", "ES256"); !e.(*ecdsa.PublicKey).Equal(key.(*ecdsa.PublicKey)) {
		t.Error("EC")
	}
	if key, _ := set.find("d", "EdDSA"); !d.(ed25519.PublicKey).Equal(key.(ed25519.PublicKey)) {
		t.Error("Ed25519")
	}
	// Without a name there is one for each.
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		if _, ok := set.find("", algorithm); !ok {
			t.Errorf("%s: no key without a name", algorithm)
		}
	}
}

func TestWhichKeyANameStandsFor(t *testing.T) {
	a, b := edKey(t), edKey(t)
	p256, r := ecKey(t, elliptic.P256()), rsaKey(t, 2048)
	for name, c := range map[string]struct {
		keys          []any
		id, algorithm string
		want          any
		ambiguous     []string
	}{
		"of two keys each has its own":            {[]any{jwk(t, "a", a), jwk(t, "b", b)}, "b", "EdDSA", b, nil},
		"a name that stands twice is nobody's":    {[]any{jwk(t, "a", a), jwk(t, "a", b)}, "a", "EdDSA", nil, []string{"a"}},
		"though it is the same key":               {[]any{jwk(t, "a", a), jwk(t, "a", a)}, "a", "EdDSA", nil, []string{"a"}},
		"but once for each algorithm":             {[]any{jwk(t, "a", a), jwk(t, "a", p256)}, "a", "EdDSA", a, nil},
		"also of the same kind":                   {[]any{jwk(t, "a", r, "alg", "RS256"), jwk(t, "a", rsaKey(t, 2048), "alg", "PS256")}, "a", "RS256", r, nil},
		"a name of another kind is not meant":     {[]any{jwk(t, "a", a), jwk(t, "b", p256)}, "b", "EdDSA", nil, nil},
		"names are compared to the letter":        {[]any{jwk(t, "a", a)}, "A", "EdDSA", nil, nil},
		"no name is the only one":                 {[]any{jwk(t, "a", a), jwk(t, "b", p256)}, "", "EdDSA", a, nil},
		"or none of two":                          {[]any{jwk(t, "a", a), jwk(t, "b", b)}, "", "EdDSA", nil, nil},
		"a key without a name is that of no name": {[]any{jwk(t, "", a)}, "", "EdDSA", a, nil},
		"and of no other":                         {[]any{jwk(t, "", a)}, "a", "EdDSA", nil, nil},
		"two without a name are none":             {[]any{jwk(t, "", a), jwk(t, "", b)}, "", "EdDSA", nil, nil},
		"one that cannot verify is not counted":   {[]any{jwk(t, "a", a), jwk(t, "b", b, "use", "enc")}, "", "EdDSA", a, nil},
		"and takes no name away":                  {[]any{jwk(t, "a", a), jwk(t, "a", b, "use", "enc")}, "a", "EdDSA", a, nil},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := parseKeys(document(t, c.keys...))
			if err != nil {
				t.Fatal(err)
			}
			got, ok := set.find(c.id, c.algorithm)
			if ok != (c.want != nil) {
				t.Fatalf("found: %v", ok)
			}
			if ok && !got.(interface{ Equal(x crypto.PublicKey) bool }).Equal(c.want) {
				t.Error("it is another key")
			}
			if !slices.Equal(set.ambiguous, c.ambiguous) {
				t.Errorf("ambiguous: %v", set.ambiguous)
			}
		})
	}
}

func TestDocumentsWithoutKeys(t *testing.T) {
	var many []any
	for i := range maxKeyCount + 1 {
		many = append(many, jwk(t, fmt.Sprint(i), edKey(t)))
	}
	for name, c := range map[string]struct{ text, problem string }{
		"nothing":            {"", "is no set of keys"},
		"a page":             {"<html>secret</html>", "is no set of keys"},
		"a list":             {"[]", "is no set of keys"},
		"another object":     {`{"error":"secret"}`, "is no set of keys"},
		"null":               {`{"keys":null}`, "is no set of keys"},
		"keys that are none": {`{"keys":[1,"secret",{},null]}`, "none of 4 keys can verify tokens"},
		"an empty set":       {`{"keys":[]}`, "none of 0 keys can verify tokens"},
		"more than one":      {`{"keys":[]}{}`, "is no set of keys"},
		"too many":           {string(document(t, many...)), "there are 101 keys; 100 are the most"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseKeys([]byte(c.text))
			wantText(t, err, c.problem)
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("'%v' has a secret", err)
			}
		})
	}
	if set, err := parseKeys(document(t, many[:maxKeyCount]...)); err != nil || len(set.keys) != maxKeyCount {
		t.Errorf("100 keys: %v", err)
	}
}

func TestADigestStandsForTheKeys(t *testing.T) {
	a, b := jwk(t, "a", edKey(t)), jwk(t, "b", edKey(t))
	of := func(keys ...any) [32]byte {
		set, err := parseKeys(document(t, keys...))
		if err != nil {
			t.Fatal(err)
		}
		return set.digest
	}
	if of(a, b) != of(b, a) {
		t.Error("the order changes it")
	}
	for name, other := range map[string][32]byte{
		"one key less": of(a), "another name": of(a, jwk(t, "c", edKey(t))), "another key": of(a, jwk(t, "b", edKey(t))),
	} {
		if other == of(a, b) {
			t.Errorf("%s changes nothing", name)
		}
	}
}

func FuzzKeys(f *testing.F) {
	files, err := filepath.Glob("testdata/keys/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("there are no documents to begin with")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := parseKeys(text)
		if err != nil {
			if len(err.Error()) > maxShown {
				t.Errorf("'%v' is long", err)
			}
			return
		}
		if len(set.keys) == 0 || len(set.keys) > maxKeyCount {
			t.Errorf("there are %d keys", len(set.keys))
		}
		again, err := parseKeys(bytes.Clone(text))
		if err != nil || again.digest != set.digest {
			t.Error("it is read differently the second time")
		}
		for at, key := range set.table {
			if !slices.Contains(algorithmsOf(key), at.algorithm) {
				t.Errorf("the key for %+v is a %T", at, key)
			}
			if at.id != "" && !slices.ContainsFunc(set.keys, func(k Key) bool { return k.ID == at.id }) {
				t.Errorf("%+v is nobody's name", at)
			}
		}
		if _, ok := set.find("a", "HS256"); ok || !json.Valid(text) {
			t.Error("there is a key that cannot be")
		}
	})
}
