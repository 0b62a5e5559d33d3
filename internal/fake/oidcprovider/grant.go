package oidcprovider

import (
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// grant is what a user has allowed a client.
type grant struct {
	subject, client  string
	audience, scopes []string
	loggedIn         time.Time
}

// granted is what both kinds of requests for tokens are here.
type granted interface{ allowed() grant }

func (g *grant) allowed() grant         { return *g }
func (g *grant) GetSubject() string     { return g.subject }
func (g *grant) GetClientID() string    { return g.client }
func (g *grant) GetAudience() []string  { return slices.Clone(g.audience) }
func (g *grant) GetScopes() []string    { return slices.Clone(g.scopes) }
func (g *grant) GetAuthTime() time.Time { return g.loggedIn }
func (g *grant) GetAMR() []string       { return []string{"pwd"} }

// refreshRequest is a grant that is used again.
type refreshRequest struct{ grant }

var _ op.RefreshTokenRequest = (*refreshRequest)(nil)

// SetCurrentScopes implements op.RefreshTokenRequest: a client may ask for less than it had.
func (r *refreshRequest) SetCurrentScopes(scopes []string) { r.scopes = scopes }

// authRequest is a log-in, from the client's redirect until it has its tokens.
type authRequest struct {
	grant
	id          string
	redirectURI string
	state       string
	nonce       string
	challenge   string
	mode        oidc.ResponseMode
}

var _ op.AuthRequest = (*authRequest)(nil)

func (a *authRequest) GetID() string                      { return a.id }
func (a *authRequest) GetACR() string                     { return "" }
func (a *authRequest) GetNonce() string                   { return a.nonce }
func (a *authRequest) GetRedirectURI() string             { return a.redirectURI }
func (a *authRequest) GetResponseType() oidc.ResponseType { return oidc.ResponseTypeCode }
func (a *authRequest) GetResponseMode() oidc.ResponseMode { return a.mode }
func (a *authRequest) GetState() string                   { return a.state }

// Done reports whether the user has logged in.
func (a *authRequest) Done() bool { return a.subject != "" }

func (a *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: a.challenge, Method: oidc.CodeChallengeMethodS256}
}
