package caddyauth

import (
	"context"
	"errors"
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
}

func newIDP(s idpSettings, log *slog.Logger) (p *idp, err error) {
	p = &idp{idpSettings: s, keys: secretKey(s.secret)}
	if p.verifier, err = accesstoken.NewVerifier(s.rules); err != nil {
		return nil, err
	}
	if s.secret != nil {
		return p, nil
	}
	if p.connection, err = shareConnection(s.source, log); err != nil {
		return nil, err
	}
	p.keys = p.connection.Keys()
	if s.client == nil {
		return p, nil
	}
	config := *s.client
	config.VerifyID = p.verifyID
	if p.logIn, err = provider.NewClient(p.connection.Connection, config); err != nil {
		return nil, errors.Join(err, p.giveBack())
	}
	return p, nil
}

// giveBack gives the share of the connection back.
func (p *idp) giveBack() error {
	if p.connection == nil {
		return nil
	}
	_, err := connections.Delete(p.source.Key())
	return err
}

// verifyID says whom the ID token of a log-in is of (OpenID Connect Core 1.0 section
// 3.1.3.7). It is for the client, whatever access tokens are for.
func (p *idp) verifyID(ctx context.Context, idToken, nonce string) (subject string, err error) {
	rules := p.rules
	rules.Audience, rules.RequiredScopes, rules.Nonce = []string{p.client.ClientID}, nil, nonce
	verifier, err := accesstoken.NewVerifier(rules)
	if err != nil {
		return "", err
	}
	token, err := accesstoken.Parse(idToken)
	if err != nil {
		return "", err
	}
	claims, err := verifier.Verify(ctx, token, p.keys, time.Now())
	if err != nil {
		return "", err
	}
	return claims.Subject, nil
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
