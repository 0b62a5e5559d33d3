package provider

import (
	"net/http"
	"strings"
	"testing"
)

func TestWhatAProviderSaysOfItself(t *testing.T) {
	s := newScripted(t)
	s.announces("authorization_response_iss_parameter_supported", true)
	s.announces("code_challenge_methods_supported", []string{"plain", "S256"})
	s.announces("token_endpoint_auth_methods_supported", []string{"client_secret_post"})
	c := s.connect(t, Options{})
	if _, ok := c.Metadata(); ok {
		t.Error("it is known before it was asked")
	}
	c.Start()
	if err := c.Keys().Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	m, ok := c.Metadata()
	if !ok || m.TokenURL != s.URL+tokenPath || m.AuthorizationURL != s.URL+"/authorize" || m.JWKSURL != s.URL+keysPath ||
		!m.NamesIssuer || len(m.ChallengeMethods) != 2 || len(m.TokenAuthMethods) != 1 {
		t.Errorf("%+v, %v", m, ok)
	}
}

func TestDiscoveryThatIsNotTaken(t *testing.T) {
	const elsewhere = "https://id.example.org"
	for name, c := range map[string]struct {
		member  string
		value   any
		problem string
	}{
		"another issuer":                  {"issuer", elsewhere, "is of the issuer 'https://id.example.org', not of"},
		"no issuer":                       {"issuer", "", "is of the issuer '', not of"},
		"no keys":                         {"jwks_uri", "", "names no keys"},
		"keys over plain HTTP":            {"jwks_uri", "http://10.0.0.1/keys?secret", "jwks_uri: 'http://10.0.0.1/keys' is not https"},
		"keys in a file":                  {"jwks_uri", "file:///etc/passwd", "jwks_uri: that is no absolute URL"},
		"an endpoint over plain HTTP":     {"token_endpoint", "http://10.0.0.1/", "token_endpoint: 'http://10.0.0.1/' is not https"},
		"an endpoint with a user":         {"authorization_endpoint", "https://a:b@c/", "authorization_endpoint: the URL for 'c' has a user"},
		"an endpoint that is no URL":      {"authorization_endpoint", "javascript:alert(1)", "authorization_endpoint: that is no absolute URL"},
		"an endpoint that is no text":     {"token_endpoint", 1, "is no discovery document"},
		"an announcement that is no list": {"code_challenge_methods_supported", 1, "is no discovery document"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			s.announces(c.member, c.value)
			_, err := (Source{Issuer: s.URL}).discover(t.Context(), s.connect(t, Options{}).wire)
			wantText(t, err, c.problem)
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("'%v' has a secret", err)
			}
		})
	}
}

func TestAnIssuerIsComparedToTheLetter(t *testing.T) {
	s := newScripted(t)
	s.announces("issuer", s.URL+"/")
	_, err := (Source{Issuer: s.URL}).discover(t.Context(), s.connect(t, Options{}).wire)
	wantText(t, err, "they must be equal to the letter")
}

// A provider elsewhere must not send the server to its own machine.
func TestAStrangerNamesNothingOnThisMachine(t *testing.T) {
	away, here := Source{Issuer: "https://id.example.org"}, Source{Issuer: "http://localhost:8080"}
	for _, address := range []string{"https://127.0.0.1/keys", "https://localhost/keys", "https://[::1]/keys", "https://[::ffff:127.0.0.1]/keys"} {
		wantText(t, away.checkEndpoint(address), "is on this machine, and the issuer is not")
		if err := here.checkEndpoint(address); err != nil {
			t.Error(err)
		}
	}
	wantText(t, away.checkEndpoint("http://localhost/keys"), "is on this machine")
	wantText(t, here.checkEndpoint("http://id.example.org/keys"), "is not https")
}

func TestTheDocumentMayBeElsewhere(t *testing.T) {
	s := newScripted(t)
	s.at("/elsewhere", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "p=policy" {
			http.NotFound(w, r)
			return
		}
		says(http.StatusOK, map[string]any{"issuer": s.URL + "/issuer", "jwks_uri": s.URL + keysPath})(w, r)
	})
	source := Source{Issuer: s.URL + "/issuer", DiscoveryURL: s.URL + "/elsewhere?p=policy"}
	if _, err := source.discover(t.Context(), s.connect(t, Options{}).wire); err != nil {
		t.Error(err)
	}
}

func TestDiscoveryThatIsNone(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		problem string
	}{
		"a page":          {saysText(http.StatusOK, "text/html", "<p>secret</p>"), "is no discovery document"},
		"an error":        {saysText(http.StatusInternalServerError, "text/plain", "secret"), "answers with status 500"},
		"a huge document": {saysText(http.StatusOK, "application/json", strings.Repeat(" ", maxAnswer+1)), "is longer than 64 KiB"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/other?secret", http.StatusMovedPermanently)
		}, "which is not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			s.at(discoveryPath, c.handler)
			_, err := (Source{Issuer: s.URL}).discover(t.Context(), s.connect(t, Options{}).wire)
			wantText(t, err, c.problem)
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("'%v' has a secret", err)
			}
		})
	}
}
