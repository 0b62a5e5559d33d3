package caddyauth_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/fake/oidcprovider"
)

// bindingCookie begins the name of the cookie that binds a log-in to its browser.
const bindingCookie = "__Host-sallyport-login"

// notCompleted is what howler's clients are told of a log-in that comes to nothing.
const notCompleted = "The log-in at the provider was not completed. Please try again."

func TestLogInSendsTheBrowserToTheProvider(t *testing.T) {
	f := startFederated(t)
	for name, ask := range map[string]func() caddyrun.Response{
		"by a link":               func() caddyrun.Response { return f.Get(t, loginPath+"?provider=keycloak") },
		"by howler's other name":  func() caddyrun.Response { return f.Get(t, loginPath+"?oauth_provider=keycloak") },
		"by JSON":                 func() caddyrun.Response { return postJSON(t, f.Server, loginPath, `{"provider":"keycloak"}`) },
		"by JSON, the other name": func() caddyrun.Response { return postJSON(t, f.Server, loginPath, `{"oauth_provider":"keycloak"}`) },
		"by a form": func() caddyrun.Response {
			return f.Do(t, "POST", loginPath, []byte("provider=keycloak"), "Content-Type", "application/x-www-form-urlencoded")
		},
		// Links to log in are followed from anywhere.
		"from another site": func() caddyrun.Response {
			return f.Get(t, loginPath+"?provider=keycloak", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate")
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := ask()
			if r.StatusCode != http.StatusFound || r.Text != "" || r.Header.Get("Cache-Control") != "no-store" {
				t.Fatalf("%d %s %v", r.StatusCode, r.Text, r.Header)
			}
			to, err := url.Parse(r.Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			expectAuthorization(t, f.op, to)
			c := r.Cookies()
			if len(c) != 1 || !strings.HasPrefix(c[0].Name, bindingCookie) || !c[0].HttpOnly || !c[0].Secure || c[0].SameSite != http.SameSiteLaxMode || c[0].Path != "/" || c[0].MaxAge != 600 {
				t.Errorf("the cookie is %v", c)
			}
			if len(c[0].Value) != 43 {
				t.Errorf("the cookie has %d characters", len(c[0].Value))
			}
		})
	}
}

// expectAuthorization checks an authorization request (OpenID Connect Core 1.0 section
// 3.1.2.1, RFC 7636 section 4.3).
func expectAuthorization(t *testing.T, op *oidcprovider.Provider, to *url.URL) {
	t.Helper()
	if got := to.Scheme + "://" + to.Host + to.Path; got != op.Issuer()+"/authorize" {
		t.Errorf("the browser is sent to %s", got)
	}
	query := to.Query()
	for name, want := range map[string]string{
		"client_id": "sallyport", "response_type": "code", "redirect_uri": callback, "code_challenge_method": "S256",
		"scope": "openid profile email offline_access",
	} {
		if got := query.Get(name); got != want {
			t.Errorf("%s is '%s', want '%s'", name, got, want)
		}
		query.Del(name)
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if got := query.Get(name); len(got) != 43 {
			t.Errorf("%s is '%s'", name, got)
		}
		query.Del(name)
	}
	if len(query) > 0 {
		t.Errorf("there is %v besides", query)
	}
}

func TestUserLogsInAtTheProvider(t *testing.T) {
	f := startFederated(t, forJane, "role ops-admin admin", "groups_claim groups", "claims department")
	got, r := f.logInAtProvider()
	if got.Provider != "keycloak" || got.RefreshToken == nil || *got.RefreshToken == "" || !slices.Equal(got.Privileges, []string{"R", "W", "E"}) {
		t.Errorf("the answer is %s", r.Text)
	}
	f.expectCaller(got.AppToken, "jane|admin,user|netops,staff|read,write,extended|jwt|north")
	cookies := map[string]*http.Cookie{}
	for _, c := range r.Cookies() {
		name := c.Name
		if strings.HasPrefix(name, bindingCookie) {
			name = bindingCookie
		}
		cookies[name] = c
	}
	if binding := cookies[bindingCookie]; binding == nil || binding.Value != "" || binding.MaxAge >= 0 {
		t.Errorf("the binding is not taken away: %v", binding)
	}
	session := cookies["__Host-sallyport"]
	if session == nil || !session.HttpOnly || !session.Secure {
		t.Fatalf("there is no session: %v", r.Cookies())
	}
	page := f.Get(t, "/", cookie(session.Value)...)
	expect(t, page, 200, "")
	if want := "jane|admin,user|netops,staff|read,write,extended|session|"; page.Text != want {
		t.Errorf("got  '%s'\nwant '%s'", page.Text, want)
	}
	configs := payload[struct {
		Configuration struct {
			Auth struct {
				Providers []string `json:"oauth_providers"`
			} `json:"auth"`
		} `json:"configuration"`
	}](t, f.Get(t, "/api/v1/configs"))
	if got := configs.Configuration.Auth.Providers; !slices.Equal(got, []string{"keycloak"}) {
		t.Errorf("the providers are %v: %s", got, f.Get(t, "/api/v1/configs").Text)
	}
}

// TestSessionOfALogInFollowsItsUser: what the provider says of a user is good until the
// session ends, what is said here at once.
func TestSessionOfALogInEndsWithItsUser(t *testing.T) {
	f := startFederated(t, forJane)
	_, r := f.logInAtProvider()
	word := sessionOf(t, r)
	expect(t, f.Get(t, "/", cookie(word)...), 200, "")
	if _, err := f.DisableUser(t.Context(), "test", "jane"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	expect(t, f.Get(t, "/", cookie(word)...), 401, "invalid_token")
	to := f.begin("keycloak")
	expectFailure(t, f.finish(to, f.comeBack(to)), 403, "user_not_allowed", "This user is not allowed access to the system")
}

// sessionOf is the word of the session that an answer has begun.
func sessionOf(t testing.TB, r caddyrun.Response) string {
	t.Helper()
	for _, c := range r.Cookies() {
		if c.Name == "__Host-sallyport" && c.Value != "" {
			return c.Value
		}
	}
	t.Fatalf("there is no session: %d %s %v", r.StatusCode, r.Text, r.Header)
	return ""
}

func TestLogInTakesAnswersByBodyAsWell(t *testing.T) {
	f := startFederated(t, forJane)
	for name, send := range map[string]func(flow, url.Values) caddyrun.Response{
		"a form": func(to flow, query url.Values) caddyrun.Response {
			return f.Do(t, "POST", loginPath, []byte(query.Encode()), "Cookie", to.cookie, "Content-Type", "application/x-www-form-urlencoded")
		},
		"JSON": func(to flow, query url.Values) caddyrun.Response {
			fields := map[string]string{}
			for field := range maps.Keys(query) {
				fields[field] = query.Get(field)
			}
			body, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			return postJSON(t, f.Server, loginPath, string(body), "Cookie", to.cookie)
		},
	} {
		t.Run(name, func(t *testing.T) {
			to := f.begin("keycloak")
			expectStatus(t, send(to, f.comeBack(to)), 200, "")
		})
	}
}

func TestWithoutOfflineAccessThereIsNoRefreshToken(t *testing.T) {
	op := newProvider(t, oidcprovider.Config{})
	file := strings.Replace(providerSite(keycloak(op, forJane)), " offline_access", "", 1)
	got, r := startFederatedWith(t, op, file).logInAtProvider()
	if got.RefreshToken != nil || !strings.Contains(r.Text, `"refresh_token":null`) {
		t.Errorf("the answer is %s", r.Text)
	}
}

// TestReturnIsHeldAgainstItsBeginning: nobody can be made to log in as somebody else,
// and no answer is good twice, or for another provider.
func TestReturnIsHeldAgainstItsBeginning(t *testing.T) {
	op, other := newProvider(t, oidcprovider.Config{}), newProvider(t, oidcprovider.Config{})
	second := strings.NewReplacer("provider keycloak", "provider other", callback, callback+"2").Replace(keycloak(other, forJane))
	f := startFederatedWith(t, op, providerSite(keycloak(op, forJane)+"\n"+second))
	good := func() (flow, url.Values) {
		to := f.begin("keycloak")
		return to, f.comeBack(to)
	}
	used, usedAnswer := good()
	expectStatus(t, f.finish(used, usedAnswer), 200, "")
	before := f.asked(t, "code")
	for name, test := range map[string]func() (flow, url.Values){
		"a second time":    func() (flow, url.Values) { return used, usedAnswer },
		"an unknown state": func() (flow, url.Values) { to, q := good(); q.Set("state", strings.Repeat("A", 43)); return to, q },
		"a shorter state":  func() (flow, url.Values) { to, q := good(); q.Set("state", q.Get("state")[1:]); return to, q },
		"no state":         func() (flow, url.Values) { to, q := good(); q.Del("state"); return to, q },
		"no code":          func() (flow, url.Values) { to, q := good(); q.Del("code"); return to, q },
		"no cookie":        func() (flow, url.Values) { to, q := good(); to.cookie = "a=b"; return to, q },
		"a forged cookie": func() (flow, url.Values) {
			to, q := good()
			to.cookie = to.cookie[:len(to.cookie)-1] + "_"
			return to, q
		},
		"another's cookie": func() (flow, url.Values) {
			to, q := good()
			name, _, _ := strings.Cut(to.cookie, "=")
			_, value, _ := strings.Cut(f.begin("keycloak").cookie, "=")
			to.cookie = name + "=" + value
			return to, q
		},
		"two cookies":       func() (flow, url.Values) { to, q := good(); to.cookie += "; " + to.cookie; return to, q },
		"another provider":  func() (flow, url.Values) { to, q := good(); q.Set("provider", "other"); return to, q },
		"another issuer":    func() (flow, url.Values) { to, q := good(); q.Set("iss", "https://elsewhere.example"); return to, q },
		"a long code":       func() (flow, url.Values) { to, q := good(); q.Set("code", strings.Repeat("a", 4<<10+1)); return to, q },
		"a code and breaks": func() (flow, url.Values) { to, q := good(); q.Set("code", "a\r\nb"); return to, q },
	} {
		t.Run(name, func(t *testing.T) {
			to, query := test()
			r := f.finish(to, query)
			expectFailure(t, r, 401, "invalid_login", notCompleted)
			if got := notedOf(t, r).Cause; got != "log_in_not_begun" {
				t.Errorf("the cause is '%s'", got)
			}
		})
	}
	if got := f.asked(t, "code"); got != before {
		t.Errorf("the provider was asked for tokens %d times", got-before)
	}
}

// TestCodeOfAnotherLogInIsRefused: a code that an attacker has got for himself does not
// fit what his victim's browser has begun.
func TestCodeOfAnotherLogInIsRefused(t *testing.T) {
	f := startFederated(t, forJane)
	mine, yours := f.begin("keycloak"), f.begin("keycloak")
	query, stolen := f.comeBack(mine), f.comeBack(yours)
	query.Set("code", stolen.Get("code"))
	r := f.finish(mine, query)
	expectFailure(t, r, 401, "invalid_login", notCompleted)
	if got := notedOf(t, r).Cause; got != "provider_refused" {
		t.Errorf("the cause is '%s'", got)
	}
	guess := f.begin("keycloak")
	query = f.comeBack(guess)
	query.Set("code", "guess")
	expectFailure(t, f.finish(guess, query), 401, "invalid_login", notCompleted)
}

func TestUserWhoDeniesIsNotLoggedIn(t *testing.T) {
	f := startFederated(t, forJane)
	to := f.begin("keycloak")
	back, err := f.op.Deny(to.url)
	if err != nil {
		t.Fatal(err)
	}
	query := back.Query()
	r := f.finish(to, query)
	expectFailure(t, r, 401, "invalid_login", notCompleted)
	noted := notedOf(t, r)
	if noted.Cause != "provider_refused" || !strings.Contains(noted.Reason, "access_denied") || strings.Contains(noted.Reason, query.Get("state")) {
		t.Errorf("it is noted as %+v", noted)
	}
	expectFailure(t, f.finish(to, query), 401, "invalid_login", notCompleted)
}

func TestLogInByAProviderThatIsNotThere(t *testing.T) {
	f := startFederated(t)
	expectFailure(t, f.Get(t, loginPath+"?provider=nobody"), 400, "invalid_request", "Unknown OAuth provider.")
	f.Reload(t, providerSite(tokensOnly("robots", f.op)))
	expectFailure(t, f.Get(t, loginPath+"?provider=robots"), 400, "method_disabled", "OAuth is disabled.")
	f.Reload(t, providerSite(keycloak(f.op)+"\n"+tokensOnly("robots", newProvider(t, oidcprovider.Config{}))))
	expectFailure(t, f.Get(t, loginPath+"?provider=robots"), 400, "invalid_request", "Unknown OAuth provider.")
}

// TestLogInsUnderWayAreBounded: one that has begun costs memory until it is over, and
// whoever begins too many pushes out his own.
func TestLogInsUnderWayAreBounded(t *testing.T) {
	f := startFederated(t, forJane)
	first := f.begin("keycloak")
	for range 1000 {
		f.begin("keycloak")
	}
	expectFailure(t, f.finish(first, f.comeBack(first)), 401, "invalid_login", notCompleted)
	last := f.begin("keycloak")
	expectStatus(t, f.finish(last, f.comeBack(last)), 200, "")
}
