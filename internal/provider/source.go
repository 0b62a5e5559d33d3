package provider

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// wellKnown is where OpenID Connect Discovery 1.0 section 4 puts the document.
const wellKnown = "/.well-known/openid-configuration"

// maxURL bounds the URLs of a provider, in bytes.
const maxURL = 2048

// Source is where a provider is.
type Source struct {
	// Issuer is the provider's name for itself, which its tokens have as iss.
	Issuer string
	// DiscoveryURL is where the discovery document is. "" is the issuer's
	// /.well-known/openid-configuration.
	DiscoveryURL string
	// JWKSURL is where the keys are. With it there is no discovery, and so no log-in.
	JWKSURL string
	// Networks are the only ones in which the provider's servers, or a proxy before
	// them, may be. None stands for everywhere but loopback, link-local and multicast
	// addresses, where the metadata services of clouds are.
	Networks []netip.Prefix
}

// Check says what is wrong with a source.
func (s Source) Check() error {
	issuer, err := parseURL(s.Issuer)
	if err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	if issuer.RawQuery != "" || issuer.ForceQuery {
		return fmt.Errorf("issuer: '%s' has a query; write it without", withoutQuery(issuer))
	}
	if s.DiscoveryURL != "" && s.JWKSURL != "" {
		return errors.New("discovery and jwks are both set; keys named by jwks need no discovery")
	}
	for name, text := range map[string]string{"discovery": s.DiscoveryURL, "jwks": s.JWKSURL} {
		if text == "" {
			continue
		}
		if _, err := parseURL(text); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, network := range s.Networks {
		if !network.IsValid() {
			return errors.New("a network of the provider is none; write it like 192.0.2.0/24")
		}
	}
	return nil
}

// Key is the same for sources that may share a connection.
func (s Source) Key() string {
	parts := []string{s.Issuer, s.DiscoveryURL, s.JWKSURL}
	var networks []string
	for _, network := range s.Networks {
		networks = append(networks, network.Masked().String())
	}
	slices.Sort(networks)
	return strings.Join(append(parts, slices.Compact(networks)...), "\n")
}

// discovery is where the discovery document is, "" if there is none to be asked for.
func (s Source) discovery() string {
	switch {
	case s.JWKSURL != "":
		return ""
	case s.DiscoveryURL != "":
		return s.DiscoveryURL
	}
	return strings.TrimSuffix(s.Issuer, "/") + wellKnown
}

// onLoopback reports whether the configuration itself names this machine.
func (s Source) onLoopback() bool {
	for _, text := range []string{s.Issuer, s.DiscoveryURL, s.JWKSURL} {
		if u, err := url.Parse(text); err == nil && text != "" && isLoopback(u.Hostname()) {
			return true
		}
	}
	return false
}

// checkEndpoint holds a URL of the discovery document against the rules for those of
// the configuration. A stranger may not name this machine.
func (s Source) checkEndpoint(text string) error {
	u, err := parseURL(text)
	if err != nil {
		return err
	}
	if isLoopback(u.Hostname()) && !s.onLoopback() {
		return fmt.Errorf("'%s' is on this machine, and the issuer is not", withoutQuery(u))
	}
	return nil
}

// parseURL reads a URL at which a provider may be.
func parseURL(text string) (*url.URL, error) {
	if len(text) > maxURL {
		return nil, fmt.Errorf("a URL has %d bytes; %d are the most", len(text), maxURL)
	}
	// What is wrong is not quoted from the error, which has the whole URL.
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "" || !printable(text):
		return nil, errors.New("that is no absolute URL; write it like https://id.example.org/realm")
	case u.User != nil:
		return nil, fmt.Errorf("the URL for '%s' has a user or a password in it; write it without", u.Host)
	case u.Fragment != "" || strings.Contains(text, "#"):
		return nil, fmt.Errorf("'%s' has a fragment; write it without", withoutQuery(u))
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, fmt.Errorf("'%s' is not https; http is for this machine only", withoutQuery(u))
}

// withoutQuery is a URL for errors: a query may hold secrets.
func withoutQuery(u *url.URL) string {
	return clip((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String())
}

// isLoopback reports whether a host is written as this machine, without asking DNS.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// printable reports whether a text is made of printable ASCII, the VSCHAR of RFC 6749
// appendix A without the blank.
func printable(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != ""
}
