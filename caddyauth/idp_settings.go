package caddyauth

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sallyport/sallyport/internal/accesstoken"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/provider"
)

// IdentityProvider is another server that says who somebody is: an OpenID provider, or
// whoever signs JWTs as access tokens (RFC 9068). Its tokens are accepted as the kind
// jwt, and with ClientID its users can log in there.
//
// A token must be from this issuer, for this audience, in time, and signed by one of
// the issuer's keys. Whose account it is, issuer and subject say together; nobody is
// found by a name, nor by mail unless TrustEmail is set.
type IdentityProvider struct {
	// Name is that of the provider in log-ins, logs and commands: 1 to 64 letters,
	// digits and . _ - with a letter or digit first.
	Name string `json:"name"`

	// Issuer is the iss of its tokens, byte for byte: a URL with https, or with http
	// on this machine. Placeholders such as {env.X} work.
	Issuer string `json:"issuer"`

	// Discovery is where the provider describes itself (OpenID Connect Discovery 1.0).
	// Default: /.well-known/openid-configuration below the issuer.
	Discovery string `json:"discovery,omitempty"`

	// JWKS is where its keys are (RFC 7517), for a provider that does not describe
	// itself. There is no log-in then.
	JWKS string `json:"jwks,omitempty"`

	// Secret is what its tokens are signed with by HS256, HS384 or HS512, in the place
	// of keys; at least 32 bytes, by a placeholder such as {env.X} or {file./path}. There
	// is no log-in then.
	Secret string `json:"secret,omitempty"`

	// Addresses are the networks in which the provider's servers may be. Default: all
	// but loopback, unless the issuer is named so, link-local and multicast ones.
	Addresses []string `json:"addresses,omitempty"`

	// Audience lists the services that tokens may be for, as aud has them: one is
	// enough. Default: the client id.
	Audience []string `json:"audience,omitempty"`

	// Algorithms are those that tokens may be signed by. Default: RS256, PS256, ES256
	// and EdDSA; with a secret, HS256.
	Algorithms []string `json:"algorithms,omitempty"`

	// ClientID is this server's name at the provider. With it users can log in there.
	ClientID string `json:"client_id,omitempty"`

	// ClientSecret proves it, by a placeholder such as {env.X} or {file./path}. Without it
	// this server is a public client, which the code challenge alone protects.
	ClientSecret string `json:"client_secret,omitempty"`

	// RedirectURI is where the provider sends browsers back to, as it is registered
	// there. It must belong to this provider alone.
	RedirectURI string `json:"redirect_uri,omitempty"`

	// Scopes is what is asked for at a log-in. Default: openid, profile and email.
	Scopes []string `json:"scopes,omitempty"`

	// ScopesClaim is the claim that limits what a token may be used for here: the words
	// read, write and extended in it count, or those of ScopeNames. Without it a token
	// may be used for everything that its user may do.
	ScopesClaim string `json:"scopes_claim,omitempty"`

	// ScopeNames says what the provider's scopes mean here.
	ScopeNames map[string][]string `json:"scope_names,omitempty"`

	// RequiredScopes must all be in a token.
	RequiredScopes []string `json:"required_scopes,omitempty"`

	// RolesClaim is the claim that has roles, a list; dots lead into objects. Default:
	// roles. RoleNames says what they mean here; others count for nothing. Whoever has
	// them has them for as long as the token lasts, besides those of the account.
	RolesClaim string              `json:"roles_claim,omitempty"`
	RoleNames  map[string][]string `json:"role_names,omitempty"`

	// GroupsClaim and GroupNames are the same for groups. Default: none; with
	// GroupNames or RequiredGroups it is groups. Without GroupNames the names in
	// GroupsClaim are taken over as they are.
	GroupsClaim string              `json:"groups_claim,omitempty"`
	GroupNames  map[string][]string `json:"group_names,omitempty"`

	// RequiredGroups must all be in GroupsClaim, by the provider's names.
	RequiredGroups []string `json:"required_groups,omitempty"`

	// UsernameClaim has the name for a new account. Default: uname, else
	// preferred_username, else the mail address.
	UsernameClaim string `json:"username_claim,omitempty"`

	// AutoCreate makes an account for whoever comes for the first time, with
	// AutoCreateRoles. Without it an administrator links accounts, by `caddy auth
	// provider link`.
	AutoCreate      bool     `json:"auto_create,omitempty"`
	AutoCreateRoles []string `json:"auto_create_roles,omitempty"`

	// TrustEmail links whoever comes for the first time with the one account that has
	// the mail address, if the provider says that it has verified it. Whoever controls
	// addresses at the provider controls those accounts.
	TrustEmail bool `json:"trust_email,omitempty"`

	// Claims are those that show as {http.auth.user.claims.<name>}. At most 16.
	Claims []string `json:"claims,omitempty"`

	// Leeway is by how much the provider's clock may differ. Default: 1 minute, at most
	// 10.
	Leeway caddy.Duration `json:"leeway,omitempty"`

	// MaxAge is how far ahead a token may expire. Default: 24 hours.
	MaxAge caddy.Duration `json:"max_age,omitempty"`

	// OneTime accepts each token once, by its jti.
	OneTime bool `json:"one_time,omitempty"`
}

const (
	defaultLeeway = time.Minute
	defaultMaxAge = 24 * time.Hour
	maxClaims     = 16
	// minHMACSecret is as long as the digest of HS256 (RFC 7518 section 3.2).
	minHMACSecret = 256 / 8
)

var defaultLoginScopes = []string{"openid", "profile", "email"}

// providerNamePattern is that of key names: it stands in paths, queries and actors.
var providerNamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// secretPlaceholder is how secrets are given. One in the clear would stand in the
// running configuration, which the admin API shows.
var secretPlaceholder = regexp.MustCompile(`^\{(env|file)\.[^{}]+\}$`)

// idpSettings are the settings of a provider, with placeholders replaced and defaults
// filled in.
type idpSettings struct {
	name   string
	source provider.Source
	rules  accesstoken.Rules
	secret []byte
	client *provider.ClientConfig
	claimMap
	oneTime, autoCreate, trustEmail bool
	newRoles                        []string
}

// resolve checks the settings. It opens and dials nothing.
func (c *IdentityProvider) resolve() (idpSettings, error) {
	s := idpSettings{name: c.Name, oneTime: c.OneTime, autoCreate: c.AutoCreate, trustEmail: c.TrustEmail, newRoles: c.AutoCreateRoles}
	if !providerNamePattern.MatchString(c.Name) {
		return s, fmt.Errorf("provider '%s': use 1 to 64 letters, digits and . _ - with a letter or digit first", c.Name)
	}
	for _, step := range []func(*idpSettings) error{c.resolveSource, c.resolveSecret, c.resolveClient, c.resolveRules, c.resolveClaims} {
		if err := step(&s); err != nil {
			return s, fmt.Errorf("provider %s: %w", c.Name, err)
		}
	}
	return s, nil
}

func (c *IdentityProvider) resolveSource(s *idpSettings) (err error) {
	for _, setting := range []struct {
		name, value string
		into        *string
	}{{"issuer", c.Issuer, &s.source.Issuer}, {"discovery", c.Discovery, &s.source.DiscoveryURL}, {"jwks", c.JWKS, &s.source.JWKSURL}} {
		if *setting.into, err = grammar.Resolve(setting.name, setting.value); err != nil {
			return err
		}
	}
	if s.source.Issuer == "" {
		return errors.New("'issuer' is missing: the iss of its tokens")
	}
	for _, text := range c.Addresses {
		network, err := netip.ParsePrefix(text)
		if addr, alone := netip.ParseAddr(text); alone == nil {
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("addresses: '%s' is neither an address nor a network such as 10.0.0.0/8", text)
		}
		s.source.Networks = append(s.source.Networks, network)
	}
	return s.source.Check()
}

func (c *IdentityProvider) resolveSecret(s *idpSettings) error {
	if c.Secret == "" {
		return nil
	}
	if c.Discovery != "" || c.JWKS != "" || c.ClientID != "" {
		return errors.New("with 'secret' there are no keys and there is no log-in; take discovery, jwks and client_id away")
	}
	secret, err := resolveHidden("secret", c.Secret)
	if err != nil {
		return err
	}
	if s.secret = []byte(secret.Reveal()); len(s.secret) < minHMACSecret {
		return fmt.Errorf("the secret has less than %d bytes, and could be guessed", minHMACSecret)
	}
	return nil
}

func (c *IdentityProvider) resolveClient(s *idpSettings) (err error) {
	if c.ClientID == "" {
		if c.ClientSecret != "" || c.RedirectURI != "" || len(c.Scopes) > 0 {
			return errors.New("client_secret, redirect_uri and scopes are for log-ins; 'client_id' is missing")
		}
		return nil
	}
	if c.JWKS != "" {
		return errors.New("for log-ins the provider must describe itself: take 'jwks' away, or 'client_id'")
	}
	s.client = &provider.ClientConfig{Name: c.Name, Scopes: c.Scopes}
	if s.client.ClientID, err = grammar.Resolve("client_id", c.ClientID); err != nil {
		return err
	}
	if s.client.RedirectURI, err = grammar.Resolve("redirect_uri", c.RedirectURI); err != nil {
		return err
	}
	if c.ClientSecret != "" {
		if s.client.ClientSecret, err = resolveHidden("client_secret", c.ClientSecret); err != nil {
			return err
		}
	}
	if len(c.Scopes) == 0 {
		s.client.Scopes = defaultLoginScopes
	}
	return nil
}

func (c *IdentityProvider) resolveRules(s *idpSettings) (err error) {
	s.rules = accesstoken.Rules{
		Issuer: s.source.Issuer, Algorithms: c.Algorithms, Leeway: defaultLeeway, MaxAge: defaultMaxAge,
		ScopesClaim: c.ScopesClaim, RequiredScopes: c.RequiredScopes,
	}
	if c.Leeway != 0 {
		s.rules.Leeway = time.Duration(c.Leeway)
	}
	if c.MaxAge != 0 {
		s.rules.MaxAge = time.Duration(c.MaxAge)
	}
	for _, text := range c.Audience {
		audience, err := grammar.Resolve("audience", text)
		if err != nil {
			return err
		}
		s.rules.Audience = append(s.rules.Audience, audience)
	}
	if len(c.Audience) == 0 {
		if s.client == nil {
			return errors.New("'audience' is missing: whom its tokens are for, as their aud has it")
		}
		s.rules.Audience = []string{s.client.ClientID}
	}
	if len(c.Algorithms) == 0 {
		s.rules.Algorithms = accesstoken.DefaultAlgorithms()
		if s.secret != nil {
			s.rules.Algorithms = []string{"HS256"}
		}
	}
	for _, algorithm := range s.rules.Algorithms {
		if bits, _ := strconv.Atoi(strings.TrimPrefix(algorithm, "HS")); s.secret != nil && len(s.secret) < bits/8 {
			return fmt.Errorf("algorithms: %s needs a secret of at least %d bytes", algorithm, bits/8)
		}
		if strings.HasPrefix(algorithm, "HS") != (s.secret != nil) {
			return fmt.Errorf("algorithms: '%s' does not go with what tokens are checked by; HS256, HS384 and HS512 need 'secret', all others keys", algorithm)
		}
	}
	return nil
}

// resolveHidden reads a secret from where a placeholder says.
func resolveHidden(setting, value string) (credential.Secret, error) {
	if !secretPlaceholder.MatchString(value) {
		return credential.Secret{}, fmt.Errorf("%s: write {env.NAME} or {file./path}; in the Caddyfile it would stand in the running configuration", setting)
	}
	text, err := grammar.Resolve(setting, value)
	if err != nil {
		return credential.Secret{}, err
	}
	return credential.NewSecret(strings.TrimRight(text, "\r\n")), nil
}

func (c *IdentityProvider) resolveClaims(s *idpSettings) (err error) {
	if !c.AutoCreate && len(c.AutoCreateRoles) > 0 {
		return errors.New("auto_create_roles are for auto_create")
	}
	for _, role := range c.AutoCreateRoles {
		if !providerNamePattern.MatchString(role) {
			return fmt.Errorf("auto_create: '%s' cannot be a role; use 1 to 64 letters, digits and . _ - with a letter or digit first", role)
		}
	}
	if c.OneTime && s.client != nil {
		return errors.New("one_time: a log-in gives a token for many requests; take 'client_id' away")
	}
	if len(c.Claims) > maxClaims {
		return fmt.Errorf("claims: at most %d can be shown", maxClaims)
	}
	s.claimMap = claimMap{
		scopesClaim: c.ScopesClaim, rolesClaim: c.RolesClaim, roles: c.RoleNames, groupsClaim: c.GroupsClaim, groups: c.GroupNames,
		requiredGroups: c.RequiredGroups, usernameClaim: c.UsernameClaim, shown: slices.Clone(c.Claims),
	}
	if len(c.ScopeNames) > 0 && c.ScopesClaim == "" {
		return errors.New("'scope' says what scopes mean, and without 'scopes_claim' none count")
	}
	for theirs, ours := range c.ScopeNames {
		set, err := principal.ParseScopes(ours)
		if err != nil {
			return fmt.Errorf("scope '%s': %w", theirs, err)
		}
		if s.scopes == nil {
			s.scopes = map[string]principal.Scopes{}
		}
		s.scopes[theirs] = set
	}
	return s.complete()
}
