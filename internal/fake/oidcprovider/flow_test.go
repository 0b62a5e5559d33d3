package oidcprovider

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
)

func TestDiscoveryNamesWhatThereIs(t *testing.T) {
	p := Start(t, Config{Algorithm: "ES256"})
	discovered, err := oidc.NewProvider(t.Context(), p.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		JWKS       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
		Challenges []string `json:"code_challenge_methods_supported"`
		Methods    []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := discovered.Claims(&got); err != nil {
		t.Fatal(err)
	}
	if got.JWKS != p.Issuer()+"/keys" || !slices.Equal(got.Algorithms, []string{"ES256"}) || !slices.Contains(got.Challenges, "S256") || !slices.Contains(got.Methods, "client_secret_basic") {
		t.Errorf("the document has %+v", got)
	}
	if e := discovered.Endpoint(); e.AuthURL != p.Issuer()+"/authorize" || e.TokenURL != p.Issuer()+"/oauth/token" {
		t.Errorf("the endpoints are %+v", e)
	}
}

func TestUserLogsInByCode(t *testing.T) {
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			rp := startWithJane(t, Config{Algorithm: algorithm})
			rp.checkTokens(rp.tokens())
		})
	}
}

func (rp *relyingParty) checkTokens(token *oauth2.Token) {
	rp.t.Helper()
	written, _ := token.Extra("id_token").(string)
	id, err := rp.verify.Verify(rp.t.Context(), written)
	if err != nil {
		rp.t.Fatal(err)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		rp.t.Error(err)
	}
	if id.Subject != "7a3f" || id.Nonce != "a nonce" {
		rp.t.Errorf("the ID token is about '%s' with the nonce '%s'", id.Subject, id.Nonce)
	}
	want := map[string]any{
		"iss": rp.Issuer(), "sub": "7a3f", "aud": []any{"ops-api"}, "client_id": "ops", "scope": "openid profile email offline_access api",
		"preferred_username": "jane", "name": "Jane Doe", "email": "jane@example.org", "email_verified": true,
		"groups": []any{"staff", "netops"}, "roles": []any{"operator"}, "realm_access": map[string]any{"roles": []any{"operator"}},
		"tenant": "north",
	}
	got := rp.claims(token.AccessToken)
	// The library takes the time twice; a second may begin between.
	if good := got["exp"].(float64) - got["iat"].(float64); good < 299 || good > 300 {
		rp.t.Errorf("the access token is good for %v seconds, want 300", good)
	}
	for _, name := range []string{"exp", "iat", "nbf", "jti"} {
		if got[name] == nil {
			rp.t.Errorf("the access token has no '%s'", name)
		}
		delete(got, name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		rp.t.Errorf("access token (-want +got):\n%s", diff)
	}
	var idClaims map[string]any
	if err := id.Claims(&idClaims); err != nil || idClaims["email"] != "jane@example.org" || idClaims["tenant"] != "north" {
		rp.t.Errorf("the ID token has %v, %v", idClaims, err)
	}
}

func TestClaimsFollowTheScopes(t *testing.T) {
	rp := startWithJane(t, Config{})
	rp.oauth2.Scopes = []string{"openid", "unheard-of"}
	token := rp.tokens()
	if token.RefreshToken != "" {
		t.Error("there is a refresh token without offline_access")
	}
	all := rp.claims(token.AccessToken)
	if all["email"] != nil || all["preferred_username"] != nil || all["scope"] != "openid" {
		t.Errorf("the access token has %v", all)
	}
}

func TestCodeNeedsItsVerifier(t *testing.T) {
	rp := startWithJane(t, Config{})
	verifier := oauth2.GenerateVerifier()
	for _, c := range []struct {
		name    string
		options []oauth2.AuthCodeOption
		says    string
	}{
		{"another verifier", []oauth2.AuthCodeOption{oauth2.VerifierOption(oauth2.GenerateVerifier())}, "invalid_grant"},
		{"none", nil, "invalid_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code := rp.logIn(verifier)
			if _, err := rp.oauth2.Exchange(t.Context(), code, c.options...); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the provider says %v, want '%s'", err, c.says)
			}
			if _, err := rp.oauth2.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err == nil {
				t.Error("the code is good for a second attempt")
			}
		})
	}
}

func TestCodeIsForOneUseByItsClient(t *testing.T) {
	rp := startWithJane(t, Config{})
	verifier := oauth2.GenerateVerifier()
	code := rp.logIn(verifier)
	if _, err := rp.oauth2.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err != nil {
		t.Fatal(err)
	}
	if _, err := rp.oauth2.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err == nil {
		t.Error("a code is good for two uses")
	}
	wrong := *rp.oauth2
	wrong.ClientSecret = "guess"
	if _, err := wrong.Exchange(t.Context(), rp.logIn(verifier), oauth2.VerifierOption(verifier)); err == nil {
		t.Error("a wrong client secret is accepted")
	}
}

func TestPublicClientNeedsNoSecret(t *testing.T) {
	rp := startWithJane(t, Config{})
	rp.AddClient(Client{ID: "page", RedirectURIs: []string{callback}})
	rp.oauth2.ClientID, rp.oauth2.ClientSecret = "page", ""
	rp.oauth2.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	if got := rp.claims(rp.tokens().AccessToken)["aud"]; !cmp.Equal(got, []any{"page"}) {
		t.Errorf("the audience is %v, want the client", got)
	}
}

func TestAuthorizationIsRefused(t *testing.T) {
	rp := startWithJane(t, Config{})
	challenge := oauth2.S256ChallengeOption(oauth2.GenerateVerifier())
	elsewhere, stranger := *rp.oauth2, *rp.oauth2
	elsewhere.RedirectURL = "https://evil.example.org/"
	stranger.ClientID = "stranger"
	for _, c := range []struct{ name, at, says string }{
		{"without PKCE", rp.oauth2.AuthCodeURL("s"), "invalid_request"},
		{"with plain PKCE", rp.oauth2.AuthCodeURL("s", oauth2.SetAuthURLParam("code_challenge", "x"), oauth2.SetAuthURLParam("code_challenge_method", "plain")), "invalid_request"},
		{"with another redirect URI", elsewhere.AuthCodeURL("s", challenge), "redirect_uri"},
		{"for an unknown client", stranger.AuthCodeURL("s", challenge), "client"},
		{"at another provider", "http://127.0.0.2:1/authorize", "not this provider"},
	} {
		t.Run(c.name, func(t *testing.T) {
			back, err := rp.LogIn(c.at, "jane", "jane-pw")
			if back != nil && (back.Query().Get("error") != c.says || back.Query().Get("state") != "s") {
				t.Errorf("the callback is '%s', want the error '%s'", back, c.says)
			}
			if back == nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is '%v', want '%s'", err, c.says)
			}
		})
	}
}

func TestUserDenies(t *testing.T) {
	rp := startWithJane(t, Config{})
	at := rp.oauth2.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
	back, err := rp.Deny(at)
	if err != nil {
		t.Fatal(err)
	}
	if q := back.Query(); q.Get("error") != "access_denied" || q.Get("error_description") == "" || q.Get("state") != "s" || q.Has("code") {
		t.Errorf("the callback is '%s'", back)
	}
}

func TestWrongPasswordShowsThePageAgain(t *testing.T) {
	rp := startWithJane(t, Config{})
	at := rp.oauth2.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
	for _, c := range [][2]string{{"jane", "guess"}, {"bob", "jane-pw"}, {"jane", ""}} {
		if back, err := rp.LogIn(at, c[0], c[1]); err == nil || !strings.Contains(err.Error(), "do not match") {
			t.Errorf("'%s' with '%s': %v, %v", c[0], c[1], back, err)
		}
	}
	if status, _ := rp.post(loginPath, "", url.Values{"id": {"guess"}, "user": {"jane"}, "password": {"jane-pw"}}); status != http.StatusNotFound {
		t.Errorf("a log-in that has not begun is %d", status)
	}
}

// TestCallbackNeedsTheLogIn: who knows the ID of a log-in has no code by that.
func TestCallbackNeedsTheLogIn(t *testing.T) {
	rp := startWithJane(t, Config{})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	follow := func(address string) *url.URL {
		response, err := client.Get(address) //nolint:noctx // the test has a limit
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		to, err := response.Location()
		if err != nil {
			t.Fatal(err)
		}
		return to
	}
	login := follow(rp.oauth2.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	back := follow(rp.Issuer() + "/authorize/callback?id=" + login.Query().Get("id"))
	if got := back.Query().Get("error"); got != "interaction_required" || back.Query().Has("code") {
		t.Errorf("the callback is '%s'", back)
	}
}

// TestAccessTokenIsGoodUntilItIsRevoked asks the provider who has it, and whether it is
// good.
func TestAccessTokenIsGoodUntilItIsRevoked(t *testing.T) {
	rp := startWithJane(t, Config{})
	rp.AddClient(Client{ID: "other", Secret: "other-secret"})
	token := rp.tokens().AccessToken
	introspect := func(client string) map[string]any {
		t.Helper()
		_, all := rp.post("/oauth/introspect", client, url.Values{"token": {token}})
		return all
	}
	if _, all := rp.post("/userinfo", "", url.Values{"access_token": {token}}); all["sub"] != "7a3f" || all["email"] != "jane@example.org" {
		t.Errorf("userinfo is %v", all)
	}
	if all := introspect("ops"); all["active"] != true || all["sub"] != "7a3f" {
		t.Errorf("the introspection is %v", all)
	}
	if all := introspect("other"); all["active"] != false {
		t.Errorf("the introspection by another client is %v", all)
	}
	if status, _ := rp.post("/revoke", "ops", url.Values{"token": {token}}); status != http.StatusOK {
		t.Errorf("revoking is %d", status)
	}
	if status, _ := rp.post("/userinfo", "", url.Values{"access_token": {token}}); status != http.StatusForbidden {
		t.Errorf("userinfo after that is %d", status)
	}
	if all := introspect("ops"); all["active"] != false {
		t.Errorf("the introspection after that is %v", all)
	}
}
