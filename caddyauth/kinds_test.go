package caddyauth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
	"github.com/sallyport/sallyport/internal/store"
)

// kinds are the kinds of credentials, in the order of the manual.
var kinds = []string{"api_key", "app_token", "bare_token", "password", "session"}

// credentials are the headers that present each kind of alice's credentials.
func credentials(key string, t tokens) map[string][]string {
	return map[string][]string{
		"api_key": bearer(key), "app_token": bearer(t.app), "bare_token": bare(t.bare),
		"password": basic("alice:" + passphrase), "session": cookie(t.web),
	}
}

// issueNow is issue without waiting, for a store that no server has open.
func (a *admin) issueNow(name string, with ...func(*identity.NewKey)) string {
	a.t.Helper()
	n := identity.NewKey{Username: "alice", Name: name, Scopes: principal.Read}
	for _, f := range with {
		f(&n)
	}
	_, word, err := a.IssueKey(a.t.Context(), "test", n)
	if err != nil {
		a.t.Fatal(err)
	}
	return word.Reveal()
}

func TestEachKindIsAcceptedWhereItIsListedAndNowhereElse(t *testing.T) {
	var directives strings.Builder
	for _, kind := range kinds {
		directives.WriteString("route /" + kind + " {\ntoken_auth {\naccept " + kind + "\n}\nrespond \"{http.auth.user.id} {http.auth.user.method}\"\n}\n")
	}
	directives.WriteString("route /two {\ntoken_auth {\naccept session api_key\n}\nrespond \"in\"\n}\n")
	directives.WriteString("route {\ntoken_auth\nrespond \"{http.auth.user.id} {http.auth.user.method}\"\n}\n")
	var sent map[string][]string
	s := startPrepared(t, site(directives.String()), func(a *admin) {
		a.withPassword()
		sent = credentials(a.issueNow("ci"), a.logIn(day))
	})
	for _, kind := range kinds {
		if r := s.Get(t, "/", sent[kind]...); r.Text != "alice "+kind {
			t.Errorf("%s where all are accepted: %d %s", kind, r.StatusCode, r.Text)
		}
		for _, listed := range kinds {
			r := s.Get(t, "/"+listed, sent[kind]...)
			switch {
			case listed != kind:
				expect(t, r, 401, "invalid_token")
			case r.Text != "alice "+kind:
				t.Errorf("%s where it is listed: %d %s", kind, r.StatusCode, r.Text)
			}
		}
		status := 401
		if kind == "session" || kind == "api_key" {
			status = 200
		}
		if r := s.Get(t, "/two", sent[kind]...); r.StatusCode != status {
			t.Errorf("%s where two others are listed: %d", kind, r.StatusCode)
		}
	}
}

func TestTheFormSaysWhichKindACredentialIs(t *testing.T) {
	var key string
	var alice tokens
	s := startPrepared(t, site("token_auth\nrespond \"{http.auth.user.method}\""), func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
	})
	user, digits, _ := strings.Cut(alice.app, ":")
	for name, test := range map[string]struct {
		headers []string
		status  int
	}{
		"an app token as Bearer":                {bearer(alice.app), 200},
		"an app token as X-Api-Key":             {[]string{"X-Api-Key", alice.app}, 401},
		"an app token as Basic":                 {basic(alice.app), 401},
		"an app token without a scheme":         {bare(alice.app), 400},
		"an app token as cookie":                {cookie(alice.app), 401},
		"an app token under another name":       {bearer("bob:" + digits), 401},
		"an app token in another case":          {bearer(strings.ToUpper(user) + ":" + digits), 401},
		"an app token that is cut off":          {bearer(alice.app[:len(alice.app)-1]), 401},
		"an app token with a forged digit":      {bearer(flip(alice.app)), 401},
		"an app token with nothing before it":   {bearer(":" + digits), 401},
		"a bare token without a scheme":         {bare(alice.bare), 200},
		"a bare token as Bearer":                {bearer(alice.bare), 200},
		"a bare token as bearer, in small":      {bare("bearer " + alice.bare), 200},
		"a bare token after two blanks":         {bare("Bearer  " + alice.bare), 200},
		"a bare token as Bearer, cut off":       {bearer(alice.bare[1:]), 401},
		"a bare token as Bearer, forged":        {bearer(flip(alice.bare)), 401},
		"a bare token as Bearer, in upper case": {bearer(strings.ToUpper("abcdef" + alice.bare[6:])), 401},
		"a bare token behind its user":          {bearer("alice:" + alice.bare), 401},
		"a bare token as Basic":                 {basic("alice:" + alice.bare), 401},
		"a bare token behind another scheme":    {bare("Token " + alice.bare), 401},
		"a bare token as X-Api-Key":             {[]string{"X-Api-Key", alice.bare}, 401},
		"a bare token as cookie":                {cookie(alice.bare), 401},
		"a bare token with a forged digit":      {bare(flip(alice.bare)), 401},
		"a bare token in upper case":            {bare(strings.ToUpper("abcdef" + alice.bare[6:])), 400},
		"a session as cookie":                   {cookie(alice.web), 200},
		"a session as Bearer":                   {bearer(alice.web), 401},
		"a session without a scheme":            {bare(alice.web), 400},
		"a session in another cookie":           {[]string{"Cookie", "session=" + alice.web}, 401},
		"a session in a cookie of another case": {[]string{"Cookie", "__host-sallyport=" + alice.web}, 401},
		"a session with a forged letter":        {cookie(flip(alice.web)), 401},
		"a key as cookie":                       {cookie(key), 401},
		"a key without a scheme":                {bare(key), 400},
	} {
		t.Run(name, func(t *testing.T) {
			if r := s.Get(t, "/", test.headers...); r.StatusCode != test.status {
				t.Errorf("%d %s, want %d", r.StatusCode, r.Text, test.status)
			}
		})
	}
}

// Some clients send a blank too many, which net/http takes away.
func TestABareTokenMayHaveBlanksAroundIt(t *testing.T) {
	var alice tokens
	s := startPrepared(t, site("token_auth\nrespond in"), func(a *admin) {
		a.withPassword()
		alice = a.logIn(day)
	})
	for _, value := range []string{"  " + alice.bare, " " + alice.bare + " ", " Bearer " + alice.bare + " "} {
		request := "GET / HTTP/1.1\nHost: localhost\nConnection: close\nAuthorization:" + value + "\n\n"
		if answer := raw(t, s, request); !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
			t.Errorf("'%s': %s", strings.ReplaceAll(value, alice.bare, "<token>"), answer)
		}
	}
}

func TestABareTokenAsBearerIsOneToTheListOfKinds(t *testing.T) {
	var alice tokens
	s := startPrepared(t, site(`
	route /listed {
		token_auth {
			accept bare_token
		}
		respond in
	}
	route /others {
		token_auth {
			accept api_key app_token
		}
		respond in
	}
	auth_api /api`), func(a *admin) {
		a.withPassword()
		alice = a.logIn(day)
	})
	expect(t, s.Get(t, "/listed", bearer(alice.bare)...), 200, "")
	expect(t, s.Get(t, "/others", bearer(alice.bare)...), 401, "invalid_token")
	if r := s.Get(t, "/api/v1/user/whoami", bearer(alice.bare)...); r.StatusCode != 401 {
		t.Errorf("an endpoint without bare tokens: %d %s", r.StatusCode, r.Text)
	}
}

// flip changes the last character for another digit.
func flip(word string) string {
	last := word[len(word)-1]
	if last == '0' {
		return word[:len(word)-1] + "1"
	}
	return word[:len(word)-1] + "0"
}

func TestTokensEndByTimeByIdlenessAndWithTheirSession(t *testing.T) {
	s, a := start(t, `
	token_auth
	respond "in"`)
	a.withPassword()
	short := a.logIn(principal.Lifetime{Absolute: 3 * time.Second})
	idle := a.logIn(principal.Lifetime{Idle: 3 * time.Second})
	used := a.logIn(principal.Lifetime{Idle: 3 * time.Second})
	long, ended := a.logIn(day), a.logIn(day)
	began := time.Now()
	if err := a.EndSession(t.Context(), "test", "alice", ended.id); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	presented := func(of tokens) [][]string { return [][]string{bearer(of.app), bare(of.bare), cookie(of.web)} }
	for _, of := range []tokens{short, used, long} {
		for _, headers := range presented(of) {
			expect(t, s.Get(t, "/", headers...), 200, "")
		}
	}
	for time.Since(began) < 4500*time.Millisecond {
		for _, headers := range presented(used) {
			expect(t, s.Get(t, "/", headers...), 200, "")
		}
		time.Sleep(200 * time.Millisecond)
	}
	for name, test := range map[string]struct {
		of     tokens
		status int
	}{
		"one that has expired":        {short, 401},
		"one that lay idle":           {idle, 401},
		"one that was in use":         {used, 200},
		"one that has time left":      {long, 200},
		"one whose session has ended": {ended, 401},
	} {
		for _, headers := range presented(test.of) {
			if r := s.Get(t, "/", headers...); r.StatusCode != test.status {
				t.Errorf("%s: %d %s for %s", name, r.StatusCode, r.Text, headers[0])
			}
		}
	}
}

func TestWhatEndsTheSessionsOfAUser(t *testing.T) {
	for name, end := range map[string]func(a *admin) error{
		"a new password": func(a *admin) error {
			_, err := a.SetPassword(t.Context(), "test", "alice", "another "+passphrase)
			return err
		},
		"disabling the user": func(a *admin) error {
			_, err := a.DisableUser(t.Context(), "test", "alice")
			return err
		},
		"deleting the user": func(a *admin) error { return a.DeleteUser(t.Context(), "test", "alice") },
		"ending them all": func(a *admin) error {
			_, err := a.EndSessions(t.Context(), "test", "alice")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var alice tokens
			s := startPrepared(t, site("token_auth\nrespond \"in\""), func(a *admin) {
				a.withPassword()
				alice = a.logIn(day)
			})
			expect(t, s.Get(t, "/", cookie(alice.web)...), 200, "")
			inStore(t, s.Dir, func(a *admin) {
				a.t = t
				if err := end(a); err != nil {
					t.Fatal(err)
				}
			})
			time.Sleep(propagation)
			expect(t, s.Get(t, "/", cookie(alice.web)...), 401, "invalid_token")
			expect(t, s.Get(t, "/", bearer(alice.app)...), 401, "invalid_token")
			expect(t, s.Get(t, "/", bare(alice.bare)...), 401, "invalid_token")
		})
	}
}

func TestASessionFromAKeyIsBoundAsTheKeyIsAndEndsWithIt(t *testing.T) {
	s, a := start(t, `
	route /reports {
		token_auth
		respond "{http.auth.user.scopes}"
	}
	route {
		token_auth
		respond "elsewhere"
	}`)
	k, _, err := a.IssueKey(t.Context(), "test", identity.NewKey{Username: "alice", Name: "ci", Scopes: principal.Read, Limits: store.Limits{Subject: []string{"/reports"}}})
	if err != nil {
		t.Fatal(err)
	}
	id, err := credential.ParseKeyID(k.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, words, err := a.LogInByKey(t.Context(), identity.Caller{ID: id, Scopes: k.Scopes},
		identity.NewSession{Tokens: []identity.NewToken{{Kind: credential.SessionToken, Lifetime: day}}})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	session := cookie(words[0].Reveal())
	if r := s.Get(t, "/reports", session...); r.StatusCode != 200 || r.Text != "read" {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
	expect(t, s.Get(t, "/", session...), 401, "invalid_token")
	if _, err := a.RevokeKey(t.Context(), "test", store.KeyRef{ID: k.ID}, ""); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	expect(t, s.Get(t, "/reports", session...), 401, "invalid_token")
}

func TestARequestHasOneCredential(t *testing.T) {
	var key string
	var alice tokens
	s := startPrepared(t, site("token_auth\nrespond \"{http.auth.user.method}\""), func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
	})
	for name, headers := range map[string][]string{
		"Authorization and X-Api-Key":  append(bearer(key), "X-Api-Key", key),
		"two Authorization headers":    append(bearer(alice.app), bare(alice.bare)...),
		"a password and a key":         append(basic("alice:"+passphrase), "X-Api-Key", key),
		"two session cookies, one bad": {"Cookie", "__Host-sallyport=x; __Host-sallyport=" + alice.web},
		"two session cookies, equal":   {"Cookie", "__Host-sallyport=" + alice.web + "; a=b; __Host-sallyport=" + alice.web},
		"session cookies in two lines": append(cookie(alice.web), cookie(alice.web)...),
	} {
		t.Run(name, func(t *testing.T) { expect(t, s.Get(t, "/", headers...), 400, "invalid_request") })
	}
	// A cookie comes with every request of a browser; a header is sent on purpose.
	if r := s.Get(t, "/", append(bearer(key), cookie(alice.web)...)...); r.Text != "api_key" {
		t.Errorf("a key beside a cookie: %d %s", r.StatusCode, r.Text)
	}
}

func TestACookieIsNoFallbackForABadHeader(t *testing.T) {
	var alice tokens
	s := startPrepared(t, site("token_auth {\noptional\n}\nrespond \"in\""), func(a *admin) {
		a.withPassword()
		alice = a.logIn(day)
	})
	for name, test := range map[string]struct {
		headers []string
		status  int
		code    string
	}{
		"a wrong key":       {bearer("x"), 401, "invalid_token"},
		"an unknown scheme": {[]string{"Authorization", "Negotiate x"}, 401, "invalid_token"},
		"a wrong password":  {basic("alice:wrong"), 401, "invalid_token"},
		"an empty header":   {[]string{"Authorization", ""}, 400, "invalid_request"},
		"a malformed one":   {[]string{"X-Api-Key", ""}, 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, s.Get(t, "/", append(test.headers, cookie(alice.web)...)...), test.status, test.code)
		})
	}
	expect(t, s.Get(t, "/", cookie("x")...), 401, "invalid_token")
	expect(t, s.Get(t, "/", "Cookie", "__Host-sallyport="), 200, "")
}

func TestChallengesNameWhatIsAccepted(t *testing.T) {
	const bearerChallenge, basicChallenge = `Bearer realm="restricted"`, `Basic realm="restricted", charset="UTF-8"`
	for accept, want := range map[string][]string{
		"api_key":          {bearerChallenge, basicChallenge},
		"password":         {basicChallenge},
		"app_token":        {bearerChallenge},
		"session":          {bearerChallenge},
		"session password": {basicChallenge},
		"bare_token":       {bearerChallenge},

		"bare_token password": {bearerChallenge, basicChallenge},
	} {
		s, _ := start(t, "token_auth {\naccept "+accept+"\n}\nrespond \"in\"")
		r := s.Get(t, "/")
		expect(t, r, 401, "credential_missing")
		if diff := cmp.Diff(want, r.Header.Values("WWW-Authenticate")); diff != "" {
			t.Errorf("accept %s (-want +got):\n%s", accept, diff)
		}
		// A request with a credential of a kind that is not listed is told the same.
		r = s.Get(t, "/", bearer("x")...)
		if got := r.Header.Values("WWW-Authenticate"); len(got) != len(want) || !slices.Contains(got, want[0]) && !strings.HasPrefix(got[0], want[0]) {
			t.Errorf("accept %s, not accepted: %q", accept, got)
		}
	}
}

// proves is a handler that puts a principal into the request as a gate of
// another module does.
type proves struct {
	Method string `json:"method"`
}

func init() {
	caddy.RegisterModule(proves{})
	httpcaddyfile.RegisterHandlerDirective("test_proves", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		h.Next()
		var p proves
		if !h.AllArgs(&p.Method) {
			return nil, h.ArgErr()
		}
		return &p, nil
	})
}

func (proves) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.test_proves", New: func() caddy.Module { return new(proves) }}
}

func (p *proves) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	caddyhttp.SetVar(r.Context(), principal.Variable, &principal.Principal{
		User: &principal.User{ID: "1", Name: "printer"}, Scopes: principal.AllScopes, Method: p.Method,
	})
	return next.ServeHTTP(w, r)
}

func TestACallerOfAnotherKindOfGateHasToProveHimselfHere(t *testing.T) {
	s := startPrepared(t, site(`
	route /client {
		test_proves client_secret
		token_auth
		respond "in"
	}
	route /client/listed {
		test_proves client_secret
		token_auth {
			accept password
		}
		respond "in"
	}
	route /unheard {
		test_proves telepathy
		token_auth {
			debug
		}
		respond "in"
	}
	route /optional {
		test_proves client_secret
		token_auth {
			optional
		}
		respond "in as '{http.auth.user.id}'"
	}`), func(*admin) {})
	expect(t, s.Get(t, "/client"), 401, "credential_missing")
	expect(t, s.Get(t, "/client/listed"), 401, "credential_missing")
	expect(t, s.Get(t, "/unheard"), 401, "credential_missing")
	if r := s.Get(t, "/optional"); r.StatusCode != 200 || r.Text != "in as ''" {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
}

func TestAnInnerGateMayAcceptOtherKinds(t *testing.T) {
	var key string
	var alice tokens
	s := startPrepared(t, site(`
	route /a* {
		token_auth {
			forward_credential
		}
		route /a/session {
			token_auth {
				accept session
			}
			respond "in"
		}
		route /a/key {
			token_auth {
				accept api_key
			}
			respond "in"
		}
	}
	route /b* {
		token_auth
		route /b/session {
			token_auth {
				accept session
			}
			respond "in"
		}
	}`), func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
	})
	for name, test := range map[string]struct {
		path    string
		headers []string
		status  int
		code    string
	}{
		"a key passes both":                      {"/a/key", bearer(key), 200, ""},
		"a session passes both":                  {"/a/session", cookie(alice.web), 200, ""},
		"a key is not enough for the inner one":  {"/a/session", bearer(key), 401, "invalid_token"},
		"nor is it where the outer took it away": {"/b/session", bearer(key), 401, "credential_missing"},
		"a session passes where it was taken":    {"/b/session", cookie(alice.web), 200, ""},
		"a cookie beside the key is no second":   {"/b/session", append(bearer(key), cookie(alice.web)...), 401, "credential_missing"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, s.Get(t, test.path, test.headers...), test.status, test.code) })
	}
}
