package accesstoken

import (
	"context"
	"errors"
	"time"
)

// ErrUnknownKey: the issuer has no key for the token.
var ErrUnknownKey = errors.New("no such key")

// Rules are what the tokens of one issuer are held against.
type Rules struct {
	// Issuer is what iss must be, byte for byte.
	Issuer string
	// Audience is of what aud must contain one. It is not empty.
	Audience []string
	// Algorithms are the values of alg that are accepted.
	Algorithms []string
	// Leeway is by how much the clocks of the provider and of this server may differ.
	Leeway time.Duration
	// MaxAge is how far ahead exp may be.
	MaxAge time.Duration
	// ScopesClaim names the claim that has the scopes, a text with blanks or a list; ""
	// stands for scope, or where there is none, scp.
	ScopesClaim string
	// RequiredScopes must all be among the scopes.
	RequiredScopes []string
	// Nonce makes it an ID token (OpenID Connect Core 1.0 section 3.1.3.7) that is wanted, with this
	// nonce. "" is an access token, and an ID token is refused.
	Nonce string
}

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

// Claims are those of a token that is good.
type Claims struct {
	Subject string
	// ID is jti, "" if there is none.
	ID string
	// Issued is iat, zero if there is none. NotBefore is nbf, likewise.
	Issued, NotBefore, Expires time.Time
	// Scopes are what the claim of scopes says.
	Scopes []string

	all map[string]any
}
