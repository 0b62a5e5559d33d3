package caddyauth_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
)

func TestRotatedKeysAreSeenWithoutARestart(t *testing.T) {
	f := startFederated(t, forJane)
	old := f.token()
	f.expectCaller(old, plainJane)
	fetches := f.op.JWKSRequests()
	if err := f.op.Rotate(); err != nil {
		t.Fatal(err)
	}
	f.expectCaller(f.token(), plainJane)
	f.expectCaller(f.token(), plainJane)
	f.expectCaller(old, plainJane)
	if got := f.op.JWKSRequests() - fetches; got != 1 {
		t.Errorf("the keys were fetched %d times", got)
	}
}

// TestWithdrawnKeyCountsNoMore: a token that was seen before is verified anew when the
// keys have changed.
func TestWithdrawnKeyCountsNoMore(t *testing.T) {
	f := startFederated(t, forJane)
	seen, other := f.token(), f.token()
	f.expectCaller(seen, plainJane)
	if err := f.op.Rotate(); err != nil {
		t.Fatal(err)
	}
	f.op.Retire()
	f.expectCaller(f.token(), plainJane)
	f.expectRefused(seen, 401, "invalid_token", "token_key")
	f.expectRefused(other, 401, "invalid_token", "token_key")
}

// TestUnknownKeysCostOneFetch: whoever makes kids up cannot make the server ask.
func TestUnknownKeysCostOneFetch(t *testing.T) {
	f := startFederated(t, forJane)
	good := f.token()
	f.expectCaller(good, plainJane)
	fetches := f.op.JWKSRequests()
	_, rest, _ := strings.Cut(good, ".")
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			header := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","kid":"made-up-%d"}`, i))
			if r := f.ask(header + "." + rest); r.StatusCode != 401 {
				t.Errorf("%d %s", r.StatusCode, r.Text)
			}
		})
	}
	all.Wait()
	if got := f.op.JWKSRequests() - fetches; got != 1 {
		t.Errorf("the keys were fetched %d times", got)
	}
	f.expectCaller(good, plainJane)
}

// TestServerStartsWhileAProviderIsDown: all other credentials work.
func TestServerStartsWhileAProviderIsDown(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	op.Stop()
	file := providerSite(keycloak(op, forJane))
	f := startFederatedWith(t, op, file)
	f.Reload(t, file)
	token := f.token()
	r := f.ask(token)
	expectCause(t, r, 503, "provider_unavailable", "provider_unavailable")
	if r.Header.Get("Retry-After") != "30" || len(r.Header.Values("WWW-Authenticate")) > 0 {
		t.Errorf("the headers are %v", r.Header)
	}
	expectFailure(t, f.Get(t, "/api/v1/user/whoami", bearer(token)...), 503, "provider_unavailable", "Failed to connect to OAuth Provider")
	expect(t, f.Get(t, "/", bearer(f.issue(f.Server, "ci"))...), 200, "")
	expect(t, f.ask("a.b.c"), 401, "invalid_token")
}

// TestUnknownKeyWhileTheProviderIsDown: known ones go on, and of others nobody can know.
func TestUnknownKeyWhileTheProviderIsDown(t *testing.T) {
	f := startFederated(t, forJane)
	f.expectCaller(f.token(), plainJane)
	known := f.token()
	f.op.Stop()
	f.expectCaller(known, plainJane)
	if err := f.op.Rotate(); err != nil {
		t.Fatal(err)
	}
	f.expectRefused(f.token(), 503, "provider_unavailable", "provider_unavailable")
	f.expectCaller(known, plainJane)
}

// TestReloadKeepsWhatIsKnownOfAProvider: it fetches nothing, and ends no log-in.
func TestReloadKeepsWhatIsKnownOfAProvider(t *testing.T) {
	f := startFederated(t, forJane)
	token := f.token()
	f.expectCaller(token, plainJane)
	to := f.begin("keycloak")
	fetches := f.op.JWKSRequests()
	f.Reload(t, providerSite(keycloak(f.op, forJane, "groups_claim groups")))
	f.expectCaller(token, "jane|user|netops,staff|read,write,extended|jwt|")
	expectStatus(t, f.finish(to, f.comeBack(to)), 200, "")
	if got := f.op.JWKSRequests(); got != fetches {
		t.Errorf("the keys were fetched %d times more", got-fetches)
	}

	to = f.begin("keycloak")
	other := newProvider(t, oidcprovider.Config{})
	f.Reload(t, providerSite(keycloak(other, forJane)))
	f.expectRefused(token, 401, "invalid_token", "token_issuer")
	expectFailure(t, f.finish(to, f.comeBack(to)), 401, "invalid_login", notCompleted)
}

// TestReloadThatFailsKeepsTheProvider: what a configuration has taken that does not
// start is given back, and what runs stays.
func TestReloadThatFailsKeepsTheProvider(t *testing.T) {
	f := startFederated(t, forJane)
	token := f.token()
	f.expectCaller(token, plainJane)
	fetches := f.op.JWKSRequests()
	if err := f.Load(t, providerSite(keycloak(f.op, "leeway 1h"))); err == nil {
		t.Fatal("a leeway of an hour is accepted")
	}
	time.Sleep(10 * time.Millisecond)
	f.expectCaller(token, plainJane)
	f.expectCaller(f.token(), plainJane)
	if got := f.op.JWKSRequests(); got != fetches {
		t.Errorf("the keys were fetched %d times more", got-fetches)
	}
}
