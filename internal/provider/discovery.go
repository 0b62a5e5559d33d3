package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Metadata is what a provider says of itself in its discovery document.
type Metadata struct {
	// AuthorizationURL is where browsers are sent to, TokenURL where codes are
	// exchanged; "" where the provider has none. JWKSURL is where its keys are.
	AuthorizationURL, TokenURL, JWKSURL string
	// NamesIssuer says that the provider puts iss into its returns (RFC 9207).
	NamesIssuer bool
	// ChallengeMethods are the methods of PKCE that it knows, none where it does not
	// say.
	ChallengeMethods []string
	// TokenAuthMethods are the ways in which it wants to be shown the client's secret,
	// none where it does not say.
	TokenAuthMethods []string
}

// discover reads the discovery document.
func (s Source) discover(ctx context.Context, w *wire) (*Metadata, error) {
	client := w.client(maxAnswer, true)
	client.Transport = documentAt{s.discovery(), client.Transport}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, client), s.Issuer)
	if err != nil {
		return nil, s.explainDiscovery(err)
	}
	var document struct {
		JWKSURL          string   `json:"jwks_uri"`
		NamesIssuer      bool     `json:"authorization_response_iss_parameter_supported"`
		ChallengeMethods []string `json:"code_challenge_methods_supported"`
		TokenAuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := found.Claims(&document); err != nil {
		return nil, s.explainDiscovery(err)
	}
	m := &Metadata{
		AuthorizationURL: found.Endpoint().AuthURL,
		TokenURL:         found.Endpoint().TokenURL,
		JWKSURL:          document.JWKSURL,
		NamesIssuer:      document.NamesIssuer,
		ChallengeMethods: document.ChallengeMethods,
		TokenAuthMethods: document.TokenAuthMethods,
	}
	return m, m.check(s)
}

// check holds the endpoints against the rules for those of the configuration.
func (m *Metadata) check(s Source) error {
	if m.JWKSURL == "" {
		return &failure{"the discovery document names no keys (jwks_uri)"}
	}
	for _, endpoint := range []struct{ name, url string }{
		{"jwks_uri", m.JWKSURL}, {"authorization_endpoint", m.AuthorizationURL}, {"token_endpoint", m.TokenURL},
	} {
		if endpoint.url == "" {
			continue
		}
		if err := s.checkEndpoint(endpoint.url); err != nil {
			return &failure{fmt.Sprintf("the discovery document's %s: %s", endpoint.name, err)}
		}
	}
	return nil
}

// takesS256 reports whether log-in with PKCE is possible, as far as the provider says.
func (m *Metadata) takesS256() bool {
	return len(m.ChallengeMethods) == 0 || slices.Contains(m.ChallengeMethods, "S256")
}

func (s Source) explainDiscovery(err error) *failure {
	if isA[*url.Error](err) {
		return explain(err)
	}
	if other, ok := errors.AsType[*oidc.IssuerMismatchError](err); ok {
		return &failure{fmt.Sprintf("the discovery document is of the issuer '%s', not of '%s'; they must be equal to the letter",
			clip(other.Discovered), clip(s.Issuer))}
	}
	return &failure{"what is at '" + shown(s.discovery()) + "' is no discovery document"}
}

// documentAt asks for the discovery document where the configuration says that it is.
// The library always derives the address from the issuer.
type documentAt struct {
	address string
	below   http.RoundTripper
}

func (d documentAt) RoundTrip(r *http.Request) (*http.Response, error) {
	address, err := url.Parse(d.address)
	if err != nil {
		return nil, &failure{"the address of the discovery document is no URL"}
	}
	r = r.Clone(r.Context())
	r.URL, r.Host = address, address.Host
	return d.below.RoundTrip(r)
}

// shown is a URL of the configuration for errors.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the configured address"
	}
	return withoutQuery(u)
}
