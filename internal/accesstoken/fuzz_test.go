package accesstoken_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/internal/accesstoken"
)

// FuzzParse holds that what is taken is written in the one way, is JSON for others too,
// and has no two members of one name.
func FuzzParse(f *testing.F) {
	f.Add("e30.e30.AAA")
	f.Add("eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4IiwiYSI6WzEseyJiIjoiXHUwMGU5In1dfQ.")
	f.Add("e30.eyJhIjoxLCJBIjoyfQ.")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := accesstoken.Parse(text)
		if err != nil {
			var refused *accesstoken.Error
			if !errors.As(err, &refused) || token != nil {
				t.Fatalf("%v, %v", token, err)
			}
			return
		}
		segments := strings.Split(text, ".")
		if len(segments) != 3 || len(text) > maxLength {
			t.Fatal("the form is wrong")
		}
		for i, s := range segments {
			decoded, err := base64.RawURLEncoding.DecodeString(s)
			if err != nil || base64.RawURLEncoding.EncodeToString(decoded) != s {
				t.Fatalf("segment %d could be written otherwise: %v", i, err)
			}
			if i == 2 {
				continue
			}
			var members map[string]any
			if err := json.Unmarshal(decoded, &members); err != nil || members == nil {
				t.Fatalf("segment %d: %v", i, err)
			}
			if err := distinct(json.NewDecoder(bytes.NewReader(decoded))); err != nil && !errors.Is(err, io.EOF) {
				t.Fatalf("segment %d: %v", i, err)
			}
			if iss, _ := members["iss"].(string); i == 1 && iss != token.Issuer() {
				t.Fatalf("iss is '%s' and '%s'", iss, token.Issuer())
			}
		}
	})
}

// distinct reads one value and finds names in an object that differ in case at most.
func distinct(d *json.Decoder) error {
	start, err := d.Token()
	if err != nil {
		return err
	}
	var names []string
	for opened, ok := start.(json.Delim); ok && d.More(); {
		if opened == '{' {
			name, err := d.Token()
			if err != nil {
				return err
			}
			text, _ := name.(string)
			if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, text) }) {
				return fmt.Errorf("'%s' is there twice", text)
			}
			names = append(names, text)
		}
		if err := distinct(d); err != nil {
			return err
		}
	}
	if _, ok := start.(json.Delim); ok {
		_, err = d.Token()
	}
	return err
}

// FuzzClaimsPath holds that a claim is found where a path leads, and that its forms
// agree.
func FuzzClaimsPath(f *testing.F) {
	for _, path := range []string{"name", "a.b", "realm_access.of.it.x", "https://example.com/roles", "..", "x.y.z", "words"} {
		f.Add(path)
	}
	c := claims(f, somebody)
	var members map[string]any
	if err := json.Unmarshal([]byte("{"+somebody+"}"), &members); err != nil {
		f.Fatal(err)
	}
	usualNames := []string{"iss", "aud", "sub", "exp"}
	f.Fuzz(func(t *testing.T, path string) {
		text, ok := c.Text(path)
		list := c.List(path)
		if ok && list != nil || !ok && text != "" {
			t.Fatalf("'%s', %v, %q", text, ok, list)
		}
		if (ok || list != nil) && len(path) > maxPath {
			t.Fatal("the path is too long")
		}
		if c.Bool(path) && text != "true" {
			t.Fatalf("true is '%s'", text)
		}
		if whole, is := members[path].(string); is && whole != text {
			t.Fatalf("'%s' is '%s', and by its whole name '%s'", path, text, whole)
		}
		if _, is := members[path]; !is && !strings.Contains(path, ".") && (ok || list != nil) && !slices.Contains(usualNames, path) {
			t.Fatalf("'%s' is found, and no member", path)
		}
	})
}

// FuzzVerify signs whatever header and payload come, and holds that what is accepted
// says what it must, as encoding/json reads it.
func FuzzVerify(f *testing.F) {
	for _, claims := range []string{``, `"exp":{-61}`, `"aud":["x","ours"]`, `"nonce":"n"`, `"sub":"\u0000"`, `"scope":"a b"`} {
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(withSecret(f, "", claims), ".")[1])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(`{"alg":"HS256"}`, string(payload))
	}
	f.Add(`{"alg":"HS256","typ":"at+jwt","kid":"k"}`, `{}`)
	v := newVerifier(f, secretRules())
	f.Fuzz(func(t *testing.T, header, payload string) {
		text := signed(t, jwt.SigningMethodHS256, secret, header, payload)
		c, err := verify(v, text, oneKey{key: secret})
		rule := firstUnmet(v.Explain(t.Context(), text, oneKey{key: secret}, now))
		if err != nil {
			var refused *accesstoken.Error
			if !errors.As(err, &refused) || refused.Rule != rule || len(err.Error()) > 2000 {
				t.Fatalf("%v, explained by '%s'", err, rule)
			}
			return
		}
		var members map[string]any
		if rule != "" || json.Unmarshal([]byte(payload), &members) != nil {
			t.Fatalf("it is accepted, and explained by '%s'", rule)
		}
		exp, _ := members["exp"].(float64)
		if members["iss"] != "https://idp.example" || members["sub"] != c.Subject || c.Subject == "" || members["nonce"] != nil ||
			exp < float64(now.Unix()-60) || exp > float64(now.Unix()+3660) {
			t.Fatalf("%s is accepted", payload)
		}
	})
}
