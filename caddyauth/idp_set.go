package caddyauth

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/sallyport/sallyport/internal/brake"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/provider"
)

// idpSet are the providers of a configuration.
type idpSet struct {
	list []*idp
	seen seenTokens
	// grants counts codes and refresh tokens that a provider has refused, by network:
	// each costs a request to it.
	grants *brake.Counter[netip.Prefix]
	now    func() time.Time
}

func newIDPSet() *idpSet {
	return &idpSet{seen: newSeenTokens(), grants: brake.New[netip.Prefix](), now: time.Now}
}

// grantFailures is how many codes and refresh tokens that are refused one network may
// send.
var grantFailures = brake.Limit{Count: 20, Period: time.Minute}

// beginGrant says how long somebody must wait before a provider is asked for tokens. If
// he need not, end must be called with whether the provider has refused them.
func (s *idpSet) beginGrant(from netip.Addr) (end func(refused bool), wait time.Duration) {
	network := provider.NetworkOf(from)
	verdict, wait := s.grants.Begin(network, grantFailures)
	switch verdict {
	case brake.Stopped:
		return nil, wait
	case brake.Busy:
		return nil, identity.BusyRetry
	case brake.Free:
	}
	return func(refused bool) {
		outcome := brake.Unknown
		if refused {
			outcome = brake.Failed
		}
		s.grants.End(network, grantFailures, outcome)
	}, 0
}

// haveLogIn reports whether users can log in by any of the providers.
func (s *idpSet) haveLogIn() bool {
	return slices.ContainsFunc(s.list, func(p *idp) bool { return p.logIn != nil })
}

// logInNames are the names of those by which users can log in, as they are configured.
func (s *idpSet) logInNames() (names []string) {
	for _, p := range s.list {
		if p.logIn != nil {
			names = append(names, p.name)
		}
	}
	return names
}

// checkRedirects holds that no two providers send browsers back to the same place: what
// one of them sends could be taken for the other's (RFC 9700 section 4.4.2).
func (s *idpSet) checkRedirects() error {
	owners := map[string]string{}
	for _, p := range s.list {
		if p.client == nil {
			continue
		}
		uri := p.client.RedirectURI
		if other, taken := owners[uri]; taken {
			return fmt.Errorf("provider %s: redirect_uri is that of provider %s; each needs its own, such as one with ?provider=%s", p.name, other, p.name)
		}
		owners[uri] = p.name
	}
	return nil
}

func (s *idpSet) add(p *idp) { s.list = append(s.list, p) }

// byIssuer finds the provider whose tokens say this issuer, byte for byte.
func (s *idpSet) byIssuer(issuer string) *idp {
	return s.find(func(p *idp) bool { return p.rules.Issuer == issuer })
}

func (s *idpSet) byName(name string) *idp {
	return s.find(func(p *idp) bool { return p.name == name })
}

func (s *idpSet) find(is func(*idp) bool) *idp {
	if at := slices.IndexFunc(s.list, is); at >= 0 {
		return s.list[at]
	}
	return nil
}
