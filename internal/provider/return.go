package provider

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/internal/credential"
)

// Bounds of what a browser brings back, in bytes.
const (
	maxCode  = 4 << 10
	maxError = 64
	// maxToken is for tokens, those that are presented and those of the provider.
	maxToken = 8 << 10
)

// Return is what a browser comes back with: the parameters state, code, iss and error
// of its request, and the cookie that Begin has made.
type Return struct {
	State, Code, Issuer, Error string
	Binding                    credential.Secret
}

// Grant is what a provider gives for a log-in or a refresh.
type Grant struct {
	AccessToken credential.Secret
	// RefreshToken is empty if the provider has given none, or none that is new.
	RefreshToken credential.Secret
	// Subject is whom the ID token is of; "" after a refresh.
	Subject string
}

// Finish ends a log-in. Whatever comes of it, the same return is good once only. The
// error wraps ErrReturn, ErrAnswer, ErrTooMany or ErrUnavailable, is a *RefusedError,
// or is that of VerifyID.
func (c *Client) Finish(ctx context.Context, r Return) (Grant, error) {
	if err := r.check(); err != nil {
		return Grant{}, err
	}
	begun, ok := c.connection.departures.take(digestOf(r.State))
	if !ok {
		return Grant{}, fmt.Errorf("%w: its state is not known, or was used, or is older than %s", ErrReturn, LogInLimit)
	}
	m := c.connection.metadata.Load()
	if m == nil {
		return Grant{}, fmt.Errorf("%w: its endpoints are not known", ErrUnavailable)
	}
	if err := c.admit(r, begun, m); err != nil {
		return Grant{}, err
	}
	flow, err := c.flow(m)
	if err != nil {
		return Grant{}, err
	}
	token, err := c.ask(ctx, "code", func(ctx context.Context) (*oauth2.Token, error) {
		return flow.Exchange(ctx, r.Code, oauth2.VerifierOption(begun.verifier))
	})
	if err != nil {
		return Grant{}, err
	}
	return c.grant(ctx, token, begun.nonce)
}

// check holds the form of a return against the rules, before it is looked at.
func (r Return) check() error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(r.State)
	switch {
	case err != nil || len(raw) != secretBytes || len(r.State) != base64.RawURLEncoding.EncodedLen(secretBytes):
		return fmt.Errorf("%w: its state has not the form of ours", ErrReturn)
	case r.Code != "" && (len(r.Code) > maxCode || !printable(r.Code)):
		return fmt.Errorf("%w: its code is not printable, or longer than %d bytes", ErrReturn, maxCode)
	case len(r.Error) > maxError:
		return fmt.Errorf("%w: its error is longer than %d bytes", ErrReturn, maxError)
	case len(r.Issuer) > maxURL:
		return fmt.Errorf("%w: its iss is longer than %d bytes", ErrReturn, maxURL)
	case len(r.Binding.Reveal()) > maxURL:
		return fmt.Errorf("%w: its cookie is longer than %d bytes", ErrReturn, maxURL)
	}
	return nil
}

// admit holds a return against the log-in that has begun.
func (c *Client) admit(r Return, begun departure, m *Metadata) error {
	bound := digestOf(r.Binding.Reveal())
	mine, theirs := digestOf(c.key().text()), digestOf(begun.client.text())
	switch {
	case subtle.ConstantTimeCompare(bound[:], begun.binding[:]) != 1:
		return fmt.Errorf("%w: another browser has begun it", ErrReturn)
	case subtle.ConstantTimeCompare(mine[:], theirs[:]) != 1:
		return fmt.Errorf("%w: it was begun with another provider, or another redirect URI", ErrReturn)
	// RFC 9207 section 2.4.
	case r.Issuer == "" && m.NamesIssuer:
		return fmt.Errorf("%w: it has no iss, which this provider always sends", ErrReturn)
	case r.Issuer != "" && r.Issuer != c.connection.source.Issuer:
		return fmt.Errorf("%w: its iss is another provider's", ErrReturn)
	case r.Error != "":
		return refused(r.Error)
	case r.Code == "":
		return fmt.Errorf("%w: it has neither a code nor an error", ErrReturn)
	}
	return nil
}

func (k clientKey) text() string { return k.name + "\x00" + k.id + "\x00" + k.redirectURI }

// grant verifies what the provider has given for a code.
func (c *Client) grant(ctx context.Context, token *oauth2.Token, nonce string) (Grant, error) {
	idToken, _ := token.Extra("id_token").(string)
	switch {
	case idToken == "":
		return Grant{}, fmt.Errorf("%w: there is no ID token in it", ErrAnswer)
	case len(idToken) > maxToken || !printable(idToken):
		return Grant{}, fmt.Errorf("%w: its ID token is not printable, or longer than %d bytes", ErrAnswer, maxToken)
	}
	subject, err := c.config.VerifyID(ctx, idToken, nonce)
	if err != nil {
		return Grant{}, err
	}
	g, err := newGrant(token)
	if err != nil {
		return Grant{}, err
	}
	g.Subject = subject
	return g, nil
}

// newGrant takes the tokens over.
func newGrant(token *oauth2.Token) (Grant, error) {
	if token.Type() != "Bearer" {
		return Grant{}, fmt.Errorf("%w: its access token is not one that is presented as it is (Bearer)", ErrAnswer)
	}
	for _, text := range []string{token.AccessToken, token.RefreshToken} {
		if text != "" && (len(text) > maxToken || !printable(text)) {
			return Grant{}, fmt.Errorf("%w: a token is not printable, or longer than %d bytes", ErrAnswer, maxToken)
		}
	}
	return Grant{
		AccessToken:  credential.NewSecret(token.AccessToken),
		RefreshToken: credential.NewSecret(token.RefreshToken),
	}, nil
}

// Refresh exchanges a refresh token for a new access token. The error is as that of
// Finish; a token that is none, or is over, is a *RefusedError with invalid_grant.
func (c *Client) Refresh(ctx context.Context, token credential.Secret) (Grant, error) {
	presented := token.Reveal()
	if len(presented) > maxToken || !printable(presented) {
		return Grant{}, &RefusedError{"invalid_grant"}
	}
	m, err := c.connection.metadataSoon(ctx)
	if err != nil {
		return Grant{}, err
	}
	flow, err := c.flow(m)
	if err != nil {
		return Grant{}, err
	}
	answer, err := c.ask(ctx, "refresh", func(ctx context.Context) (*oauth2.Token, error) {
		return flow.TokenSource(ctx, &oauth2.Token{RefreshToken: presented}).Token()
	})
	if err != nil {
		return Grant{}, err
	}
	// The library returns the old one where there is no new one.
	if answer.RefreshToken == presented {
		answer.RefreshToken = ""
	}
	return newGrant(answer)
}
