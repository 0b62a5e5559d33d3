package main

import (
	"fmt"
	"os"
	"time"

	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
)

const (
	issuerFile  = folder + "/issuer"
	staffToken  = folder + "/staff.token"
	staffHeader = folder + "/staff.header"
)

// staffLifetime is longer than anybody looks at a demo.
const staffLifetime = 12 * time.Hour

// startProvider runs another server that says who somebody is, and has it give a token
// to jane, who has no account here.
func startProvider() (stop func(), err error) {
	p, err := oidcprovider.New(oidcprovider.Config{Lifetime: staffLifetime})
	if err != nil {
		return nil, fmt.Errorf("stand-in for a provider of identity: %w", err)
	}
	p.AddUser(oidcprovider.User{Subject: "7a3f", Name: "jane"})
	token, err := p.AccessToken("7a3f", map[string]any{"aud": "reports"})
	if err != nil {
		p.Stop()
		return nil, fmt.Errorf("stand-in for a provider of identity: %w", err)
	}
	for path, text := range map[string]string{issuerFile: p.Issuer(), staffToken: token, staffHeader: "Authorization: Bearer " + token} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			p.Stop()
			return nil, err
		}
	}
	return p.Stop, nil
}
