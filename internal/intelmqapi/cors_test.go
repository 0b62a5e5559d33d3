package intelmqapi

import (
	"net/http"
	"strings"
	"testing"
)

func mustOrigins(t testing.TB, texts ...string) Origins {
	t.Helper()
	if texts == nil {
		texts = []string{}
	}
	o, err := ParseOrigins(texts)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOriginsAreReadInAnyForm(t *testing.T) {
	for text, want := range map[string]string{
		"https://manager.example.org":      "https://manager.example.org",
		"HTTPS://Manager.Example.ORG":      "https://manager.example.org",
		"https://manager.example.org:443":  "https://manager.example.org",
		"https://manager.example.org:8443": "https://manager.example.org:8443",
		"http://localhost:80":              "http://localhost",
		"http://localhost:443":             "http://localhost:443",
		"https://[2001:DB8::1]:8443":       "https://[2001:db8::1]:8443",
		"http://192.0.2.1":                 "http://192.0.2.1",
		"https://xn--bung-zra.example":     "https://xn--bung-zra.example",
	} {
		o := mustOrigins(t, text)
		if o.Simple(want).Get("Access-Control-Allow-Origin") != want || o.any {
			t.Errorf("'%s' does not allow '%s'", text, want)
		}
	}
}

func TestOriginsThatAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "null", "manager.example.org", "//manager.example.org", "https:manager.example.org", "ftp://manager.example.org",
		"https://", "https://:443", "https://a/", "https://a/b", "https://a?x", "https://a#x", "https://u:p@a", "https://*.example.org",
		"https://a:", "https://a:x", "https://a b", "https://übung.example", "https://[::1", "https://a\\b", "https://a%zz", "* ", "https://a,https://b",
	} {
		if _, err := ParseOrigins([]string{"https://good.example", text}); err == nil {
			t.Errorf("'%s' is taken", text)
		} else if !strings.Contains(err.Error(), "origin '"+text+"': ") || !strings.Contains(err.Error(), "write '*', or an origin such as https://") {
			t.Errorf("'%s': %v", text, err)
		}
	}
}

func TestWhoIsAllowed(t *testing.T) {
	byDefault, err := ParseOrigins(nil)
	if err != nil {
		t.Fatal(err)
	}
	listed := mustOrigins(t, "https://a.example", "https://b.example")
	for _, c := range []struct {
		what         string
		allowed      Origins
		origin       string
		want, varies string
	}{
		{"all by default", byDefault, "https://x.example", "*", ""},
		{"all by an asterisk", mustOrigins(t, "https://a.example", "*"), "https://a.example", "*", ""},
		{"a listed one", listed, "https://b.example", "https://b.example", "Origin"},
		{"another one", listed, "https://c.example", "", ""},
		{"of another scheme", listed, "http://a.example", "", ""},
		{"of another port", listed, "https://a.example:8443", "", ""},
		{"with a longer name", listed, "https://a.example.org", "", ""},
		{"in a form that no browser sends", listed, "https://A.example", "", ""},
		{"without an origin", byDefault, "", "", ""},
		{"none by an empty list", mustOrigins(t), "https://a.example", "", ""},
		{"none by the zero value", Origins{}, "https://a.example", "", ""},
	} {
		got := c.allowed.Simple(c.origin)
		if got.Get("Access-Control-Allow-Origin") != c.want || got.Get("Vary") != c.varies || (got.Get("Access-Control-Expose-Headers") == "") != (c.want == "") {
			t.Errorf("%s: %v", c.what, got)
		}
		if got.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: cookies are allowed", c.what)
		}
	}
}

func TestPreflights(t *testing.T) {
	for _, c := range []struct{ what, origin, method, headers, want string }{
		{"a token may be sent", "https://a.example", "GET", "authorization", "OK"},
		{"and a save", "https://a.example", "POST", "Authorization, content-type,If-Match , x-api-key", "OK"},
		{"nothing special", "https://a.example", "HEAD", "", "OK"},
		{"another header", "https://a.example", "GET", "authorization,x-other", "Disallowed CORS headers"},
		// By this one a script of our own page is known: see CrossSite.
		{"what only our own scripts may send", "https://a.example", "GET", "x-requested-with", "Disallowed CORS headers"},
		{"an empty name of a header", "https://a.example", "GET", ",", "Disallowed CORS headers"},
		{"another method", "https://a.example", "PUT", "", "Disallowed CORS method"},
		{"another origin", "https://b.example", "GET", "", "Disallowed CORS origin"},
		{"all of it", "null", "delete", "x", "Disallowed CORS origin, method, headers"},
	} {
		a := mustOrigins(t, "https://a.example").Preflight(c.origin, c.method, c.headers)
		if string(a.Body) != c.want || (a.Status == http.StatusOK) != (c.want == "OK") || a.Header.Get("Vary") != "Origin" {
			t.Errorf("%s: %d '%s' %v", c.what, a.Status, a.Body, a.Header)
		}
		if allowed := a.Header.Get("Access-Control-Allow-Origin"); (allowed != "") != (c.origin == "https://a.example") {
			t.Errorf("%s: '%s' is allowed", c.what, allowed)
		}
	}
}

func TestOnlyABrowsersQuestionIsAPreflight(t *testing.T) {
	both := http.Header{"Origin": {"https://a.example"}, "Access-Control-Request-Method": {"GET"}}
	for _, c := range []struct {
		method string
		header http.Header
		want   bool
	}{
		{"OPTIONS", both, true},
		{"GET", both, false},
		{"OPTIONS", http.Header{"Origin": {"https://a.example"}}, false},
		{"OPTIONS", http.Header{"Access-Control-Request-Method": {"GET"}}, false},
		{"OPTIONS", nil, false},
	} {
		if got := IsPreflight(c.method, c.header); got != c.want {
			t.Errorf("%s %v: %v", c.method, c.header, got)
		}
	}
}

func FuzzPreflight(f *testing.F) {
	f.Add("https://a.example", "https://a.example:443", "GET", "authorization, x")
	f.Add("null", "*", "", ",,")
	f.Add("http://[::1", "https://u@a/", "\x00", "\xff")
	f.Fuzz(func(t *testing.T, allowed, origin, method, headers string) {
		o, err := ParseOrigins([]string{allowed})
		if err != nil {
			return
		}
		a := o.Preflight(origin, method, headers)
		said := a.Header.Get("Access-Control-Allow-Origin")
		if said != "" && said != "*" && said != origin || (a.Status == http.StatusOK) != (string(a.Body) == "OK") {
			t.Fatalf("%+v", a)
		}
		CrossSite(http.Header{"Origin": {origin}, "Referer": {headers}}, origin, method, o, true)
	})
}
