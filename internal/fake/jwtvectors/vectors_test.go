package jwtvectors_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/internal/fake/jwtvectors"
)

func TestThereAre116VectorsOfWhichThe8GoodOnesComeFirst(t *testing.T) {
	all := jwtvectors.All()
	if len(all) != 116 {
		t.Errorf("%d vectors", len(all))
	}
	seen := map[string]bool{}
	for i, v := range all {
		if (v.Expect == jwtvectors.Accept) != (i < 8) {
			t.Errorf("'%s' is number %d and '%s'", v.ID, i+1, v.Expect)
		}
		if seen[v.ID] {
			t.Errorf("'%s' is there twice", v.ID)
		}
		seen[v.ID] = true
	}
}

// TestEveryVectorBecomesAToken also shows that the good ones are signed by a key that is
// published, as the library alone sees it.
func TestEveryVectorBecomesAToken(t *testing.T) {
	provider, err := jwtvectors.New()
	if err != nil {
		t.Fatal(err)
	}
	find := func(token *jwt.Token) (any, error) {
		for _, k := range provider.Keys() {
			if k.ID == token.Header["kid"] {
				return k.Public, nil
			}
		}
		return nil, jwt.ErrTokenUnverifiable
	}
	for _, v := range jwtvectors.All() {
		token, err := provider.Token(v, time.Now())
		if err != nil {
			t.Errorf("%s: %v", v.ID, err)
			continue
		}
		if v.Expect != jwtvectors.Accept {
			continue
		}
		if _, err := jwt.Parse(token, find, jwt.WithLeeway(time.Minute)); err != nil {
			t.Errorf("%s: %v", v.ID, err)
		}
		if strings.ContainsAny(v.Header+v.Payload, "<>") {
			t.Errorf("'%s' is good and leaves something open", v.ID)
		}
	}
}

func TestThePublishedKeysSayWhatTheyAreFor(t *testing.T) {
	provider, err := jwtvectors.New()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jwtvectors.JWKS(provider.Keys())
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Keys []struct {
			Kid, Kty, Use, Alg, Crv, N, E, X, Y string
			Ops                                 []string `json:"key_ops"`
		}
	}
	if err := json.Unmarshal(document, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 8 {
		t.Fatalf("%d keys", len(set.Keys))
	}
	for _, k := range set.Keys {
		switch k.Kid {
		case "ec-1":
			if k.Kty != "EC" || k.Crv != "P-256" || len(k.X) != 43 || len(k.Y) != 43 || k.Alg != "ES256" {
				t.Errorf("%+v", k)
			}
		case "ed-1":
			if k.Kty != "OKP" || k.Crv != "Ed25519" || len(k.X) != 43 {
				t.Errorf("%+v", k)
			}
		case "rsa-enc":
			if k.Use != "enc" {
				t.Errorf("%+v", k)
			}
		case "rsa-ops":
			if len(k.Ops) != 1 || k.Ops[0] != "encrypt" {
				t.Errorf("%+v", k)
			}
		default:
			if k.Kty != "RSA" || k.E != "AQAB" || k.N == "" {
				t.Errorf("%+v", k)
			}
		}
	}
	if _, err := jwtvectors.JWKS([]jwtvectors.Key{{ID: "x", Public: "a text"}}); err == nil {
		t.Error("a key that is none is published")
	}
}
