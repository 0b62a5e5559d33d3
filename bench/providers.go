package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
)

// jwtAlgorithms are those of the providers whose tokens are measured.
var jwtAlgorithms = []string{"RS256", "ES256"}

// jwt is the file with the one token of a provider that is presented again and again.
func (f *files) jwt(algorithm string) string { return filepath.Join(f.dir, "jwt-"+algorithm) }

func (f *files) issuer(algorithm string) string { return filepath.Join(f.dir, "issuer-"+algorithm) }

// prepareProviders starts a provider for each algorithm, whom the server asks for its
// keys, and writes a token of each. end ends them.
func (f *files) prepareProviders() (end func(), err error) {
	var started []*oidcprovider.Provider
	end = func() {
		for _, p := range started {
			p.Stop()
		}
	}
	for _, algorithm := range jwtAlgorithms {
		// Longer than any run.
		p, err := oidcprovider.New(oidcprovider.Config{Algorithm: algorithm, Lifetime: 12 * time.Hour})
		if err != nil {
			end()
			return nil, err
		}
		started = append(started, p)
		if err := f.writeToken(p, algorithm); err != nil {
			end()
			return nil, err
		}
	}
	return end, nil
}

// writeToken writes a token of a user with roles and groups, with what else providers
// put into one.
func (f *files) writeToken(p *oidcprovider.Provider, algorithm string) error {
	p.AddUser(oidcprovider.User{
		Subject: "5f9d1c7e-8b7a-4d3c-9a54-2a7f6e1d0c3b", Name: "jane", DisplayName: "Jane Doe",
		Email: "jane@example.org", EmailVerified: true, Groups: []string{"soc"}, Roles: []string{"analyst", "admin"},
	})
	token, err := p.AccessToken("5f9d1c7e-8b7a-4d3c-9a54-2a7f6e1d0c3b", map[string]any{"aud": "bench", "scope": "openid email profile"})
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(f.jwt(algorithm), []byte(token), 0o600),
		os.WriteFile(f.issuer(algorithm), []byte(p.Issuer()), 0o600),
	)
}

// providers is the configuration of those that were prepared.
func (f *files) providers() (list []any, err error) {
	for _, algorithm := range jwtAlgorithms {
		issuer, err := os.ReadFile(f.issuer(algorithm))
		if err != nil {
			return nil, err
		}
		list = append(list, map[string]any{
			"name": algorithm, "issuer": string(issuer), "audience": []string{"bench"}, "auto_create": true,
			"role_names":   map[string]any{"analyst": []string{"analyst"}, "admin": []string{"admin"}},
			"groups_claim": "groups", "claims": []string{"preferred_username"},
		})
	}
	return list, nil
}
