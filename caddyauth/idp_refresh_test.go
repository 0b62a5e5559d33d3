package caddyauth_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
)

// refresh presents a refresh token.
func (f *federated) refresh(token string, headers ...string) caddyrun.Response {
	f.t.Helper()
	body, err := json.Marshal(map[string]string{"oauth_provider": "keycloak", "refresh_token": token})
	if err != nil {
		f.t.Fatal(err)
	}
	return postJSON(f.t, f.Server, loginPath, string(body), headers...)
}

func TestRefreshTokenGivesNewTokens(t *testing.T) {
	f := startFederated(t, forJane)
	first, _ := f.logInAtProvider()
	r := f.refresh(*first.RefreshToken)
	expectStatus(t, r, 200, "")
	second := payload[grant](t, r)
	if second.Provider != "keycloak" || second.RefreshToken == nil || *second.RefreshToken == *first.RefreshToken || second.AppToken == first.AppToken {
		t.Errorf("the answer is %s", r.Text)
	}
	if cookies := r.Cookies(); len(cookies) > 0 {
		t.Errorf("a program has got %v", cookies)
	}
	f.expectCaller(second.AppToken, plainJane)
	r = f.refresh(*first.RefreshToken)
	expectFailure(t, r, 401, "invalid_login", notCompleted)
	if got := notedOf(t, r).Cause; got != "provider_refused" {
		t.Errorf("the cause is '%s'", got)
	}
	expectStatus(t, f.refresh(*second.RefreshToken), 200, "")
}

func TestRefreshIsForProgramsOfThisSite(t *testing.T) {
	f := startFederated(t, forJane)
	got, _ := f.logInAtProvider()
	before := f.asked(t, "refresh")
	expectFailure(t, f.refresh(*got.RefreshToken, "Sec-Fetch-Site", "cross-site"), 403, "cross_origin", "Pages of another site cannot log in here.")
	expectFailure(t, f.Get(t, loginPath+"?provider=keycloak&refresh_token="+*got.RefreshToken), 400, "invalid_request", "Credentials are not accepted in the query string.")
	if got := f.asked(t, "refresh"); got != before {
		t.Errorf("the provider was asked %d times", got-before)
	}
	expectStatus(t, f.refresh(*got.RefreshToken), 200, "")
}

// TestRefreshTokenOutlivesAStoreThatIsAway: a provider takes it once, and what it gives
// for it could not be handed out.
func TestRefreshTokenOutlivesAStoreThatIsAway(t *testing.T) {
	f := startFederated(t, forJane)
	got, _ := f.logInAtProvider()
	here, away := filepath.Join(f.Dir, "auth.db"), filepath.Join(f.Dir, "away.db")
	if err := os.Rename(here, away); err != nil {
		t.Fatal(err)
	}
	within(t, 3*time.Second, func() bool { return f.ask(got.AppToken).StatusCode == 503 })
	expectFailure(t, f.refresh(*got.RefreshToken), 503, "unavailable", "Credentials cannot be checked now.")
	if err := os.Rename(away, here); err != nil {
		t.Fatal(err)
	}
	within(t, 3*time.Second, func() bool { return f.ask(got.AppToken).StatusCode == 200 })
	expectStatus(t, f.refresh(*got.RefreshToken), 200, "")
}

// TestRefreshOfADisabledUser: the provider still says yes.
func TestRefreshOfADisabledUser(t *testing.T) {
	f := startFederated(t, forJane)
	got, _ := f.logInAtProvider()
	if _, err := f.DisableUser(t.Context(), "test", "jane"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	expectFailure(t, f.refresh(*got.RefreshToken), 403, "user_not_allowed", "This user is not allowed access to the system")
}

// TestWrongRefreshTokensAreBounded: each costs a request to the provider.
func TestWrongRefreshTokensAreBounded(t *testing.T) {
	f := startFederated(t, forJane)
	for range 20 {
		expectFailure(t, f.refresh("guess"), 401, "invalid_login", notCompleted)
	}
	before := f.asked(t, "refresh")
	expectFailure(t, f.refresh("guess"), 429, "too_many_attempts", "Too many attempts. Try again later.")
	if got := f.asked(t, "refresh"); got != before {
		t.Error("the provider was asked all the same")
	}
}

// TestProviderThatIsDownIsNoRefusal: nobody can know whether the user may come in.
func TestProviderThatIsDownIsNoRefusal(t *testing.T) {
	f := startFederated(t, forJane)
	got, _ := f.logInAtProvider()
	to := f.begin("keycloak")
	back := f.comeBack(to)
	f.op.Stop()
	const down = "Failed to connect to OAuth Provider"
	for name, r := range map[string]caddyrun.Response{"code": f.finish(to, back), "refresh": f.refresh(*got.RefreshToken)} {
		t.Run(name, func(t *testing.T) { expectFailure(t, r, 503, "provider_unavailable", down) })
	}
	// Its endpoints are known, and it is the browser that goes there.
	if r := f.Get(t, loginPath+"?provider=keycloak"); r.StatusCode != http.StatusFound {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
	f.expectCaller(got.AppToken, plainJane)
	if err := f.op.Resume(); err != nil {
		t.Fatal(err)
	}
	expectStatus(t, f.refresh(*got.RefreshToken), 200, "")
}

func TestLogInWhileTheProviderWasNeverThere(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	op.Stop()
	f := startFederatedWith(t, op, providerSite(keycloak(op, forJane)))
	r := f.Get(t, loginPath+"?provider=keycloak")
	expectFailure(t, r, 503, "provider_unavailable", "Failed to connect to OAuth Provider")
	if len(r.Cookies()) > 0 || strings.Contains(r.Text, op.Issuer()) {
		t.Errorf("it has told %v %s", r.Cookies(), r.Text)
	}
}
