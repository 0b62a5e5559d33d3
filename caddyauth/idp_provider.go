package caddyauth

import (
	"context"
	"log/slog"
	"time"

	"github.com/sallyport/sallyport/internal/accesstoken"
	"github.com/sallyport/sallyport/internal/provider"
)

// idp is an identity provider of a configuration.
type idp struct {
	idpSettings
	verifier *accesstoken.Verifier
	keys     accesstoken.Keys
	// connection is nil where tokens are signed with a secret.
	connection *connection
	// logIn is nil where there is no log-in by the provider.
	logIn *provider.Client
	// idVerifier verifies ID tokens, at log-ins.
	idVerifier *accesstoken.Verifier
}

func newIDP(s idpSettings, log *slog.Logger) (p *idp, err error) {
	p = &idp{idpSettings: s, keys: secretKey(s.secret)}
	if p.verifier, err = accesstoken.NewVerifier(s.rules); err != nil {
		return nil, err
	}
	if s.client != nil {
		rules := s.rules
		rules.Audience, rules.RequiredScopes, rules.IDToken = []string{s.client.ClientID}, nil, true
		if p.idVerifier, err = accesstoken.NewVerifier(rules); err != nil {
			return nil, err
		}
	}
	if s.secret != nil {
		return p, nil
	}
	if p.connection, err = shareConnection(s.source, log); err != nil {
		return nil, err
	}
	p.keys = p.connection.Keys()
	return p, nil
}

// generation changes when the provider's keys do.
func (p *idp) generation() uint64 {
	if p.connection == nil {
		return 0
	}
	return p.connection.Keys().Generation()
}

// usable reports whether the provider's keys are known, and not too old.
func (p *idp) usable(now time.Time) bool {
	return p.connection == nil || p.connection.Keys().Usable(now) == nil
}

// secretKey is the one key of a provider that signs by HMAC. There is no kid to look
// at.
type secretKey []byte

// Find returns the secret. The algorithm was compared with those of the configuration.
func (k secretKey) Find(context.Context, string, string) (any, error) { return []byte(k), nil }
