package principal

import (
	"crypto/sha256"
	"time"
)

// External is the access token of another provider by which a caller was
// authenticated, as far as it decides about accounts. It is never changed.
type External struct {
	// Provider is the name that the configuration gives the provider.
	Provider string
	// Issuer and Subject (iss and sub of RFC 7519) say together whom the provider means.
	Issuer, Subject string
	// TokenID is the token's jti, "" if it has none.
	TokenID string
	// Issued is the earliest moment, by our clock, at which the token can have been
	// issued: its iat with the leeway taken off. Zero means that the token does not say.
	Issued time.Time
	// Expires is the token's exp.
	Expires time.Time
	// Claims are those that the configuration lets through, as texts; lists are joined
	// by commas.
	Claims map[string]string

	identity, token Digest
}

// Digest stands for a text in tables.
type Digest [sha256.Size]byte

// NewExternal fills in what e is looked up by.
func NewExternal(e External) *External {
	e.identity = IdentityDigest(e.Issuer, e.Subject)
	if e.TokenID != "" {
		e.token = TokenDigest(e.Issuer, e.TokenID)
	}
	return &e
}

// Identity is the digest of issuer and subject.
func (e *External) Identity() Digest { return e.identity }

// Token is the digest of issuer and jti; zero where there is no jti.
func (e *External) Token() Digest { return e.token }

// IdentityDigest stands for the subject of an issuer.
func IdentityDigest(issuer, subject string) Digest { return digest("identity", issuer, subject) }

// TokenDigest stands for a token of an issuer, by its jti.
func TokenDigest(issuer, id string) Digest { return digest("token", issuer, id) }

// digest separates the parts by a byte that no claim that is accepted has.
func digest(what, issuer, id string) Digest {
	return sha256.Sum256([]byte(what + "\x00" + issuer + "\x00" + id))
}
