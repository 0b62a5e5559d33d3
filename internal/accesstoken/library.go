package accesstoken

import "github.com/golang-jwt/jwt/v5"

// readClaims shows the library the claims as Parse has read them, so that it cannot read
// something else. It sees none that is not of the form that it must have.
type readClaims Token

// UnmarshalJSON is what the library calls with the payload, which has been read.
func (*readClaims) UnmarshalJSON([]byte) error { return nil }

// GetExpirationTime returns exp, nil without.
func (c *readClaims) GetExpirationTime() (*jwt.NumericDate, error) { return numericDate(c.expires) }

// GetNotBefore returns nbf, nil without.
func (c *readClaims) GetNotBefore() (*jwt.NumericDate, error) { return numericDate(c.notBefore) }

// GetIssuedAt returns iat, nil without.
func (c *readClaims) GetIssuedAt() (*jwt.NumericDate, error) { return numericDate(c.issued) }

// GetAudience returns aud.
func (c *readClaims) GetAudience() (jwt.ClaimStrings, error) { return c.audience, nil }

// GetIssuer returns iss.
func (c *readClaims) GetIssuer() (string, error) { return (*Token)(c).Issuer(), nil }

// GetSubject returns sub.
func (c *readClaims) GetSubject() (string, error) { return c.payload.member("sub").text, nil }

func numericDate(d date) (*jwt.NumericDate, error) {
	switch {
	case d.fault != "":
		return nil, jwt.ErrInvalidType
	case !d.there:
		return nil, nil
	}
	return &jwt.NumericDate{Time: d.time}, nil
}
