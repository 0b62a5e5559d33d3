package oidcprovider

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/pkg/crypto"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// AccessToken issues a token about a user without a log-in, with the claims of profile
// and email. It has no aud and no scope of its own accord. Claims take the place of
// those that it would have, and nil takes one away; times are numbers of seconds. It
// fails if the user is not known, or if a claim is nothing that JSON has.
func (p *Provider) AccessToken(subject string, claims map[string]any) (string, error) {
	user, err := p.storage.user(subject)
	if err != nil {
		return "", err
	}
	now := time.Now()
	all := user.claims([]string{oidc.ScopeProfile, oidc.ScopeEmail})
	maps.Copy(all, map[string]any{
		"iss": p.issuer,
		"sub": subject,
		"exp": now.Add(p.storage.lifetime).Unix(),
		"iat": now.Unix(),
		"nbf": now.Unix(),
		"jti": uuid.NewString(),
	})
	maps.Copy(all, claims)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	signingKey, err := p.storage.SigningKey(context.Background())
	if err != nil {
		return "", err
	}
	signer, err := op.SignerFromKey(signingKey)
	if err != nil {
		return "", err
	}
	return crypto.Sign(all, signer)
}

func (s *storage) user(subject string) (User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, known := s.users[subject]
	if !known {
		return u, fmt.Errorf("there is no user with the subject '%s'", subject)
	}
	return u, nil
}

// CreateAccessToken implements op.Storage.
func (s *storage) CreateAccessToken(_ context.Context, r op.TokenRequest) (id string, expires time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, expires = s.allowAccess(r.(granted).allowed())
	return id, expires, nil
}

// CreateAccessAndRefreshTokens implements op.Storage. The refresh token that is used is
// gone from then on; of two uses at the same time one fails.
func (s *storage) CreateAccessAndRefreshTokens(_ context.Context, r op.TokenRequest, used string) (id, next string, expires time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.refresh[used]; used != "" && !known {
		return "", "", expires, oidc.ErrInvalidGrant().WithDescription("the refresh token was used")
	}
	delete(s.refresh, used)
	g := r.(granted).allowed()
	next = rand.Text()
	s.refresh[next] = g
	id, expires = s.allowAccess(g)
	return id, next, expires, nil
}

// allowAccess keeps what an access token may. The caller holds mu.
func (s *storage) allowAccess(g grant) (id string, expires time.Time) {
	id = uuid.NewString()
	s.access[id] = g
	return id, time.Now().Add(s.lifetime)
}

// TokenRequestByRefreshToken implements op.Storage.
func (s *storage) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, known := s.refresh[token]
	if !known {
		return nil, errors.New("the refresh token is not known, or was used")
	}
	return &refreshRequest{g}, nil
}

// GetRefreshTokenInfo implements op.Storage.
func (s *storage) GetRefreshTokenInfo(_ context.Context, client, token string) (subject, id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, known := s.refresh[token]
	if !known || g.client != client {
		return "", "", op.ErrInvalidRefreshToken
	}
	return g.subject, token, nil
}

// RevokeToken implements op.Storage.
func (s *storage) RevokeToken(_ context.Context, token, _, _ string) *oidc.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.refresh, token)
	delete(s.access, token)
	return nil
}

// TerminateSession implements op.Storage: what a user has allowed a client is over.
func (s *storage) TerminateSession(_ context.Context, subject, client string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	over := func(_ string, g grant) bool { return g.subject == subject && g.client == client }
	maps.DeleteFunc(s.refresh, over)
	maps.DeleteFunc(s.access, over)
	return nil
}

// GetPrivateClaimsFromRequest implements op.CanGetPrivateClaimsFromRequest: the claims of an
// access token.
func (s *storage) GetPrivateClaimsFromRequest(_ context.Context, r op.TokenRequest, _ []string) (map[string]any, error) {
	user, err := s.user(r.GetSubject())
	if err != nil {
		return nil, err
	}
	all := map[string]any{"scope": strings.Join(r.GetScopes(), " ")}
	maps.Copy(all, user.claims(r.GetScopes()))
	return all, nil
}

// GetPrivateClaimsFromScopes implements op.Storage. The library asks
// GetPrivateClaimsFromRequest in its place.
func (s *storage) GetPrivateClaimsFromScopes(_ context.Context, subject, _ string, scopes []string) (map[string]any, error) {
	user, err := s.user(subject)
	return user.claims(scopes), err
}

// SetUserinfoFromScopes implements op.Storage: the claims of an ID token.
func (s *storage) SetUserinfoFromScopes(_ context.Context, info *oidc.UserInfo, subject, _ string, scopes []string) error {
	user, err := s.user(subject)
	info.Subject, info.Claims = subject, user.claims(scopes)
	return err
}

// SetUserinfoFromToken implements op.Storage: the answer to who has an access token.
func (s *storage) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, id, subject, _ string) error {
	s.mu.Lock()
	g, known := s.access[id]
	s.mu.Unlock()
	if !known {
		return errors.New("the access token was revoked")
	}
	return s.SetUserinfoFromScopes(ctx, info, subject, g.client, g.scopes)
}

// SetIntrospectionFromToken implements op.Storage: a client may ask about its own tokens.
func (s *storage) SetIntrospectionFromToken(_ context.Context, answer *oidc.IntrospectionResponse, id, subject, client string) error {
	s.mu.Lock()
	g, known := s.access[id]
	s.mu.Unlock()
	if !known || g.client != client {
		return errors.New("the access token was revoked, or is another client's")
	}
	answer.Subject, answer.Scope, answer.ClientID = subject, g.scopes, client
	return nil
}

var errNoClientKeys = errors.New("clients of this provider have secrets and no keys")

// GetKeyByIDAndClientID implements op.Storage.
func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errNoClientKeys
}

// ValidateJWTProfileScopes implements op.Storage.
func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errNoClientKeys
}
