package caddyauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestACookieAuthorizesChangesFromTheSameOriginOnly(t *testing.T) {
	var key string
	var alice tokens
	s := startPrepared(t, site("token_auth\nrespond \"in\""), func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
	})
	const here = "<here>"
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket"}
	for name, test := range map[string]struct {
		headers []string
		// read, write and upgrade are what GET, POST and a WebSocket are
		// answered.
		read, write, upgrade int
	}{
		"from nowhere":                       {nil, 200, 403, 403},
		"from our own page":                  {[]string{"Sec-Fetch-Site", "same-origin", "Origin", here}, 200, 200, 200},
		"typed in by the user":               {[]string{"Sec-Fetch-Site", "none"}, 200, 200, 200},
		"from a neighbouring site":           {[]string{"Sec-Fetch-Site", "same-site"}, 200, 403, 403},
		"from another site":                  {[]string{"Sec-Fetch-Site", "cross-site"}, 200, 403, 403},
		"from another site that lies":        {[]string{"Sec-Fetch-Site", "cross-site", "Origin", here}, 200, 403, 403},
		"of what we do not know":             {[]string{"Sec-Fetch-Site", "same-planet", "Origin", here}, 200, 403, 403},
		"by an old browser, from our page":   {[]string{"Origin", here}, 200, 200, 200},
		"by an old browser, from elsewhere":  {[]string{"Origin", "https://evil.example"}, 200, 403, 403},
		"from our host and another port":     {[]string{"Origin", "http://127.0.0.1:1"}, 200, 403, 403},
		"from a sandbox or a file":           {[]string{"Origin", "null"}, 200, 403, 403},
		"from an origin that cannot be read": {[]string{"Origin", "::"}, 200, 403, 403},
		"with a Referer alone":               {[]string{"Referer", here + "/page"}, 200, 403, 403},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			for _, h := range test.headers {
				headers = append(headers, strings.ReplaceAll(h, here, s.URL))
			}
			by := func(method string, extra ...string) int {
				return s.Do(t, method, "/", nil, append(extra, headers...)...).StatusCode
			}
			got := map[string]int{}
			want := map[string]int{
				"GET": test.read, "HEAD": test.read, "OPTIONS": test.read, "upgrade": test.upgrade,
				"POST": test.write, "PUT": test.write, "PATCH": test.write, "DELETE": test.write, "TRACE": test.write, "PROPFIND": test.write, "get": test.write,
			}
			for method := range want {
				if method != "upgrade" {
					got[method] = by(method, cookie(alice.web)...)
				}
			}
			got["upgrade"] = by("GET", append(cookie(alice.web), upgrade...)...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("by cookie (-want +got):\n%s", diff)
			}
			// What is sent on purpose needs no such care.
			for _, headers := range [][]string{bearer(key), bearer(alice.app), bare(alice.bare)} {
				if status := by("POST", headers...); status != 200 {
					t.Errorf("POST with %s: %d", headers[0], status)
				}
			}
		})
	}
	r := s.Do(t, http.MethodPost, "/", nil, cookie(alice.web)...)
	expect(t, r, 403, "cross_origin")
	// It says nothing of the session, so that nobody learns whether there is one.
	if r := s.Do(t, http.MethodPost, "/", nil, cookie("x")...); r.StatusCode != 403 {
		t.Errorf("a wrong session from elsewhere: %d", r.StatusCode)
	}
	if challenge := r.Header.Values("WWW-Authenticate"); len(challenge) != 0 {
		t.Errorf("challenge %q", challenge)
	}
}

func TestTheUpstreamGetsTheOtherCookiesAndNotTheSession(t *testing.T) {
	var key string
	var alice tokens
	s := startPrepared(t, site(`
	route /kept {
		token_auth {
			forward_credential
		}
		reverse_proxy `+upstream(t)+`
	}
	route {
		token_auth
		reverse_proxy `+upstream(t)+`
	}`), func(a *admin) {
		a.withPassword()
		key, alice = a.issueNow("ci"), a.logIn(day)
	})
	session := "__Host-sallyport=" + alice.web
	for name, test := range map[string]struct{ sent, want []string }{
		"alone":                   {[]string{session}, nil},
		"before another":          {[]string{session + "; theme=dark"}, []string{"theme=dark"}},
		"after another":           {[]string{"theme=dark; " + session}, []string{"theme=dark"}},
		"between others":          {[]string{"a=1; " + session + "; b=2"}, []string{"a=1; b=2"}},
		"without blanks":          {[]string{"a=1;" + session + ";b=2"}, []string{"a=1; b=2"}},
		"in a line of its own":    {[]string{"a=1", session, "b=2; c=3"}, []string{"a=1; b=2; c=3"}},
		"beside a similar name":   {[]string{session + "; __Host-sallyport2=x; x__Host-sallyport=y"}, []string{"__Host-sallyport2=x; x__Host-sallyport=y"}},
		"beside a value like it":  {[]string{"a=__Host-sallyport; " + session}, []string{"a=__Host-sallyport"}},
		"beside what is no pair":  {[]string{"flag; " + session}, []string{"flag"}},
		"beside a quoted value":   {[]string{`a="x y"; ` + session}, []string{`a="x y"`}},
		"beside a second, broken": {[]string{session + "; __Host-sallyport=a\"b"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			for _, line := range test.sent {
				headers = append(headers, "Cookie", line)
			}
			r := s.Get(t, "/", headers...)
			if r.StatusCode != 200 {
				t.Fatalf("%d %s", r.StatusCode, r.Text)
			}
			got := seenBy(t, r).Header["Cookie"]
			if diff := cmp.Diff(test.want, joined(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(r.Text, alice.web) {
				t.Errorf("the upstream got %s", r.Text)
			}
		})
	}
	// The cookie is removed beside a header, too, and kept where it is wanted.
	if got := seenBy(t, s.Get(t, "/", append(bearer(key), "Cookie", session+"; a=1")...)); got.Header.Get("Cookie") != "a=1" || got.Header.Get("Authorization") != "" {
		t.Errorf("%v", got.Header)
	}
	if got := seenBy(t, s.Get(t, "/kept", "Cookie", session+"; a=1")); got.Header.Get("Cookie") != session+"; a=1" {
		t.Errorf("%v", got.Header)
	}
	if got := seenBy(t, s.Get(t, "/kept", basic("alice:"+passphrase)...)); got.Header.Get("Authorization") != basic("alice:" + passphrase)[1] {
		t.Errorf("%v", got.Header)
	}
	if got := seenBy(t, s.Get(t, "/", basic("alice:"+passphrase)...)); got.Header.Get("Authorization") != "" {
		t.Errorf("%v", got.Header)
	}
}

// joined makes one line of several, as a proxy may.
func joined(lines []string) []string {
	if len(lines) == 0 {
		return nil
	}
	return []string{strings.Join(lines, "; ")}
}
