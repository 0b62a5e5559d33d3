// Package oidcprovider is an OpenID provider on loopback, for tests, measurements and
// the demo: discovery, keys, log-in by authorization code, refresh. What speaks OAuth
// in it is a library that runs real providers; users, clients and keys are in memory.
//
//	provider := oidcprovider.Start(t, oidcprovider.Config{})
//	provider.AddUser(oidcprovider.User{Subject: "7a3f", Name: "jane", Password: "jane-pw"})
//	provider.AddClient(oidcprovider.Client{ID: "ops", Secret: "s", RedirectURIs: []string{callback}})
//	token, err := provider.AccessToken("7a3f", map[string]any{"aud": "ops"})
//	back, err := provider.LogIn(authorizationURL, "jane", "jane-pw")
//
// A client must use PKCE with S256. It gets a refresh token if it asks for the scope
// offline_access, and another one with each use of it. Access tokens and ID tokens are
// JWTs, both with the claims that Claims of User describes, and with the same audience,
// which in the ID token has the client as well.
//
// It can fall ill: Stop and Resume, Rotate and Retire.
package oidcprovider
