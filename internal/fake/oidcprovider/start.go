package oidcprovider

import "testing"

// Start runs a provider until the test ends.
func Start(tb testing.TB, c Config) *Provider {
	tb.Helper()
	p, err := New(c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Stop)
	return p
}
