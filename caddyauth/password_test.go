package caddyauth_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/caddyrun"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/report"
)

// behindProxy is a Caddyfile in which the test's own address is a proxy, so
// that X-Forwarded-For is the client's address.
func behindProxy(auth, directives string) string {
	return `{
	caddyauth {
		store sqlite {$DIR}/auth.db
		` + auth + `
	}
	servers {
		trusted_proxies static 127.0.0.0/8
		trusted_proxies_strict
	}
}
http://:0 {
` + directives + `
}
`
}

// through are the headers that a proxy sends on for a client.
func through(address string, headers []string) []string {
	return append([]string{"X-Forwarded-For", address}, headers...)
}

func TestPasswords(t *testing.T) {
	s := startPrepared(t, site(`
	token_auth
	respond "{http.auth.user.id} {http.auth.user.method} {http.auth.user.scopes} '{http.auth.user.key_id}'"`), func(a *admin) {
		a.withPassword()
		for _, name := range []string{"off", "none"} {
			if _, err := a.AddUser(t.Context(), "test", identity.NewUser{Username: name}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.SetPassword(t.Context(), "test", "off", passphrase); err != nil {
			t.Fatal(err)
		}
		if _, err := a.DisableUser(t.Context(), "test", "off"); err != nil {
			t.Fatal(err)
		}
	})
	longest := strings.Repeat("ä", 512)
	for name, test := range map[string]struct {
		credential string
		status     int
		code       string
	}{
		"the right one, with a colon in it":    {"alice:" + passphrase, 200, ""},
		"the name in another case":             {"ALICE:" + passphrase, 200, ""},
		"the umlaut in two characters":         {"alice:" + strings.ReplaceAll(passphrase, "ü", "u\u0308"), 200, ""},
		"a wrong one":                          {"alice:wrong", 401, "invalid_token"},
		"another case":                         {"alice:" + strings.ToUpper(passphrase), 401, "invalid_token"},
		"what stands after the colon":          {"alice: Kamele im Schnee", 401, "invalid_token"},
		"a blank after it":                     {"alice:" + passphrase + " ", 401, "invalid_token"},
		"an empty one":                         {"alice:", 401, "invalid_token"},
		"no colon":                             {"alice", 401, "invalid_token"},
		"no name":                              {":" + passphrase, 401, "invalid_token"},
		"of nobody":                            {"nobody:" + passphrase, 401, "invalid_token"},
		"of a user who has none":               {"none:" + passphrase, 401, "invalid_token"},
		"of a user who has none, an empty one": {"none:", 401, "invalid_token"},
		"of a disabled user":                   {"off:" + passphrase, 401, "invalid_token"},
		"of a name that cannot be":             {"a b\x00c:" + passphrase, 401, "invalid_token"},
		"1024 bytes":                           {"carol:" + longest, 401, "invalid_token"},
		"1025 bytes":                           {"alice:" + longest + "a", 400, "invalid_request"},
		"no UTF-8":                             {"alice:\xff", 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.Get(t, "/", basic(test.credential)...)
			expect(t, r, test.status, test.code)
			if test.status == 200 && r.Text != "alice password read,write,extended ''" {
				t.Errorf("passed as %s", r.Text)
			}
			if strings.Contains(r.Text, "wrong") || strings.Contains(r.Text, longest) {
				t.Errorf("the answer holds the password: %s", r.Text)
			}
			// No failure here is meant to lock the next one out.
			inStore(t, s.Dir, func(a *admin) {
				for _, user := range []string{"alice", "off", "none"} {
					if _, err := a.Unlock(t.Context(), "test", user); err != nil {
						t.Fatal(err)
					}
				}
			})
		})
	}
}

func TestUnknownUserWrongPasswordAndDisabledUserAreAnsweredAlike(t *testing.T) {
	s := startPrepared(t, site("token_auth\nrespond \"in\""), func(a *admin) {
		a.withPassword()
		if _, err := a.AddUser(t.Context(), "test", identity.NewUser{Username: "off", Password: passphrase}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.DisableUser(t.Context(), "test", "off"); err != nil {
			t.Fatal(err)
		}
	})
	// answer is all that a client sees, but for the time and the id.
	answer := func(credential string) (headers http.Header, text string) {
		r := s.Get(t, "/", basic(credential)...)
		before, after, _ := strings.Cut(r.Text, `"error_id":"`)
		r.Header.Del("Date")
		return r.Header, strconv.Itoa(r.StatusCode) + before + after[12:]
	}
	wantHeaders, want := answer("alice:wrong password")
	for name, credential := range map[string]string{
		"an unknown user": "nobody:" + passphrase, "a disabled user": "off:" + passphrase, "a disabled user, wrong": "off:wrong",
		"an empty password": "alice:", "a key of nobody": "alice:sly_" + strings.Repeat("a", 61),
	} {
		headers, text := answer(credential)
		if diff := cmp.Diff(wantHeaders, headers) + cmp.Diff(want, text); diff != "" {
			t.Errorf("%s is answered otherwise (-wrong password +%s):\n%s", name, name, diff)
		}
	}
}

func TestPasswordsComeOverHTTPSOrFromThisMachine(t *testing.T) {
	var key string
	var alice tokens
	s := startPrepared(t, behindProxy("", `
	route /open {
		token_auth {
			insecure_plain_http
		}
		respond "in"
	}
	route {
		token_auth
		respond "in"
	}`), func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
	})
	good := basic("alice:" + passphrase)
	for name, headers := range map[string][]string{
		"from elsewhere":               through("192.0.2.9", good),
		"a wrong one from elsewhere":   through("192.0.2.9", basic("alice:wrong")),
		"an empty one from elsewhere":  through("192.0.2.9", basic("alice:")),
		"through a proxy here":         through("127.0.0.1", good),
		"from a proxy, as itself":      good,
		"from elsewhere that says TLS": append(through("192.0.2.9", good), "X-Forwarded-Proto", "https"),
	} {
		t.Run(name, func(t *testing.T) {
			r := s.Get(t, "/", headers...)
			expect(t, r, 403, "insecure_transport")
			if challenge := r.Header.Values("WWW-Authenticate"); len(challenge) != 0 {
				t.Errorf("a browser is asked for a password: %q", challenge)
			}
		})
	}
	for kind, headers := range credentials(key, alice) {
		if kind != "password" {
			expect(t, s.Get(t, "/", through("192.0.2.9", headers)...), 200, "")
		}
	}
	expect(t, s.Get(t, "/open", through("192.0.2.9", good)...), 200, "")
	expect(t, s.Get(t, "/open", through("192.0.2.9", basic("alice:wrong"))...), 401, "invalid_token")

	// Where nothing is said of proxies a header that speaks of one closes.
	s.Reload(t, site("token_auth\nrespond \"in\""))
	expect(t, s.Get(t, "/", good...), 200, "")
	for _, header := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Anything", "X-Real-IP", "Forwarded"} {
		expect(t, s.Get(t, "/", append(good, header, "127.0.0.1")...), 403, "insecure_transport")
	}
}

func TestPasswordsComeOverHTTPSFromAnywhere(t *testing.T) {
	s := startPrepared(t, strings.NewReplacer("http://:0 {", "https://localhost:0 {\n\ttls internal", "\tservers", "\tskip_install_trust\n\tauto_https disable_redirects\n\tservers").
		Replace(behindProxy("", "token_auth\nrespond \"in\"")), func(a *admin) { a.withPassword() })
	s.URL = strings.Replace(s.URL, "http://127.0.0.1", "https://localhost", 1)
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(readFile(t, filepath.Join(s.Dir, "caddy/pki/authorities/local/root.crt"))))
	s.Client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	// The certificate is made after the start.
	within(t, 10*time.Second, func() bool {
		connection, err := new(tls.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "https://"))
		if err == nil {
			connection.Close()
		}
		return err == nil || !strings.Contains(err.Error(), "internal error")
	})
	expect(t, s.Get(t, "/", through("192.0.2.9", basic("alice:"+passphrase))...), 200, "")
	expect(t, s.Get(t, "/", through("192.0.2.9", basic("alice:wrong"))...), 401, "invalid_token")
}

func TestTheBrakesRefuseAName(t *testing.T) {
	var key string
	var alice tokens
	text := behindProxy("login_failures 2 3s", "token_auth {\ninsecure_plain_http\n}\nrespond \"in\"")
	s := startPrepared(t, text, func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
		if _, err := a.AddUser(t.Context(), "test", identity.NewUser{Username: "bob", Password: passphrase}); err != nil {
			t.Fatal(err)
		}
	})
	const here, elsewhere = "192.0.2.9", "198.51.100.9"
	good := basic("alice:" + passphrase)
	for _, address := range []string{here, "192.0.2.200"} { // one network
		expect(t, s.Get(t, "/", through(address, basic("alice:wrong"))...), 401, "invalid_token")
	}
	for name, headers := range map[string][]string{"right": good, "wrong": basic("alice:wrong"), "in another case": basic("Alice:" + passphrase)} {
		r := s.Get(t, "/", through(here, headers)...)
		expect(t, r, 429, "too_many_attempts")
		wait, err := strconv.Atoi(r.Header.Get("Retry-After"))
		if err != nil || wait < 1 || wait > 3 {
			t.Errorf("%s: Retry-After '%s'", name, r.Header.Get("Retry-After"))
		}
		if r.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: a browser would ask for another password at once", name)
		}
	}
	// Nobody else is locked out, nor alice by other means.
	expect(t, s.Get(t, "/", through(here, basic("bob:"+passphrase))...), 200, "")
	expect(t, s.Get(t, "/", through(elsewhere, good)...), 200, "")
	for kind, headers := range credentials(key, alice) {
		if kind != "password" {
			expect(t, s.Get(t, "/", through(here, headers)...), 200, "")
		}
	}
	// They outlive a reload, and end by themselves.
	s.Reload(t, text)
	expect(t, s.Get(t, "/", through(here, good)...), 429, "too_many_attempts")
	within(t, 5*time.Second, func() bool {
		time.Sleep(200 * time.Millisecond)
		return s.Get(t, "/", through(here, good)...).StatusCode == 200
	})
}

func TestTheBrakesRefuseANetwork(t *testing.T) {
	var key string
	s := startPrepared(t, behindProxy("login_failures 1 1m", "token_auth {\ninsecure_plain_http\n}\nrespond \"in\""), func(a *admin) {
		a.withPassword()
		key = a.issueNow("ci")
	})
	const here, elsewhere = "2001:db8::1", "2001:db8:0:1::1"
	for _, name := range []string{"a", "b", "c", "d"} {
		expect(t, s.Get(t, "/", through(here, basic(name+":wrong"))...), 401, "invalid_token")
	}
	r := s.Get(t, "/", through("2001:db8::2", basic("alice:"+passphrase))...)
	expect(t, r, 429, "too_many_attempts")
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	expect(t, s.Get(t, "/", through(here, bearer(key))...), 200, "")
	expect(t, s.Get(t, "/", through(elsewhere, basic("alice:"+passphrase))...), 200, "")
}

func TestAReloadChangesTheBrakes(t *testing.T) {
	text := behindProxy("login_failures 1 1m", "token_auth {\ninsecure_plain_http\n}\nrespond \"in\"")
	s := startPrepared(t, text, func(a *admin) { a.withPassword() })
	expect(t, s.Get(t, "/", through("192.0.2.9", basic("alice:wrong"))...), 401, "invalid_token")
	expect(t, s.Get(t, "/", through("192.0.2.9", basic("alice:wrong"))...), 429, "too_many_attempts")
	s.Reload(t, strings.Replace(text, "login_failures 1 1m", "login_failures 3 1m", 1))
	expect(t, s.Get(t, "/", through("192.0.2.9", basic("alice:"+passphrase))...), 200, "")
	s.Reload(t, text)
	expect(t, s.Get(t, "/", through("192.0.2.9", basic("alice:wrong"))...), 401, "invalid_token")
	expect(t, s.Get(t, "/", through("192.0.2.9", basic("alice:wrong"))...), 429, "too_many_attempts")
}

func TestAPasswordThatWasChangedIsNotRemembered(t *testing.T) {
	s, a := start(t, "token_auth\nrespond \"in\"")
	a.withPassword()
	time.Sleep(propagation)
	expect(t, s.Get(t, "/", basic("alice:"+passphrase)...), 200, "")
	expect(t, s.Get(t, "/", basic("alice:"+passphrase)...), 200, "")
	if _, err := a.SetPassword(t.Context(), "test", "alice", "another "+passphrase); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	expect(t, s.Get(t, "/", basic("alice:"+passphrase)...), 401, "invalid_token")
	expect(t, s.Get(t, "/", basic("alice:another "+passphrase)...), 200, "")
	if _, err := a.DisableUser(t.Context(), "test", "alice"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(propagation)
	expect(t, s.Get(t, "/", basic("alice:another "+passphrase)...), 401, "invalid_token")
}

func TestTheProviderAcceptsEveryKindAndAnswersEveryRefusalWith401(t *testing.T) {
	var key string
	var alice tokens
	s := startPrepared(t, oneGate, func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
	})
	load := func(options string) {
		t.Helper()
		err := caddy.Load([]byte(`{
	"admin": {"disabled": true, "config": {"persist": false}},
	"storage": {"module": "file_system", "root": "`+s.Dir+`/caddy"},
	"logging": {"logs": {"default": {"writer": {"output": "file", "filename": "`+s.LogFile()+`"}}}},
	"apps": {
		"caddyauth": {"store": {"engine": "sqlite", "path": "`+s.Dir+`/auth.db"}, "login_failures": {"failures": 1, "window": "1m"}},
		"http": {"servers": {"s": {"listen": ["127.0.0.1:0"], "routes": [{"handle": [
			{"handler": "authentication", "providers": {"token": {`+options+`}}},
			{"handler": "static_response", "body": "{http.auth.user.id} {http.auth.user.method} '{http.request.header.Authorization}{http.request.header.Cookie}'"}
		]}]}}}
	}
}`), true)
		if err != nil {
			t.Fatal(err)
		}
		s.URL = "http://" + caddyrun.ListenAddress(t)
	}
	load(``)
	for kind, headers := range credentials(key, alice) {
		if r := s.Get(t, "/", headers...); r.Text != "alice "+kind+" ''" {
			t.Errorf("%s: %d %s", kind, r.StatusCode, r.Text)
		}
	}
	for name, r := range map[string]caddyrun.Response{
		"cross origin":    s.Do(t, "POST", "/", nil, cookie(alice.web)...),
		"plain HTTP":      s.Get(t, "/", append(basic("alice:"+passphrase), "Forwarded", "for=192.0.2.1")...),
		"several cookies": s.Get(t, "/", append(cookie("a"), cookie("b")...)...),
		"wrong password":  s.Get(t, "/", basic("alice:wrong")...),
		"locked":          s.Get(t, "/", basic("alice:wrong")...),
		"none":            s.Get(t, "/"),
	} {
		if r.StatusCode != 401 {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.Text)
		}
	}
	load(`"accept": ["api_key"], "forward_credential": true`)
	if r := s.Get(t, "/", bearer(key)...); r.Text != "alice api_key 'Bearer "+key+"'" {
		t.Errorf("%d %s", r.StatusCode, r.Text)
	}
	r := s.Get(t, "/", cookie(alice.web)...)
	n, ok, _ := report.Find(r.Header.Get("X-Error-Id"))
	if r.StatusCode != 401 || !ok || n.Module != "http.authentication.providers.token" || n.Cause != "not_accepted" || n.Credential != "session" {
		t.Errorf("a session: %d, remembered: %v, as %+v", r.StatusCode, ok, n)
	}
}
