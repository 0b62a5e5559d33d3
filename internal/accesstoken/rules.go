package accesstoken

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Rules are what the tokens of one issuer are held against.
type Rules struct {
	// Issuer is what iss must be, byte for byte.
	Issuer string
	// Audience is of what aud must contain one. It is not empty.
	Audience []string
	// Algorithms are the values of alg that are accepted: some of RS256, RS384, RS512,
	// PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA, or else some of HS256, HS384
	// and HS512. None means DefaultAlgorithms.
	Algorithms []string
	// Leeway is by how much the clocks of the provider and of this server may differ, at
	// most ten minutes.
	Leeway time.Duration
	// MaxAge is how far ahead exp may be, more than zero and at most ten years.
	MaxAge time.Duration
	// ScopesClaim names the claim that has the scopes, a text with blanks or a list; ""
	// stands for scope, or where there is none, scp. It is a path as of Claims.Text.
	ScopesClaim string
	// RequiredScopes must all be among the scopes.
	RequiredScopes []string
	// Nonce makes it an ID token (OpenID Connect Core 1.0 section 3.1.3.7) that is wanted, with this
	// nonce. "" is an access token, and an ID token is refused.
	Nonce string
}

// DefaultAlgorithms are those that providers use and that are quick to check: RS256,
// PS256, ES256 and EdDSA.
func DefaultAlgorithms() []string { return []string{"RS256", "PS256", "ES256", "EdDSA"} }

const (
	// maxIssuer is how long an issuer may be, in bytes; accounts are linked by it.
	maxIssuer = 512
	maxLeeway = 10 * time.Minute
	maxMaxAge = 10 * 366 * 24 * time.Hour
)

// Verifier holds tokens against rules. It may be used by many goroutines at once.
type Verifier struct {
	rules   Rules
	options []jwt.ParserOption
}

// NewVerifier checks the rules themselves. They must not be changed afterwards.
func NewVerifier(r Rules) (*Verifier, error) {
	if len(r.Algorithms) == 0 {
		r.Algorithms = DefaultAlgorithms()
	}
	for _, check := range []func() error{r.checkWhom, r.checkAlgorithms, r.checkTimes, r.checkScopes} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return &Verifier{rules: r, options: []jwt.ParserOption{
		jwt.WithValidMethods(r.Algorithms),
		jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(r.Leeway),
		jwt.WithIssuer(r.Issuer),
		jwt.WithAudience(r.Audience...),
	}}, nil
}

func (r *Rules) checkWhom() error {
	if r.Issuer == "" {
		return errors.New("the issuer is missing: give what the provider writes into iss")
	}
	if len(r.Issuer) > maxIssuer {
		return fmt.Errorf("the issuer is longer than %d bytes", maxIssuer)
	}
	if len(r.Audience) == 0 {
		return errors.New("the audience is missing: tokens for other services would be accepted")
	}
	if slices.Contains(r.Audience, "") {
		return errors.New("an audience is empty: give what the provider writes into aud for this service")
	}
	return nil
}

func (r *Rules) checkAlgorithms() error {
	secret := 0
	for i, name := range r.Algorithms {
		a, ok := findAlgorithm(name)
		if !ok {
			// A provider with keys is not told of those with a secret, which do not go with them.
			known := algorithmNames(strings.HasPrefix(name, "HS"))
			return fmt.Errorf("algorithm '%s' is not known: use some of %s", name, strings.Join(known, ", "))
		}
		if slices.Contains(r.Algorithms[:i], name) {
			return fmt.Errorf("algorithm '%s' is listed twice", name)
		}
		if a.family == familyHMAC {
			secret++
		}
	}
	// With both, the public key could be used as the secret.
	if secret != 0 && secret != len(r.Algorithms) {
		return errors.New("algorithms with a secret (HS256, HS384, HS512) cannot be listed together with those with a public key")
	}
	return nil
}

func (r *Rules) checkTimes() error {
	if r.Leeway < 0 || r.Leeway > maxLeeway {
		return fmt.Errorf("the leeway is %s: it can be up to %s", r.Leeway, maxLeeway)
	}
	if r.MaxAge <= 0 || r.MaxAge > maxMaxAge {
		return fmt.Errorf("the longest time that a token may last is %s: it must be more than zero and at most ten years", r.MaxAge)
	}
	return nil
}

func (r *Rules) checkScopes() error {
	if len(r.ScopesClaim) > maxPath {
		return fmt.Errorf("the name of the claim with the scopes has %d bytes, of at most %d", len(r.ScopesClaim), maxPath)
	}
	for _, s := range r.RequiredScopes {
		if !isScope(s) {
			return fmt.Errorf("%s cannot be a scope: one is of printable ASCII characters, without blanks, \" and \\", show(s))
		}
	}
	return nil
}

// accepts reports whether alg is in the list.
func (r *Rules) accepts(alg string) bool { return slices.Contains(r.Algorithms, alg) }

// wantsIDToken reports whether it is an ID token that is wanted.
func (r *Rules) wantsIDToken() bool { return r.Nonce != "" }
