package oidcprovider

import (
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Client is a program at which users log in by this provider.
type Client struct {
	ID string
	// Secret authenticates the client, in the Authorization header or in the form. Without
	// one it is a public client.
	Secret string
	// RedirectURIs are compared as they are.
	RedirectURIs []string
	// Audience is aud of its access tokens; the ID if it is empty.
	Audience []string
	// Scopes are those that it may ask for besides those of OpenID Connect. Others are
	// left out without a word.
	Scopes []string
}

func (c *Client) audience() []string {
	if len(c.Audience) == 0 {
		return []string{c.ID}
	}
	return slices.Clone(c.Audience)
}

// opClient is a client as the library sees it.
type opClient struct {
	Client
	lifetime time.Duration
}

var _ op.Client = (*opClient)(nil)

func (c *opClient) GetID() string                    { return c.ID }
func (c *opClient) RedirectURIs() []string           { return c.Client.RedirectURIs }
func (c *opClient) PostLogoutRedirectURIs() []string { return nil }

// ApplicationType is web, for which a redirect URI may be http: it is on loopback in tests.
func (c *opClient) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }

func (c *opClient) AuthMethod() oidc.AuthMethod {
	if c.Secret == "" {
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

func (c *opClient) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c *opClient) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
}

func (c *opClient) LoginURL(id string) string           { return loginPath + "?id=" + id }
func (c *opClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }
func (c *opClient) IDTokenLifetime() time.Duration      { return c.lifetime }
func (c *opClient) DevMode() bool                       { return false }
func (c *opClient) IsScopeAllowed(scope string) bool    { return slices.Contains(c.Scopes, scope) }
func (c *opClient) ClockSkew() time.Duration            { return 0 }

func (c *opClient) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

func (c *opClient) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

// IDTokenUserinfoClaimsAssertion puts the claims of profile and email into the ID token,
// as most providers do.
func (c *opClient) IDTokenUserinfoClaimsAssertion() bool { return true }
