package accesstoken_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/internal/accesstoken"
)

// secret signs the tokens of most tests: that is quick.
var secret = []byte("a secret of the tests that has more bytes than any hash it serves")

// oneKey is a provider with one key, or one that cannot be reached.
type oneKey struct {
	key any
	err error
}

func (k oneKey) Find(context.Context, string, string) (any, error) { return k.key, k.err }

func secretRules() accesstoken.Rules {
	return accesstoken.Rules{
		Issuer: "https://idp.example", Audience: []string{"ours", "ours-too"}, Algorithms: []string{"HS256"},
		Leeway: time.Minute, MaxAge: time.Hour,
	}
}

// signed makes a token of a header and a payload.
func signed(t testing.TB, method jwt.SigningMethod, key any, header, payload string) string {
	t.Helper()
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	signature, err := method.Sign(text, key)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// withSecret makes a token of which only some claims are told. {+60} in them is a time.
func withSecret(t testing.TB, header, claims string) string {
	t.Helper()
	payload := `{"iss":"https://idp.example"`
	for _, usual := range []struct{ name, member string }{
		{`"aud"`, `"aud":"ours"`}, {`"sub"`, `"sub":"u-1"`}, {`"exp"`, `"exp":{+600}`},
	} {
		if !strings.Contains(claims, usual.name) {
			payload += "," + usual.member
		}
	}
	if claims != "" {
		payload += "," + claims
	}
	return signed(t, jwt.SigningMethodHS256, secret, `{"alg":"HS256"`+header+`}`, at(payload+"}"))
}

// at puts times into a payload: {+60} is in a minute.
func at(payload string) string {
	for _, s := range []int{-7200, -61, -60, -59, -10, 0, 59, 60, 61, 600, 3600, 3660, 3661} {
		payload = strings.ReplaceAll(payload, fmt.Sprintf("{%+d}", s), fmt.Sprint(now.Unix()+int64(s)))
	}
	return payload
}

// verdict is the rule by which a token is refused, "" for none. It holds that Explain
// says the same.
func verdict(t *testing.T, r accesstoken.Rules, text string, keys accesstoken.Keys) accesstoken.Rule {
	t.Helper()
	v := newVerifier(t, r)
	_, err := verify(v, text, keys)
	var refused *accesstoken.Error
	if err != nil && !errors.As(err, &refused) {
		t.Fatalf("%v is no refusal", err)
	}
	rule := firstUnmet(v.Explain(t.Context(), text, keys, now))
	if err == nil && rule != "" || err != nil && rule != refused.Rule {
		t.Errorf("%v, explained by '%s'", err, rule)
	}
	if err != nil {
		holdsNothing(t, text, err)
	}
	return rule
}

func TestWhatTheHeaderMaySay(t *testing.T) {
	for header, want := range map[string]accesstoken.Rule{
		``:                      "",
		`,"typ":"jwt"`:          "",
		`,"typ":"JWT"`:          "",
		`,"typ":""`:             accesstoken.RuleType,
		`,"typ":null`:           accesstoken.RuleType,
		`,"typ":["JWT"]`:        accesstoken.RuleType,
		`,"typ":"at+jwt"`:       accesstoken.RuleID,
		`,"typ":"AT+JWT"`:       accesstoken.RuleID,
		`,"typ":"at+jwt "`:      accesstoken.RuleType,
		`,"typ":"secevent+jwt"`: accesstoken.RuleType,
		`,"typ":"` + strings.Repeat("a", 100) + `"`: accesstoken.RuleType,
		`,"cty":"JWT"`:              accesstoken.RuleType,
		`,"cty":null`:               accesstoken.RuleType,
		`,"crit":[]`:                accesstoken.RuleCritical,
		`,"crit":null`:              accesstoken.RuleCritical,
		`,"b64":true`:               accesstoken.RuleCritical,
		`,"zip":"DEF"`:              accesstoken.RuleCritical,
		`,"kid":"` + kid256 + `"`:   "",
		`,"kid":"` + kid256 + `x"`:  accesstoken.RuleKey,
		`,"kid":""`:                 accesstoken.RuleKey,
		`,"kid":null`:               accesstoken.RuleKey,
		`,"kid":"\u00e9"`:           accesstoken.RuleKey,
		`,"kid":"a\nb"`:             accesstoken.RuleKey,
		`,"jku":"http://127.0.0.1"`: "",
		`,"Typ":"JWT"`:              "",
		`,"typ":"JWT","Typ":"JWT"`:  accesstoken.RuleJSON,
	} {
		if got := verdict(t, secretRules(), withSecret(t, header, ""), oneKey{key: secret}); got != want {
			t.Errorf("%s: '%s', want '%s'", header, got, want)
		}
	}
}

var kid256 = strings.Repeat("~", 256)

func TestWhatTheClaimsMaySay(t *testing.T) {
	for claims, want := range map[string]accesstoken.Rule{
		`"exp":{+60}`:                 "",
		`"exp":{-59}`:                 "",
		`"exp":{-60}`:                 accesstoken.RuleExpired,
		`"exp":{-61}`:                 accesstoken.RuleExpired,
		`"exp":{-60}.5`:               "",
		`"exp":0`:                     accesstoken.RuleExpired,
		`"exp":-1`:                    accesstoken.RuleTimes,
		`"exp":1e400`:                 accesstoken.RuleJSON,
		`"exp":253402300800`:          accesstoken.RuleTimes,
		`"exp":253402300799`:          accesstoken.RuleLifetime,
		`"exp":true`:                  accesstoken.RuleTimes,
		`"exp":{+3660}`:               "",
		`"exp":{+3661}`:               accesstoken.RuleLifetime,
		`"nbf":{+60}`:                 "",
		`"nbf":{+61}`:                 accesstoken.RuleNotYet,
		`"nbf":0`:                     "",
		`"nbf":null`:                  accesstoken.RuleTimes,
		`"nbf":-1`:                    accesstoken.RuleTimes,
		`"iat":{+60}`:                 "",
		`"iat":{+61}`:                 accesstoken.RuleIssued,
		`"iat":1e300`:                 accesstoken.RuleTimes,
		`"iat":"now"`:                 accesstoken.RuleTimes,
		`"aud":"ours-too"`:            "",
		`"aud":["x","ours"]`:          "",
		`"aud":["x","y"]`:             accesstoken.RuleAudience,
		`"aud":["ours",7]`:            accesstoken.RuleAudience,
		`"aud":null`:                  accesstoken.RuleAudience,
		`"aud":{"ours":1}`:            accesstoken.RuleAudience,
		`"aud":"OURS"`:                accesstoken.RuleAudience,
		`"aud":["1","2","3","4","5"]`: accesstoken.RuleAudience,
		`"sub":null`:                  accesstoken.RuleSubject,
		`"sub":"` + id255 + `"`:       "",
		`"sub":"` + id255 + `x"`:      accesstoken.RuleSubject,
		`"sub":"a\u0085b"`:            accesstoken.RuleSubject,
		`"sub":"\u00e9"`:              "",
		`"jti":"` + id255 + `"`:       "",
		`"jti":"` + id255 + `x"`:      accesstoken.RuleID,
		`"jti":""`:                    accesstoken.RuleID,
		`"jti":"a\u0000b"`:            accesstoken.RuleID,
		`"jti":"a\u202eb"`:            accesstoken.RuleID,
		`"sub":"a\u200bb"`:            accesstoken.RuleSubject,
		`"jti":7`:                     accesstoken.RuleID,
		`"client_id":{}`:              accesstoken.RuleID,
		`"client_id":"c"`:             "",
		`"azp":["c"]`:                 accesstoken.RuleID,
		`"azp":"another"`:             "",
		`"nonce":"n"`:                 accesstoken.RuleKind,
		`"at_hash":"h"`:               accesstoken.RuleKind,
		`"c_hash":null`:               accesstoken.RuleKind,
		`"events":{}`:                 accesstoken.RuleKind,
		`"cnf":{"jkt":"x"}`:           accesstoken.RuleKind,
		`"token_use":"id"`:            accesstoken.RuleKind,
		`"token_use":null`:            accesstoken.RuleKind,
		`"nonce":"n","typ":"Bearer"`:  "",
		`"nonce":"n","typ":"JWT"`:     accesstoken.RuleKind,
		`"c_hash":"h","typ":"Bearer"`: accesstoken.RuleKind,
		`"typ":"Bearer"`:              "",
		`"typ":"bearer"`:              "",
		`"typ":"ID"`:                  accesstoken.RuleKind,
		`"typ":"Refresh"`:             accesstoken.RuleKind,
		`"typ":"Offline"`:             accesstoken.RuleKind,
		`"typ":"Logout"`:              accesstoken.RuleKind,
		`"typ":null`:                  accesstoken.RuleKind,
		`"scope":7`:                   "",
	} {
		if got := verdict(t, secretRules(), withSecret(t, "", claims), oneKey{key: secret}); got != want {
			t.Errorf("%s: '%s', want '%s'", claims, got, want)
		}
	}
}

var id255 = strings.Repeat("i", 255)

func TestATokenOfTypeAtJWTNeedsClientAndID(t *testing.T) {
	for _, typ := range []string{"at+jwt", "application/AT+jwt"} {
		for claims, want := range map[string]accesstoken.Rule{
			`"jti":"j","client_id":"c"`:             "",
			`"jti":"j","client_id":"c","nonce":"n"`: "",
			`"jti":"j"`:                             accesstoken.RuleID,
			`"client_id":"c"`:                       accesstoken.RuleID,
		} {
			if got := verdict(t, secretRules(), withSecret(t, `,"typ":"`+typ+`"`, claims), oneKey{key: secret}); got != want {
				t.Errorf("%s, %s: '%s', want '%s'", typ, claims, got, want)
			}
		}
	}
}

func TestWhereAnIDTokenIsWantedItHasItsNonce(t *testing.T) {
	r := secretRules()
	r.Nonce = "n-1"
	for claims, want := range map[string]accesstoken.Rule{
		`"nonce":"n-1"`:                                 "",
		`"nonce":"n-1","at_hash":"h","typ":"ID"`:        "",
		`"nonce":"n-1","azp":"ours"`:                    "",
		`"nonce":"n-1","azp":"another"`:                 accesstoken.RuleAudience,
		`"nonce":"n-1","azp":7`:                         accesstoken.RuleAudience,
		`"nonce":"n-1","aud":["ours","x"]`:              accesstoken.RuleAudience,
		`"nonce":"n-1","aud":["ours","x"],"azp":"ours"`: "",
		`"nonce":"n-1","typ":"Bearer"`:                  accesstoken.RuleKind,
		`"nonce":"n-1","events":{}`:                     accesstoken.RuleKind,
		`"nonce":"n-2"`:                                 accesstoken.RuleNonce,
		`"nonce":["n-1"]`:                               accesstoken.RuleNonce,
		`"azp":"ours"`:                                  accesstoken.RuleNonce,
	} {
		if got := verdict(t, r, withSecret(t, "", claims), oneKey{key: secret}); got != want {
			t.Errorf("%s: '%s', want '%s'", claims, got, want)
		}
	}
	access := withSecret(t, `,"typ":"at+jwt"`, `"nonce":"n-1","jti":"j","client_id":"c"`)
	if got := verdict(t, r, access, oneKey{key: secret}); got != accesstoken.RuleType {
		t.Errorf("an access token: '%s'", got)
	}
}

func TestScopesThatAreNeededAreThere(t *testing.T) {
	for _, c := range []struct {
		claim, claims string
		want          accesstoken.Rule
	}{
		{"", `"scope":"write api"`, ""},
		{"", `"scope":["write","api"]`, ""},
		{"", `"scp":"api"`, ""},
		{"", `"scp":["api"]`, ""},
		{"", `"scope":"","scp":"api"`, accesstoken.RuleScope},
		{"", `"scope":"write  api"`, accesstoken.RuleScope},
		{"", `"scope":"api "`, accesstoken.RuleScope},
		{"", `"scope":"api\tx"`, accesstoken.RuleScope},
		{"", `"scope":["write api"]`, accesstoken.RuleScope},
		{"", `"scope":["api",7]`, accesstoken.RuleScope},
		{"", `"scope":"API"`, accesstoken.RuleScope},
		{"", ``, accesstoken.RuleScope},
		{"rights.of", `"scope":"api"`, accesstoken.RuleScope},
		{"rights.of", `"rights":{"of":["api"]}`, ""},
	} {
		r := secretRules()
		r.ScopesClaim, r.RequiredScopes = c.claim, []string{"api"}
		if got := verdict(t, r, withSecret(t, "", c.claims), oneKey{key: secret}); got != c.want {
			t.Errorf("%s in '%s': '%s', want '%s'", c.claims, c.claim, got, c.want)
		}
	}
}

func TestAKeyFitsItsAlgorithmOrIsRefused(t *testing.T) {
	rsaKey, ecKey, edKey := keysOf(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		method jwt.SigningMethod
		signer any
		key    any
		good   bool
	}{
		{"RS256 by its key", jwt.SigningMethodRS256, rsaKey, &rsaKey.PublicKey, true},
		{"RS384 by its key", jwt.SigningMethodRS384, rsaKey, &rsaKey.PublicKey, true},
		{"PS512 by its key", jwt.SigningMethodPS512, rsaKey, &rsaKey.PublicKey, true},
		{"ES256 by its key", jwt.SigningMethodES256, ecKey, &ecKey.PublicKey, true},
		{"ES384 by its key", jwt.SigningMethodES384, p384, &p384.PublicKey, true},
		{"EdDSA by its key", jwt.SigningMethodEdDSA, edKey, edKey.Public(), true},
		{"HS512 by its secret", jwt.SigningMethodHS512, secret, secret, true},
		{"HS256 by an RSA key", jwt.SigningMethodHS256, secret, &rsaKey.PublicKey, false},
		{"HS256 by a short secret", jwt.SigningMethodHS256, secret[:31], secret[:31], false},
		{"HS512 by a secret for HS256", jwt.SigningMethodHS512, secret[:32], secret[:32], false},
		{"HS256 by an empty secret", jwt.SigningMethodHS256, []byte{}, []byte{}, false},
		{"HS256 by the text of a secret", jwt.SigningMethodHS256, secret, string(secret), false},
		{"RS256 by a secret", jwt.SigningMethodRS256, rsaKey, secret, false},
		{"RS256 by nothing", jwt.SigningMethodRS256, rsaKey, nil, false},
		{"RS256 by a key that is nil", jwt.SigningMethodRS256, rsaKey, (*rsa.PublicKey)(nil), false},
		{"RS256 by a key of 8193 bits", jwt.SigningMethodRS256, rsaKey, &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 8192), E: 65537}, false},
		{"RS256 by an elliptic key", jwt.SigningMethodRS256, rsaKey, &ecKey.PublicKey, false},
		{"ES256 by a key of P-384", jwt.SigningMethodES256, ecKey, &p384.PublicKey, false},
		{"ES256 by an Ed25519 key", jwt.SigningMethodES256, ecKey, edKey.Public(), false},
		{"EdDSA by a key cut short", jwt.SigningMethodEdDSA, edKey, ed25519.PublicKey{1, 2, 3}, false},
		{"EdDSA by a private key", jwt.SigningMethodEdDSA, edKey, edKey, false},
	} {
		r := secretRules()
		r.Algorithms = []string{c.method.Alg()}
		text := signed(t, c.method, c.signer, `{"alg":"`+c.method.Alg()+`","kid":"k"}`, at(`{"iss":"https://idp.example","aud":"ours","sub":"u","exp":{+60}}`))
		want := accesstoken.RuleKey
		if c.good {
			want = ""
		}
		if got := verdict(t, r, text, oneKey{key: c.key}); got != want {
			t.Errorf("%s: '%s', want '%s'", c.name, got, want)
		}
	}
}

// keysOf makes one key of each sort.
func keysOf(t testing.TB) (*rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey) {
	t.Helper()
	rsaKey, err1 := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, edKey, err3 := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return rsaKey, ecKey, edKey
}

func TestWhereKeysCannotBeHadNothingIsDecided(t *testing.T) {
	down := errors.New("the provider does not answer")
	v := newVerifier(t, secretRules())
	text := withSecret(t, "", "")
	_, err := verify(v, text, oneKey{err: down})
	var refused *accesstoken.Error
	if !errors.Is(err, down) || errors.As(err, &refused) || !strings.Contains(err.Error(), "issuer 'https://idp.example'") {
		t.Errorf("%v", err)
	}
	if rule := firstUnmet(v.Explain(t.Context(), text, oneKey{err: down}, now)); rule != accesstoken.RuleKey {
		t.Errorf("explained by '%s'", rule)
	}
	wrapped := fmt.Errorf("kid 'x': %w", accesstoken.ErrUnknownKey)
	if rule := verdict(t, secretRules(), text, oneKey{err: wrapped}); rule != accesstoken.RuleKey {
		t.Errorf("a key that does not exist: '%s'", rule)
	}
}

func TestTheClaimsOfAGoodToken(t *testing.T) {
	c, err := verify(newVerifier(t, secretRules()), withSecret(t, "", `"jti":"j-1","iat":{-10},"nbf":{-59}.5,"scope":"read write"`), oneKey{key: secret})
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject != "u-1" || c.ID != "j-1" || !slices.Equal(c.Scopes, []string{"read", "write"}) {
		t.Errorf("%+v", c)
	}
	if !c.Expires.Equal(now.Add(10*time.Minute)) || !c.Issued.Equal(now.Add(-10*time.Second)) || !c.NotBefore.Equal(now.Add(-58500*time.Millisecond)) {
		t.Errorf("from %v, issued %v, until %v", c.NotBefore, c.Issued, c.Expires)
	}
	c, err = verify(newVerifier(t, secretRules()), withSecret(t, "", ""), oneKey{key: secret})
	if err != nil || c.ID != "" || !c.Issued.IsZero() || !c.NotBefore.IsZero() || c.Scopes != nil {
		t.Errorf("%+v, %v", c, err)
	}
}
