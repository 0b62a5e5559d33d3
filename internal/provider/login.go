package provider

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/internal/credential"
)

// secretBytes is how much randomness state, nonce and binding have: 256 bits.
const secretBytes = 32

// ClientConfig is what a provider knows this server as.
type ClientConfig struct {
	// Name is the configuration's name for the provider.
	Name string
	// ClientID and ClientSecret are what the provider has given. Without a secret it is
	// a public client, which PKCE protects.
	ClientID     string
	ClientSecret credential.Secret
	// RedirectURI is where browsers come back to. It is this provider's alone, so that a
	// code of one is never taken for that of another.
	RedirectURI string
	// Scopes are asked for; openid is, in any case.
	Scopes []string
	// VerifyID says whom an ID token is of, if it is good and has the nonce.
	VerifyID func(ctx context.Context, idToken, nonce string) (subject string, err error)
}

// Client logs people in at one provider. It may be used by many goroutines at once.
type Client struct {
	connection *Connection
	config     ClientConfig
}

// clientKey is what a departure belongs to.
type clientKey struct{ name, id, redirectURI string }

// NewClient makes a client. Log-ins that have begun by an earlier one with the same
// configuration can end by it.
func NewClient(connection *Connection, config ClientConfig) (*Client, error) {
	switch {
	case connection.source.discovery() == "":
		return nil, errors.New("log-in needs discovery, which jwks takes the place of; take jwks away")
	case config.ClientID == "":
		return nil, errors.New("log-in needs a client_id")
	case config.VerifyID == nil:
		return nil, errors.New("log-in needs somebody to verify ID tokens")
	}
	if err := config.checkRedirectURI(); err != nil {
		return nil, err
	}
	if !slices.Contains(config.Scopes, "openid") {
		config.Scopes = append([]string{"openid"}, config.Scopes...)
	}
	return &Client{connection, config}, nil
}

// checkRedirectURI holds it against RFC 6749 section 3.1.2. http is the business of
// whoever configures it.
func (c *ClientConfig) checkRedirectURI() error {
	example := "write it like https://ops.example.org/login?provider=" + c.Name
	if c.RedirectURI == "" {
		return errors.New("'redirect_uri' is missing; " + example)
	}
	shown := "'" + clip(c.RedirectURI) + "'"
	if strings.Contains(c.RedirectURI, "@") {
		// A password may stand before it.
		shown = "that"
	}
	u, err := url.Parse(c.RedirectURI)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return fmt.Errorf("redirect_uri: %s is no absolute URL; %s", shown, example)
	case u.User != nil:
		return fmt.Errorf("redirect_uri: the URL for '%s' has a user or a password in it; %s", clip(u.Host), example)
	case u.Fragment != "":
		return fmt.Errorf("redirect_uri: %s has a fragment; %s", shown, example)
	}
	return nil
}

// Departure is the beginning of a log-in.
type Departure struct {
	// URL is where the browser is sent to.
	URL string
	// State is what the browser will bring back from there, and tells this log-in from
	// others of the same browser.
	State credential.Secret
	// Binding is for a cookie of the browser, so that nobody can be made to come back
	// from a log-in that another has begun.
	Binding credential.Secret
}

// Begin begins a log-in for a caller at an address. The error wraps ErrUnavailable or
// ErrAnswer.
func (c *Client) Begin(ctx context.Context, from netip.Addr) (Departure, error) {
	m, err := c.connection.metadataSoon(ctx)
	if err != nil {
		return Departure{}, err
	}
	flow, err := c.flow(m)
	if err != nil {
		return Departure{}, err
	}
	state, nonce, binding := newSecret(), newSecret(), newSecret()
	verifier := oauth2.GenerateVerifier()
	c.connection.departures.add(digestOf(state), from, departure{
		nonce: nonce, verifier: verifier, binding: digestOf(binding), client: c.key(),
	})
	to := flow.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", nonce))
	return Departure{to, credential.NewSecret(state), credential.NewSecret(binding)}, nil
}

func (c *Client) key() clientKey {
	return clientKey{c.config.Name, c.config.ClientID, c.config.RedirectURI}
}

// flow is the authorization code flow by the endpoints of the provider.
func (c *Client) flow(m *Metadata) (*oauth2.Config, error) {
	if m.AuthorizationURL == "" || m.TokenURL == "" {
		return nil, fmt.Errorf("%w: its discovery document has no endpoints for log-in", ErrAnswer)
	}
	if !m.takesS256() {
		return nil, fmt.Errorf("%w: its discovery document has code_challenge_methods_supported without S256", ErrAnswer)
	}
	style, err := c.authStyle(m.TokenAuthMethods)
	if err != nil {
		return nil, err
	}
	return &oauth2.Config{
		ClientID:     c.config.ClientID,
		ClientSecret: c.config.ClientSecret.Reveal(),
		Endpoint:     oauth2.Endpoint{AuthURL: m.AuthorizationURL, TokenURL: m.TokenURL, AuthStyle: style},
		RedirectURL:  c.config.RedirectURI,
		Scopes:       c.config.Scopes,
	}, nil
}

// authStyle is how the secret is shown. Where the provider does not say it is in the
// header (OpenID Connect Discovery 1.0 section 3).
func (c *Client) authStyle(methods []string) (oauth2.AuthStyle, error) {
	switch {
	case c.config.ClientSecret.Reveal() == "":
		return oauth2.AuthStyleInParams, nil
	case len(methods) == 0 || slices.Contains(methods, "client_secret_basic"):
		return oauth2.AuthStyleInHeader, nil
	case slices.Contains(methods, "client_secret_post"):
		return oauth2.AuthStyleInParams, nil
	}
	return 0, fmt.Errorf("%w: its discovery document has no way to show a client secret in token_endpoint_auth_methods_supported", ErrAnswer)
}

// newSecret is a random text of 43 characters, base64url.
func newSecret() string {
	bytes := make([]byte, secretBytes)
	// It never fails; a system without randomness ends the process.
	_, _ = rand.Read(bytes)
	return base64.RawURLEncoding.EncodeToString(bytes)
}
