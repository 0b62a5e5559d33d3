//go:build unix

package caddyauth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/chromium"
	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
)

const (
	// loginSite is another site than the provider's, which is on 127.0.0.1: that is how
	// browsers look at cookies and at who has sent them.
	loginSite     = "https://ops.example"
	loginCallback = loginSite + "/login?provider=keycloak"
	loginStart    = "/api/v1/auth/login?provider=keycloak"
)

// TestABrowserLogsInByAProvider does what a user does, with two tabs at once.
func TestABrowserLogsInByAProvider(t *testing.T) {
	op, server, address := serveLoginPage(t, ownLoginPage(t))
	browser := chromium.Start(t, "ops.example "+address)
	begin := func() loginTab {
		tab := loginTab{browser.Open(t, loginSite+loginStart)}
		tab.Until(t, `document.title === "Log in"`)
		return tab
	}

	first, second := begin(), begin()
	first.logIn(t, "mistyped")
	first.Until(t, `document.querySelector("[role=alert]").textContent === "User and password do not match."`)
	second.Follow(t, "[value=deny]")
	second.shows(t, notCompleted, "nobody")

	third := begin()
	third.logIn(t, "jane-pw")
	third.shows(t, "keycloak, to be refreshed", "jane")
	first.logIn(t, "jane-pw")
	first.shows(t, "keycloak, to be refreshed", "jane")
	first.Load(t, "Page.reload", chromium.Object{})
	first.shows(t, notCompleted, "jane")

	// The log-in of somebody else, who would like to have us in his account.
	theirs := server.Get(t, loginStart).Header.Get("Location")
	back, err := op.LogIn(theirs, "mallory", "mallory-pw")
	if err != nil {
		t.Fatal(err)
	}
	lured := loginTab{browser.Open(t, back.String())}
	lured.shows(t, notCompleted, "jane")
	lured.expectCookies(t, "XSRF-TOKEN", "__Host-sallyport")
	for _, tab := range []loginTab{first, second, third, lured} {
		tab.Unbroken(t)
	}
}

// TestTheDocumentedPageLogsIn opens a page without a credential, in the site of the
// first Caddyfile of docs/providers.md.
func TestTheDocumentedPageLogsIn(t *testing.T) {
	_, server, address := serveLoginPage(t, documentedSite(t))
	browser := chromium.Start(t, "ops.example "+address)
	begin := func() loginTab {
		tab := loginTab{browser.Open(t, loginSite+"/reports")}
		tab.Until(t, `document.title === "Log in" && document.querySelector("[name=user]") !== null`)
		return tab
	}
	given := begin()
	given.Follow(t, "[value=deny]")
	given.Until(t, `document.body?.innerText.includes("not logged in")`)
	given.expectCookies(t)

	tab := begin()
	tab.logIn(t, "jane-pw")
	tab.Until(t, `document.body?.innerText === "hello jane"`)
	tab.expectCookies(t, "XSRF-TOKEN", "__Host-sallyport")
	if r := server.Get(t, "/reports"); r.StatusCode != 401 || r.Header.Get("Location") != "" {
		t.Errorf("a program without a credential: %d, to '%s'", r.StatusCode, r.Header.Get("Location"))
	}
	for _, tab := range []loginTab{given, tab} {
		tab.Unbroken(t)
	}
}

// documentedSite is the inside of the first site of docs/providers.md, from the endpoint
// on, with an application that says who has come.
func documentedSite(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, site, found := strings.Cut(string(text), "\tauth_api /api\n")
	site, _, closed := strings.Cut(site, "\n}\n```\n")
	if !found || !closed {
		t.Fatal("docs/providers.md has no site with an auth_api")
	}
	return "\tauth_api /api\n" + strings.ReplaceAll(site, "reverse_proxy 127.0.0.1:9000", `respond "hello {http.request.header.X-User}"`)
}

// ownLoginPage is the inside of a site with the page in testdata/provider.
func ownLoginPage(t *testing.T) string {
	t.Helper()
	page, err := filepath.Abs("testdata/provider")
	if err != nil {
		t.Fatal(err)
	}
	return `	auth_api /api
	root * ` + page + `
	try_files {path}.html
	file_server`
}

// serveLoginPage serves a site with a page that logs in by a provider, over TLS.
// Requests of the server's client go to its address.
func serveLoginPage(t *testing.T, site string) (op *oidcprovider.Provider, server *caddyrun.Server, address string) {
	t.Helper()
	op = oidcprovider.Start(t, oidcprovider.Config{})
	op.AddUser(oidcprovider.User{Subject: "7a3f", Name: "jane", Password: "jane-pw"})
	op.AddUser(oidcprovider.User{Subject: "666", Name: "mallory", Password: "mallory-pw"})
	op.AddClient(oidcprovider.Client{ID: "sallyport", Secret: "client secret", RedirectURIs: []string{loginCallback}})
	t.Setenv("CLIENT_SECRET", "client secret")
	certificate, key := caddyrun.Certificate(t, "ops.example")
	files := t.TempDir()
	for name, text := range map[string]string{"certificate": certificate, "key": key} {
		if err := os.WriteFile(filepath.Join(files, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server = caddyrun.Start(t, `{
	auto_https disable_redirects
	caddyauth {
		store sqlite {$DIR}/auth.db
		provider keycloak {
			issuer `+op.Issuer()+`
			client_id sallyport
			client_secret {env.CLIENT_SECRET}
			redirect_uri `+loginCallback+`
			scopes openid profile offline_access
			auto_create user
		}
	}
}
https://ops.example:0 {
	bind 127.0.0.1
	tls `+filepath.Join(files, "certificate")+" "+filepath.Join(files, "key")+`
`+site+`
}`)
	address = caddyrun.ListenAddress(t)
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(certificate))
	server.URL, server.Client.Transport = loginSite, &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	return op, server, address
}

// loginTab is a tab in which somebody logs in at the provider and comes back.
type loginTab struct{ *chromium.Tab }

// logIn has the provider say what it thinks of jane with a password.
func (p loginTab) logIn(t *testing.T, password string) {
	t.Helper()
	p.Write(t, "[name=user]", "jane")
	p.Write(t, "[name=password]", password)
	p.Follow(t, "[value=login]")
}

// shows waits for what the page in testdata/provider says of the log-in, and then of the user.
func (p loginTab) shows(t *testing.T, login, user string) {
	t.Helper()
	for id, text := range map[string]string{"login": login, "user": user} {
		p.Until(t, `document.getElementById("`+id+`").textContent === `+chromium.Quote(text))
	}
}

func (p loginTab) expectCookies(t *testing.T, want ...string) {
	t.Helper()
	var jar struct{ Cookies []struct{ Name string } }
	p.Do(t, "Network.getCookies", chromium.Object{"urls": []string{loginSite}}, &jar)
	var names []string
	for _, c := range jar.Cookies {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("the browser's cookies (-want +got):\n%s", diff)
	}
}
