package oidcprovider

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// callback is where the client of these tests has its users sent back to. Nobody listens.
const callback = "https://ops.example.org/login?provider=staff"

// relyingParty is a client of a provider, made of the libraries that clients are made of.
type relyingParty struct {
	*Provider
	t      *testing.T
	oauth2 *oauth2.Config
	verify *oidc.IDTokenVerifier
}

// startWithJane starts a provider with the client ops and the user jane.
func startWithJane(t *testing.T, c Config) *relyingParty {
	t.Helper()
	p := Start(t, c)
	p.AddUser(User{
		Subject: "7a3f", Name: "jane", Password: "jane-pw", DisplayName: "Jane Doe",
		Email: "jane@example.org", EmailVerified: true,
		Groups: []string{"staff", "netops"}, Roles: []string{"operator"},
		Claims: map[string]any{"tenant": "north"},
	})
	p.AddClient(Client{ID: "ops", Secret: "ops-secret", RedirectURIs: []string{callback}, Audience: []string{"ops-api"}, Scopes: []string{"api"}})
	discovered, err := oidc.NewProvider(t.Context(), p.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	endpoint := discovered.Endpoint()
	// Without this the library tries both ways, and presents a code twice.
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	return &relyingParty{
		Provider: p,
		t:        t,
		oauth2: &oauth2.Config{
			ClientID: "ops", ClientSecret: "ops-secret", RedirectURL: callback, Endpoint: endpoint,
			Scopes: []string{"openid", "profile", "email", "offline_access", "api"},
		},
		verify: discovered.Verifier(&oidc.Config{ClientID: "ops"}),
	}
}

// logIn walks jane to the callback, for a verifier of PKCE.
func (rp *relyingParty) logIn(verifier string) (code string) {
	rp.t.Helper()
	back, err := rp.LogIn(rp.oauth2.AuthCodeURL("a state", oauth2.S256ChallengeOption(verifier), oidc.Nonce("a nonce")), "jane", "jane-pw")
	if err != nil {
		rp.t.Fatal(err)
	}
	query := back.Query()
	if got := query.Get("state"); got != "a state" || query.Get("provider") != "staff" || query.Get("error") != "" {
		rp.t.Fatalf("the callback is '%s'", back)
	}
	return query.Get("code")
}

// tokens logs jane in.
func (rp *relyingParty) tokens() *oauth2.Token {
	rp.t.Helper()
	verifier := oauth2.GenerateVerifier()
	token, err := rp.oauth2.Exchange(rp.t.Context(), rp.logIn(verifier), oauth2.VerifierOption(verifier))
	if err != nil {
		rp.t.Fatal(err)
	}
	return token
}

// refresh uses a refresh token.
func (rp *relyingParty) refresh(token string) (*oauth2.Token, error) {
	return rp.oauth2.TokenSource(rp.t.Context(), &oauth2.Token{RefreshToken: token}).Token()
}

// claims checks the signature of an access token and returns its claims.
func (rp *relyingParty) claims(token string) map[string]any {
	rp.t.Helper()
	keys := oidc.NewRemoteKeySet(rp.t.Context(), rp.Issuer()+"/keys")
	payload, err := keys.VerifySignature(context.WithoutCancel(rp.t.Context()), token)
	if err != nil {
		rp.t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(payload, &all); err != nil {
		rp.t.Fatal(err)
	}
	return all
}

// post sends a form as a client, whose secret is its name with -secret behind it, or as
// none. It returns the status and the object, if the answer is one.
func (rp *relyingParty) post(path, client string, form url.Values) (status int, object map[string]any) {
	rp.t.Helper()
	request, err := http.NewRequestWithContext(rp.t.Context(), http.MethodPost, rp.Issuer()+path, strings.NewReader(form.Encode()))
	if err != nil {
		rp.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if client != "" {
		request.SetBasicAuth(client, client+"-secret")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		rp.t.Fatal(err)
	}
	defer response.Body.Close()
	// What is no object is nil.
	_ = json.NewDecoder(response.Body).Decode(&object)
	return response.StatusCode, object
}
