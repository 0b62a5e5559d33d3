package caddyauth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"log/slog"
	mathrand "math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/bench/cputime"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

// oneKey is a provider's only key.
type oneKey struct{ public any }

func (k oneKey) Find(context.Context, string, string) (any, error) { return k.public, nil }

// firstUse is a token with all that is needed to check it, by the library alone and by
// all that the gate does with it.
type firstUse struct {
	name, text string
	key        any
	parser     *jwt.Parser
	set        *idpSet
	in         accounts
}

// benchIssuer is that of all tokens here.
const benchIssuer = "https://idp.example"

// benchClaims are those that Keycloak puts into an access token, some 800 bytes.
const benchClaims = `{"exp":{exp},"iat":{iat},"jti":"{jti}","iss":"` + benchIssuer + `",` +
	`"aud":["ours","account"],"sub":"5f9d1c7e-8b7a-4d3c-9a54-2a7f6e1d0c3b","typ":"Bearer","azp":"console","sid":"f3c1a2b4-0000-4c1d-8e2f-1a2b3c4d5e6f",` +
	`"acr":"1","allowed-origins":["https://console.example"],"realm_access":{"roles":["default-roles-main","offline_access","analyst"]},` +
	`"resource_access":{"account":{"roles":["manage-account","view-profile"]}},"scope":"openid email profile","email_verified":true,` +
	`"name":"Gertrude Goose","preferred_username":"goose","given_name":"Gertrude","family_name":"Goose","email":"goose@example.org"}`

var benchSecret = []byte("a secret of the benchmarks with more bytes than it needs")

// measuredAlgorithms are those of the table in docs/performance.md.
func measuredAlgorithms(tb testing.TB) []firstUse {
	tb.Helper()
	in := benchAccounts(tb)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	rsa2048 := rsaKey(tb, 2048)
	var all []firstUse
	for _, m := range []struct {
		name   string
		method jwt.SigningMethod
		signer any
	}{
		{"HS256", jwt.SigningMethodHS256, benchSecret},
		{"RS256", jwt.SigningMethodRS256, rsa2048},
		{"PS256", jwt.SigningMethodPS256, rsa2048},
		{"ES256", jwt.SigningMethodES256, ecKey(tb, elliptic.P256())},
		{"EdDSA", jwt.SigningMethodEdDSA, ed},
		{"ES384", jwt.SigningMethodES384, ecKey(tb, elliptic.P384())},
		{"RS256, key of 4096 bits", jwt.SigningMethodRS256, rsaKey(tb, 4096)},
	} {
		all = append(all, newFirstUse(tb, m.name, m.method, m.signer, in))
	}
	return all
}

// benchAccounts has the one account of the tokens.
func benchAccounts(tb testing.TB) accounts {
	tb.Helper()
	location, err := store.NewLocation("sqlite", filepath.Join(tb.TempDir(), "auth.db"))
	if err != nil {
		tb.Fatal(err)
	}
	r, err := identity.Open(tb.Context(), identity.Config{Location: location, Create: true})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := r.AddUser(tb.Context(), "bench", identity.NewUser{Username: "goose", Roles: []string{"user"}}); err != nil {
		tb.Fatal(err)
	}
	if err := r.LinkIdentity(tb.Context(), "bench", "goose", "idp", benchIssuer, "5f9d1c7e-8b7a-4d3c-9a54-2a7f6e1d0c3b"); err != nil {
		tb.Fatal(err)
	}
	mirror := identity.NewMirror(r, slog.New(slog.DiscardHandler))
	run, stop := context.WithCancel(tb.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); mirror.Run(run) }()
	tb.Cleanup(func() {
		stop()
		<-ended
		_ = r.Close()
	})
	if err := mirror.Ready(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return accounts{mirror, func() (*identity.Registry, error) { return r, nil }}
}

func newFirstUse(tb testing.TB, name string, method jwt.SigningMethod, signer any, in accounts) firstUse {
	tb.Helper()
	public := signer
	if private, asymmetric := signer.(crypto.Signer); asymmetric {
		public = private.Public()
	}
	settings, err := (&IdentityProvider{
		Name: "idp", Issuer: benchIssuer, JWKS: benchIssuer + "/keys", Audience: []string{"ours"}, Algorithms: []string{"RS256"},
		ScopesClaim: "scope", ScopeNames: map[string][]string{"openid": {"read", "write"}},
		RolesClaim: "realm_access.roles", RoleNames: map[string][]string{"analyst": {"analyst"}}, Claims: []string{"preferred_username"},
	}).resolve()
	if err != nil {
		tb.Fatal(err)
	}
	settings.rules.Algorithms, settings.secret = []string{method.Alg()}, []byte("no connection")
	p, err := newIDP(settings, nil)
	if err != nil {
		tb.Fatal(err)
	}
	p.keys = oneKey{public}
	set := newIDPSet()
	set.add(p)
	return firstUse{
		name: name, text: benchToken(tb, method, signer, "0d5b1e3c-6a7f-4a53-9b0f-5f2a8c9d7e11"), key: public, set: set, in: in,
		parser: jwt.NewParser(jwt.WithValidMethods([]string{method.Alg()}), jwt.WithoutClaimsValidation()),
	}
}

func benchToken(tb testing.TB, method jwt.SigningMethod, signer any, id string) string {
	tb.Helper()
	now := time.Now()
	claims := strings.NewReplacer("{jti}", id, "{exp}", strconv.FormatInt(now.Add(time.Hour).Unix(), 10), "{iat}", strconv.FormatInt(now.Unix(), 10)).Replace(benchClaims)
	parts := encoded(`{"alg":"`+method.Alg()+`","typ":"JWT","kid":"main"}`) + "." + encoded(claims)
	signature, err := method.Sign(parts, signer)
	if err != nil {
		tb.Fatal(err)
	}
	return parts + "." + encoded(string(signature))
}

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func rsaKey(tb testing.TB, bits int) *rsa.PrivateKey {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func ecKey(tb testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// bare is the library's check of the signature.
func (f *firstUse) bare(tb testing.TB) {
	if _, err := f.parser.ParseWithClaims(f.text, jwt.MapClaims{}, func(*jwt.Token) (any, error) { return f.key, nil }); err != nil {
		tb.Fatal(err)
	}
}

// first is what the gate does with a token that comes for the first time.
func (f *firstUse) first(tb testing.TB) {
	digest := digestOf(f.text)
	f.set.seen.part(digest).Remove(digest)
	f.again(tb)
}

// again is what it does with one that was seen.
func (f *firstUse) again(tb testing.TB) {
	if _, _, reason, err := f.set.prove(tb.Context(), f.text, f.in); reason != identity.Accepted {
		tb.Fatal(reason, err)
	}
}

// BenchmarkFirstUse has the first use of a token and the library's check of its
// signature take turns, and tells the median of each, which others on the machine hardly
// change. times-bare is to be at most 1.4.
func BenchmarkFirstUse(b *testing.B) {
	for _, f := range measuredAlgorithms(b) {
		b.Run(f.name, func(b *testing.B) {
			var bare, first []time.Duration
			for b.Loop() {
				start := time.Now()
				f.bare(b)
				middle := time.Now()
				f.first(b)
				bare, first = append(bare, middle.Sub(start)), append(first, time.Since(middle))
			}
			slices.Sort(bare)
			slices.Sort(first)
			alone, all := bare[len(bare)/2], first[len(first)/2]
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(alone.Nanoseconds())/1e3, "bare-µs")
			b.ReportMetric(float64(all.Nanoseconds())/1e3, "first-µs")
			b.ReportMetric(float64(all)/float64(alone), "times-bare")
			b.ReportMetric(testing.AllocsPerRun(20, func() { f.bare(b) }), "bare-allocs")
			b.ReportMetric(testing.AllocsPerRun(20, func() { f.first(b) }), "first-allocs")
		})
	}
}

// BenchmarkSeenBefore presents tokens that were seen, from as many goroutines as there
// are processors: `-cpu 1,2,4` shows what they wait for one another.
func BenchmarkSeenBefore(b *testing.B) {
	in := benchAccounts(b)
	f := newFirstUse(b, "HS256", jwt.SigningMethodHS256, benchSecret, in)
	var tokens [64]firstUse
	for i := range tokens {
		tokens[i] = f
		tokens[i].text = benchToken(b, jwt.SigningMethodHS256, benchSecret, "token "+strconv.Itoa(i))
		tokens[i].again(b)
	}
	b.ReportAllocs()
	b.ResetTimer()
	start := cputime.Used()
	b.RunParallel(func(pb *testing.PB) {
		for i := mathrand.IntN(len(tokens)); pb.Next(); i++ {
			tokens[i%len(tokens)].again(b)
		}
	})
	cputime.Report(b, start)
}
