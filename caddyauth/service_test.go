package caddyauth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/caller"
	"github.com/sallyport/sallyport/internal/plugin/grammar"
	"github.com/sallyport/sallyport/internal/principal"
)

// service is an endpoint of another module: it knows the app by the two small
// interfaces only. POST logs in, DELETE out, all else says who is asking.
type service struct {
	Accept   []string          `json:"accept,omitempty"`
	Audience string            `json:"audience,omitempty"`
	Lifetime *grammar.Lifetime `json:"lifetime,omitempty"`
	Insecure bool              `json:"insecure,omitempty"`
	Alone    bool              `json:"alone,omitempty"`

	authenticator principal.Authenticator
	login         principal.Login
}

func init() {
	caddy.RegisterModule(service{})
	httpcaddyfile.RegisterHandlerDirective("test_service", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		s := new(service)
		return s, s.UnmarshalCaddyfile(h.Dispenser)
	})
	httpcaddyfile.RegisterDirectiveOrder("test_service", httpcaddyfile.Before, "respond")
}

func (service) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.test_service", New: func() caddy.Module { return new(service) }}
}

func (s *service) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	return grammar.Block(d, grammar.Options{
		"accept":   func() error { return grammar.Words(d, &s.Accept) },
		"audience": func() error { return grammar.Word(d, &s.Audience) },
		"lifetime": func() error { return grammar.Lifetimes(d, &s.Lifetime) },
		"insecure": func() error { return grammar.Flag(&s.Insecure) },
		"alone":    func() error { return grammar.Flag(&s.Alone) },
	}, nil)
}

func (s *service) Provision(ctx caddy.Context) (err error) {
	if s.authenticator, err = caller.Authenticator(ctx); err != nil && (!s.Alone || !errors.Is(err, caller.ErrNoApp)) {
		return err
	}
	if s.login, err = caller.Login(ctx); s.Alone && errors.Is(err, caller.ErrNoApp) {
		return nil
	}
	return err
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	if r.Method == http.MethodPost {
		return s.logIn(w, r)
	}
	p, refused := caller.Authenticate(r, s.authenticator, &principal.Service{Accept: s.Accept, Audience: s.Audience, InsecurePlainHTTP: s.Insecure})
	if refused != nil {
		return refuse(w, refused)
	}
	if r.Method == http.MethodDelete {
		if refused := s.login.LogOut(r, p); refused != nil {
			return refuse(w, refused)
		}
		_, err := fmt.Fprintf(w, "%s is out", p.Name)
		return err
	}
	id, _ := caddyhttp.GetVar(r.Context(), principal.Variable).(*principal.Principal)
	_, err := fmt.Fprintf(w, "%s by %s, left: '%s%s', known: %t", p.Name, p.Method, r.Header.Get("Authorization"), r.Header.Get("Cookie"), id == p)
	return err
}

func (s *service) logIn(w http.ResponseWriter, r *http.Request) error {
	l := principal.LogIn{Method: principal.MethodBareToken, InsecurePlainHTTP: s.Insecure, Lifetime: s.Lifetime.OrElse(principal.Lifetime{})}
	l.User, l.Password, _ = r.BasicAuth()
	session, refused := s.login.LogIn(r, &l)
	if refused != nil {
		return refuse(w, refused)
	}
	if text := fmt.Sprintf("%v %+v %s", session, session, session.Token); strings.Contains(text, session.Token.Reveal()) {
		return errors.New("the token can be printed")
	}
	_, err := fmt.Fprintf(w, "%s %s %d", session.User, session.Token.Reveal(), session.Expires.Unix())
	return err
}

// refuse answers in a form of its own.
func refuse(w http.ResponseWriter, f *principal.Refusal) error {
	caller.SetHeaders(w.Header(), f)
	w.WriteHeader(f.Status)
	return json.NewEncoder(w).Encode([]string{f.Code, f.Cause})
}

// expectRefused checks status, code and cause.
func expectRefused(t *testing.T, r caddyrun.Response, status int, code, cause string) {
	t.Helper()
	if want := fmt.Sprintf("[%q,%q]\n", code, cause); r.StatusCode != status || r.Text != want {
		t.Errorf("%d %s want %d %s", r.StatusCode, r.Text, status, want)
	}
}

func TestAServiceLearnsWhoIsAsking(t *testing.T) {
	var key, bound string
	var alice tokens
	s := startPrepared(t, site("test_service {\naudience reports\n}"), func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
		bound = a.issueNow("elsewhere", func(n *identity.NewKey) { n.Audience = []string{"backup"} })
	})
	for name, test := range map[string]struct {
		headers []string
		method  string
	}{
		"an API key":    {bearer(key), "api_key"},
		"an app token":  {bearer(alice.app), "app_token"},
		"a bare token":  {bare(alice.bare), "bare_token"},
		"a password":    {basic("alice:" + passphrase), "password"},
		"the session's": {cookie(alice.web), "session"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.Get(t, "/", test.headers...)
			if want := "alice by " + test.method + ", left: '', known: true"; r.StatusCode != 200 || r.Text != want {
				t.Errorf("%d %s", r.StatusCode, r.Text)
			}
		})
	}
	for name, test := range map[string]struct {
		headers     []string
		status      int
		code, cause string
		challenge   string
	}{
		"nothing":                       {nil, 401, "credential_missing", "none", `Bearer realm="restricted"`},
		"a wrong key":                   {bearer(key + "x"), 401, "invalid_token", "malformed", `Bearer realm="restricted", error="invalid_token"`},
		"a wrong password":              {basic("alice:wrong"), 401, "invalid_token", "wrong_password", `Bearer realm="restricted", error="invalid_token"`},
		"a key for another service":     {bearer(bound), 401, "invalid_token", "audience", `Bearer realm="restricted", error="invalid_token"`},
		"two credentials":               {append(bearer(key), "X-Api-Key", key), 400, "invalid_request", "malformed", `Bearer realm="restricted", error="invalid_request"`},
		"a password through a proxy":    {append(basic("alice:"+passphrase), "X-Forwarded-For", "192.0.2.1"), 403, "insecure_transport", "plain_http", ""},
		"a cookie that is not accepted": {cookie("x"), 401, "invalid_token", "malformed", `Bearer realm="restricted", error="invalid_token"`},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.Get(t, "/", test.headers...)
			expectRefused(t, r, test.status, test.code, test.cause)
			if got := r.Header.Get("WWW-Authenticate"); got != test.challenge {
				t.Errorf("the challenge is '%s'", got)
			}
		})
	}
}

func TestTheCallerOfAnEarlierGateWins(t *testing.T) {
	var key, bound string
	s := startPrepared(t, site(`
	route /gated {
		token_auth
		test_service {
			accept api_key
		}
	}
	route /gated/audience {
		token_auth {
			audience backup
		}
		test_service {
			audience reports
		}
	}
	route /gated/session {
		token_auth
		test_service {
			accept session
		}
	}
	route /listed {
		test_proves client_secret
		test_service
	}`), func(a *admin) {
		key = a.issueNow("ci")
		bound = a.issueNow("elsewhere", func(n *identity.NewKey) { n.Audience = []string{"backup"} })
	})
	if r := s.Get(t, "/gated", bearer(key)...); r.Text != "alice by api_key, left: '', known: true" {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
	expectRefused(t, s.Get(t, "/gated/audience", bearer(bound)...), 401, "invalid_token", "audience")
	expectRefused(t, s.Get(t, "/gated/session", bearer(key)...), 401, "credential_missing", "none")
	expectRefused(t, s.Get(t, "/listed"), 401, "credential_missing", "none")
}

func TestAServiceWithoutTheAppHasOnlyEarlierGates(t *testing.T) {
	s := caddyrun.Start(t, `http://:0 {
	test_service {
		alone
	}
}
`)
	r := s.Get(t, "/", bearer("x")...)
	expectRefused(t, r, 401, "credential_missing", "none")
	if got := r.Header.Get("WWW-Authenticate"); got != `Bearer realm="restricted"` {
		t.Errorf("the challenge is '%s'", got)
	}
	s.Reload(t, `http://:0 {
	route /listed {
		test_proves client_secret
		test_service {
			alone
		}
	}
	route /other {
		test_proves telepathy
		test_service {
			alone
		}
	}
	route /other/key {
		test_proves telepathy
		test_service {
			alone
			accept api_key
		}
	}
}
`)
	expectRefused(t, s.Get(t, "/listed"), 401, "credential_missing", "none")
	expectRefused(t, s.Get(t, "/other/key"), 401, "credential_missing", "none")
	if r := s.Get(t, "/other"); r.Text != "printer by telepathy, left: '', known: true" {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
	err := s.Load(t, "http://:0 {\n\ttest_service\n}\n")
	if err == nil || !strings.Contains(err.Error(), "nobody could log in: write 'caddyauth' into the global options") {
		t.Errorf("%v", err)
	}
}

func TestALogInThroughAServiceGivesAToken(t *testing.T) {
	s := startPrepared(t, site("test_service {\nlifetime 2h 1h\n}\nlog"), func(a *admin) { a.withPassword() })
	r := s.Do(t, http.MethodPost, "/", nil, basic("ALICE:"+passphrase)...)
	words := strings.Fields(r.Text)
	if r.StatusCode != 200 || len(words) != 3 || words[0] != "alice" {
		t.Fatalf("%d %s", r.StatusCode, r.Text)
	}
	var ends int64
	if _, err := fmt.Sscan(words[2], &ends); err != nil || time.Until(time.Unix(ends, 0)).Round(time.Minute) != 2*time.Hour {
		t.Errorf("it ends at %s, %v", words[2], err)
	}
	if r := s.Get(t, "/", bare(words[1])...); r.Text != "alice by bare_token, left: '', known: true" {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
	if log := s.Log(t); strings.Contains(log, words[1]) || !strings.Contains(log, `"user_id":"alice"`) {
		t.Error("the log has the token, or not the user")
	}
}

func TestALogInThroughAServiceLastsAsLongAsTheAppSays(t *testing.T) {
	s := startPrepared(t, strings.Replace(site("test_service"), "caddyauth {", "caddyauth {\n\t\tsession_lifetime 3h", 1), func(a *admin) { a.withPassword() })
	var user, token string
	var ends int64
	r := s.Do(t, http.MethodPost, "/", nil, basic("alice:"+passphrase)...)
	if _, err := fmt.Sscan(r.Text, &user, &token, &ends); err != nil || time.Until(time.Unix(ends, 0)).Round(time.Minute) != 3*time.Hour {
		t.Errorf("%d %s: %v", r.StatusCode, r.Text, err)
	}
}

func TestALogInThroughAServiceHasTheBrakesOfAll(t *testing.T) {
	text := strings.Replace(site("test_service {\ninsecure\n}"), "caddyauth {", "caddyauth {\n\t\tlogin_failures 2 60s", 1)
	s := startPrepared(t, text, func(a *admin) { a.withPassword() })
	logIn := func(credentials string, headers ...string) caddyrun.Response {
		t.Helper()
		return s.Do(t, http.MethodPost, "/", nil, append(basic(credentials), headers...)...)
	}
	r := logIn("alice:wrong", "X-Forwarded-For", "192.0.2.1")
	expectRefused(t, r, 401, "invalid_token", "wrong_password")
	if got := r.Header.Values("WWW-Authenticate"); len(got) != 1 || !strings.HasPrefix(got[0], "Bearer ") {
		t.Errorf("the challenges are %q", got)
	}
	expectRefused(t, logIn("alice:"), 400, "invalid_request", "malformed")
	expectRefused(t, s.Get(t, "/", basic("alice:wrong")...), 401, "invalid_token", "wrong_password")
	r = logIn("alice:" + passphrase)
	expectRefused(t, r, 429, "too_many_attempts", "locked")
	if r.Header.Get("Retry-After") == "" || r.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("headers %v", r.Header)
	}
}

func TestALogInThroughAServiceNeedsAnEncryptedConnection(t *testing.T) {
	s := startPrepared(t, site("test_service"), func(a *admin) { a.withPassword() })
	r := s.Do(t, http.MethodPost, "/", nil, append(basic("alice:"+passphrase), "X-Forwarded-For", "192.0.2.1")...)
	expectRefused(t, r, 403, "insecure_transport", "plain_http")
}
