package oidcprovider

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAccessTokenIsIssuedWithoutALogIn(t *testing.T) {
	rp := startWithJane(t, Config{Lifetime: time.Hour})
	token, err := rp.AccessToken("7a3f", map[string]any{"aud": "ops-api", "email": nil, "jti": "once", "exp": 2_000_000_000})
	if err != nil {
		t.Fatal(err)
	}
	got := rp.claims(token)
	for name, want := range map[string]any{
		"iss": rp.Issuer(), "sub": "7a3f", "aud": "ops-api", "email": nil, "jti": "once", "exp": 2e9,
		"groups": []any{"staff", "netops"}, "name": "Jane Doe",
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := rp.AccessToken("7a3f", map[string]any{"aud": func() {}}); err == nil {
		t.Error("a claim that JSON has not is accepted")
	}
	if _, err := rp.AccessToken("nobody", nil); err == nil {
		t.Error("a token about nobody is issued")
	}
}

func TestRefreshTokenIsForOneUse(t *testing.T) {
	rp := startWithJane(t, Config{})
	first := rp.tokens()
	second, err := rp.refresh(first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if second.RefreshToken == "" || second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Error("the second tokens are not new ones")
	}
	if got := rp.claims(second.AccessToken)["sub"]; got != "7a3f" {
		t.Errorf("the second token is about '%v'", got)
	}
	if _, err := rp.refresh(first.RefreshToken); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("the first one once more: %v", err)
	}
	if _, err := rp.refresh(second.RefreshToken); err != nil {
		t.Errorf("the second one: %v", err)
	}
}

func TestOneOfManyUsesOfARefreshTokenSucceeds(t *testing.T) {
	rp := startWithJane(t, Config{Algorithm: "ES256"})
	token := rp.tokens().RefreshToken
	var good atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := rp.refresh(token); err == nil {
				good.Add(1)
			}
		})
	}
	all.Wait()
	if good.Load() != 1 {
		t.Errorf("%d of 8 are good", good.Load())
	}
}

func TestRefreshSeesWhatHasChangedAboutTheUser(t *testing.T) {
	rp := startWithJane(t, Config{})
	token := rp.tokens()
	rp.AddUser(User{Subject: "7a3f", Name: "jane", Email: "doe@example.org"})
	next, err := rp.refresh(token.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if all := rp.claims(next.AccessToken); all["email"] != "doe@example.org" || all["groups"] != nil {
		t.Errorf("the new token has %v", all)
	}
}

func TestRevokedRefreshTokenIsRefused(t *testing.T) {
	rp := startWithJane(t, Config{})
	token := rp.tokens().RefreshToken
	if status, _ := rp.post("/revoke", "ops", url.Values{"token": {token}}); status != http.StatusOK {
		t.Errorf("revoking is %d", status)
	}
	if _, err := rp.refresh(token); err == nil {
		t.Error("a revoked token is good")
	}
}
