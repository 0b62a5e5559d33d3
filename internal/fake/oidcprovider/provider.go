package oidcprovider

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Config is what a provider is like. The zero value is a good one.
type Config struct {
	// Algorithm is what tokens are signed by: RS256, PS256, ES256 or EdDSA; RS256 if it
	// is empty.
	Algorithm string
	// Lifetime is that of access tokens and ID tokens; five minutes if it is 0.
	Lifetime time.Duration
}

// Provider is a running provider. Its methods may be called at any time.
type Provider struct {
	issuer, address string
	storage         *storage
	op              *op.Provider
	handler         http.Handler
	jwksRequests    atomic.Int64

	mu     sync.Mutex
	server *http.Server
	ended  chan struct{}
}

// New starts a provider on a free port of 127.0.0.1. Stop ends it.
func New(c Config) (*Provider, error) {
	if c.Algorithm == "" {
		c.Algorithm = string(jose.RS256)
	}
	if c.Lifetime == 0 {
		c.Lifetime = 5 * time.Minute
	}
	s, err := newStorage(jose.SignatureAlgorithm(c.Algorithm), c.Lifetime)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Provider{storage: s, address: listener.Addr().String()}
	p.issuer = "http://" + p.address
	if err := p.route(); err != nil {
		_ = listener.Close()
		return nil, err
	}
	p.serve(listener)
	return p, nil
}

// Issuer is http://127.0.0.1:port, without a slash behind it.
func (p *Provider) Issuer() string { return p.issuer }

// JWKSRequests is how often the keys were fetched.
func (p *Provider) JWKSRequests() int { return int(p.jwksRequests.Load()) }

// AddUser adds a user, or replaces the one with that subject. Tokens that are issued
// from now on have the new claims, those for an old refresh token as well.
func (p *Provider) AddUser(u User) { p.storage.addUser(u) }

// AddClient adds a client, or replaces the one with that ID.
func (p *Provider) AddClient(c Client) { p.storage.addClient(c) }

// Rotate makes a new key, which signs all tokens from now on. The old ones stay
// published until Retire.
func (p *Provider) Rotate() error { return p.storage.rotate() }

// Retire withdraws all keys but the one that signs.
func (p *Provider) Retire() { p.storage.retire() }

func (p *Provider) route() error {
	config := &op.Config{CodeMethodS256: true, AuthMethodPost: true, GrantTypeRefreshToken: true}
	if _, err := rand.Read(config.CryptoKey[:]); err != nil {
		return err
	}
	var err error
	p.op, err = op.NewProvider(config, p.storage, op.StaticIssuer(p.issuer),
		op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("provider '%s': %w", p.issuer, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+loginPath, p.showPage)
	mux.HandleFunc("POST "+loginPath, p.takePage)
	mux.HandleFunc(p.op.KeysEndpoint().Relative(), func(w http.ResponseWriter, r *http.Request) {
		p.jwksRequests.Add(1)
		p.op.ServeHTTP(w, r)
	})
	mux.Handle("/", p.op)
	p.handler = mux
	return nil
}
