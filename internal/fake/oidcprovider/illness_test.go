package oidcprovider

import (
	"errors"
	"syscall"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
)

func TestKeysRotate(t *testing.T) {
	rp := startWithJane(t, Config{})
	issue := func() string {
		t.Helper()
		token, err := rp.AccessToken("7a3f", nil)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	// good asks with keys that are fetched anew.
	good := func(token string) bool {
		_, err := oidc.NewRemoteKeySet(t.Context(), rp.Issuer()+"/keys").VerifySignature(t.Context(), token)
		return err == nil
	}
	first := issue()
	before := rp.JWKSRequests()
	if !good(first) || rp.JWKSRequests() != before+1 {
		t.Errorf("the first token is not good, or %d requests are counted", rp.JWKSRequests()-before)
	}
	if err := rp.Rotate(); err != nil {
		t.Fatal(err)
	}
	second := issue()
	if !good(first) || !good(second) {
		t.Error("one of the keys is not published")
	}
	rp.Retire()
	if good(first) || !good(second) {
		t.Error("the old key is still there, or the new one is not")
	}
}

func TestProviderIsDownAndComesBack(t *testing.T) {
	rp := startWithJane(t, Config{})
	token := rp.tokens()
	rp.Stop()
	rp.Stop()
	if _, err := oidc.NewProvider(t.Context(), rp.Issuer()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("while it is down: %v", err)
	}
	if err := rp.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := rp.Resume(); err != nil {
		t.Error(err)
	}
	if _, err := oidc.NewProvider(t.Context(), rp.Issuer()); err != nil {
		t.Error(err)
	}
	if _, err := rp.refresh(token.RefreshToken); err != nil {
		t.Errorf("what was allowed before: %v", err)
	}
}

func TestUnknownAlgorithmIsRefused(t *testing.T) {
	if _, err := New(Config{Algorithm: "none"}); err == nil {
		t.Error("the algorithm 'none' is accepted")
	}
}
