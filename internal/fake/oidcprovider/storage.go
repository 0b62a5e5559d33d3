package oidcprovider

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// storage is what the provider knows. The library asks it.
type storage struct {
	algorithm jose.SignatureAlgorithm
	lifetime  time.Duration

	mu      sync.Mutex
	users   map[string]User   // by subject
	clients map[string]Client // by ID
	// requests are log-ins by their ID, and codes lead to them.
	requests map[string]authRequest
	codes    map[string]string
	// access are the grants of access tokens by jti, refresh those of refresh tokens by
	// the token.
	access  map[string]grant
	refresh map[string]grant
	keys    []*key
}

var (
	_ op.Storage                        = (*storage)(nil)
	_ op.CanGetPrivateClaimsFromRequest = (*storage)(nil)
)

func newStorage(algorithm jose.SignatureAlgorithm, lifetime time.Duration) (*storage, error) {
	s := &storage{
		algorithm: algorithm,
		lifetime:  lifetime,
		users:     map[string]User{},
		clients:   map[string]Client{},
		requests:  map[string]authRequest{},
		codes:     map[string]string{},
		access:    map[string]grant{},
		refresh:   map[string]grant{},
	}
	return s, s.rotate()
}

func (s *storage) addUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[u.Subject] = u
}

func (s *storage) addClient(c Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[c.ID] = c
}

// Health implements op.Storage.
func (s *storage) Health(context.Context) error { return nil }

// GetClientByClientID implements op.Storage.
func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, known := s.clients[id]
	if !known {
		return nil, oidc.ErrInvalidClient().WithDescription("client '%s' is not known", id)
	}
	return &opClient{Client: c, lifetime: s.lifetime}, nil
}

// AuthorizeClientIDSecret implements op.Storage.
func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, known := s.clients[id]
	if !known || subtle.ConstantTimeCompare([]byte(c.Secret), []byte(secret)) != 1 {
		return fmt.Errorf("client '%s': unknown, or the secret is wrong", id)
	}
	return nil
}

// CreateAuthRequest implements op.Storage.
func (s *storage) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if r.CodeChallenge == "" || r.CodeChallengeMethod != oidc.CodeChallengeMethodS256 {
		return nil, oidc.ErrInvalidRequest().WithDescription("a code_challenge with the method S256 is needed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[r.ClientID]
	a := authRequest{
		grant:       grant{client: r.ClientID, audience: c.audience(), scopes: r.Scopes},
		id:          uuid.NewString(),
		redirectURI: r.RedirectURI,
		state:       r.State,
		nonce:       r.Nonce,
		challenge:   r.CodeChallenge,
		mode:        r.ResponseMode,
	}
	s.requests[a.id] = a
	return &a, nil
}

// logIn says whether the password is that of the user; then the log-in is done.
func (s *storage) logIn(id, name, password string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, known := s.requests[id]
	if !known {
		return false
	}
	for _, u := range s.users {
		if u.Name == name && subtle.ConstantTimeCompare([]byte(u.Password), []byte(password)) == 1 {
			a.subject, a.loggedIn = u.Subject, time.Now()
			s.requests[id] = a
			return true
		}
	}
	return false
}

// AuthRequestByID implements op.Storage.
func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, known := s.requests[id]
	if !known {
		return nil, errors.New("there is no such log-in; begin again")
	}
	return &a, nil
}

// SaveAuthCode implements op.Storage.
func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = id
	return nil
}

// AuthRequestByCode implements op.Storage. A code is good for one attempt.
func (s *storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	id, known := s.codes[code]
	delete(s.codes, code)
	s.mu.Unlock()
	if !known {
		return nil, errors.New("the code is not known, or was used")
	}
	return s.AuthRequestByID(ctx, id)
}

// DeleteAuthRequest implements op.Storage.
func (s *storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	return nil
}
