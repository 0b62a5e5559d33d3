package intelmqapi

import (
	"net/http"
	"testing"
)

func TestWhoMayHaveABrowserChangeSomething(t *testing.T) {
	const own, other = "https://intelmq.example", "https://manager.example"
	const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	nobody, all := mustOrigins(t), mustOrigins(t, "*")
	named := mustOrigins(t, other)
	for _, c := range []struct {
		what    string
		headers []string
		allowed Origins
		ambient bool
		refused bool
	}{
		{"curl", nil, nobody, true, false},
		{"our own page", []string{"Sec-Fetch-Site", "same-origin"}, nobody, true, false},
		{"our own page that posts", []string{"Sec-Fetch-Site", "same-origin", "Origin", own}, nobody, true, false},
		{"a link in a mail, or typed in by the user", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, named, true, true},
		{"an extension of the browser", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "cors"}, nobody, true, false},
		{"a link with the token, which no link can have", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, nobody, false, false},
		{"a link of our own page", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate"}, nobody, true, false},

		{"an image in a page that keeps silent, by plain HTTP", []string{"User-Agent", firefox}, all, true, true},
		{"an image in a page that keeps silent, though one is named", []string{"User-Agent", firefox}, named, true, true},
		{"a browser that keeps silent, with the token in a header", []string{"User-Agent", firefox}, nobody, false, false},
		{"a script of our own page that keeps silent", []string{"User-Agent", firefox, "X-Requested-With", "XMLHttpRequest"}, nobody, true, false},
		{"our own page, by plain HTTP", []string{"User-Agent", firefox, "Referer", own + "/x"}, nobody, true, false},
		{"another page with a header that it cannot send", []string{"User-Agent", firefox, "X-Requested-With", "XMLHttpRequest", "Origin", other}, nobody, true, true},
		{"curl with its name", []string{"User-Agent", "curl/8.14.1"}, nobody, true, false},
		{"Ansible with its name", []string{"User-Agent", "ansible-httpget"}, nobody, true, false},

		{"an image of another site, with a cookie", []string{"Sec-Fetch-Site", "cross-site", "Referer", other + "/"}, all, true, true},
		{"an image of another site, which is named", []string{"Sec-Fetch-Site", "cross-site", "Referer", other + "/"}, named, true, true},
		{"an image of another site, without a referer", []string{"Sec-Fetch-Site", "cross-site"}, all, false, true},
		{"a link of another site", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, all, true, true},
		{"a sibling", []string{"Sec-Fetch-Site", "same-site", "Origin", other}, nobody, true, true},
		{"a named sibling", []string{"Sec-Fetch-Site", "same-site", "Origin", other}, named, true, false},
		{"a named one", []string{"Sec-Fetch-Site", "cross-site", "Origin", other}, named, true, false},
		{"one that is not named", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, named, false, true},
		{"any page, with the token in a header", []string{"Sec-Fetch-Site", "cross-site", "Origin", other}, all, false, false},
		{"any page, where nobody has to log in", []string{"Sec-Fetch-Site", "cross-site", "Origin", other}, all, true, true},
		{"any page, with a token that is not allowed to", []string{"Sec-Fetch-Site", "cross-site", "Origin", other}, nobody, false, true},
		{"a page without an origin, with a token", []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, all, false, false},
		{"a page without an origin, with a cookie", []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, all, true, true},
		{"another site that claims our origin", []string{"Sec-Fetch-Site", "cross-site", "Origin", own}, all, true, true},
		{"a word of the future", []string{"Sec-Fetch-Site", "same-planet", "Origin", own}, nobody, true, true},

		{"our own origin in an old browser", []string{"Origin", own}, nobody, true, false},
		{"another one in an old browser", []string{"Origin", other}, nobody, true, true},
		{"a named one in an old browser", []string{"Origin", other}, named, true, false},
		{"no origin in an old browser", []string{"Origin", "null"}, named, true, true},
		{"any page in an old browser, with a token", []string{"Origin", other}, all, false, false},
		{"any page in an old browser, with a cookie", []string{"Origin", other}, all, true, true},
		{"our host, but not encrypted", []string{"Origin", "http://intelmq.example"}, all, true, true},
		{"our host, but another port", []string{"Origin", own + ":8443"}, all, true, true},
		{"our origin, but another referer", []string{"Origin", own, "Referer", other + "/"}, nobody, true, false},
		{"our own page in an old browser that says where it was", []string{"Referer", own + "/x?y"}, nobody, true, false},
		{"an image of another site in an old browser", []string{"Referer", other + "/x"}, all, true, true},
		{"an image of a named site in an old browser", []string{"Referer", other + "/x"}, named, true, false},
		{"a host that begins like ours", []string{"Referer", own + ".evil.example/"}, all, true, true},
		{"a host that stands behind ours", []string{"Referer", own + "@evil.example/"}, all, true, true},
		{"a referer that cannot be read", []string{"Referer", "https://[::1"}, named, true, true},
		{"a referer without a host", []string{"Referer", "about:blank"}, named, true, true},
	} {
		h := make(http.Header)
		for i := 0; i < len(c.headers); i += 2 {
			h.Set(c.headers[i], c.headers[i+1])
		}
		if got := CrossSite(h, "intelmq.example", "https", c.allowed, c.ambient); got != c.refused {
			t.Errorf("%s: refused is %v, want %v", c.what, got, c.refused)
		}
	}
}

func TestWhichPagesMayLogIn(t *testing.T) {
	const own, other, evil = "https://intelmq.example", "https://manager.example", "https://evil.example"
	all, named := mustOrigins(t, "*"), mustOrigins(t, other)
	for _, c := range []struct {
		what    string
		headers []string
		allowed Origins
		refused bool
	}{
		{"curl", nil, named, false},
		{"our own page", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Origin", own}, named, false},
		{"a form of our own", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Origin", own}, named, false},
		{"an extension of the browser", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "cors"}, named, false},
		{"a script of a named site", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Origin", other}, named, false},
		{"a script of a named neighbour", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors", "Origin", other}, named, false},
		{"a script of any site, where all are allowed", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Origin", evil}, all, false},
		{"a script of any site", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Origin", evil}, named, true},
		{"a script of a neighbour", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors", "Origin", "https://x.intelmq.example"}, named, true},
		{"a script that does not ask openly", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Origin", evil}, all, true},
		{"a form of another site", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Origin", evil}, all, true},
		{"a form of a named site", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Origin", other}, named, true},
		{"a page without an origin", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Origin", "null"}, named, true},
		{"another site that does not say how", []string{"Sec-Fetch-Site", "cross-site", "Origin", other}, named, true},
		{"another site that says no origin", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}, all, true},

		{"our own page by plain HTTP", []string{"Origin", own}, named, false},
		{"a named one by plain HTTP", []string{"Origin", other}, named, false},
		{"any one by plain HTTP, where all are allowed", []string{"Origin", evil}, all, false},
		{"any one by plain HTTP", []string{"Origin", evil}, named, true},
		{"none by plain HTTP", []string{"Origin", "null"}, named, true},
		{"an old browser that says where it was", []string{"Referer", evil + "/x"}, named, true},
		{"an old browser on our own page", []string{"Referer", own + "/x"}, named, false},
	} {
		h := make(http.Header)
		for i := 0; i < len(c.headers); i += 2 {
			h.Set(c.headers[i], c.headers[i+1])
		}
		if got := ForeignLogIn(h, "intelmq.example", "https", c.allowed); got != c.refused {
			t.Errorf("%s: refused is %v, want %v", c.what, got, c.refused)
		}
	}
}

func TestOurOwnOriginIsFoundInAnyForm(t *testing.T) {
	for _, c := range []struct{ host, scheme, origin string }{
		{"INTELMQ.example:443", "https", "https://intelmq.example"},
		{"localhost:80", "http", "http://localhost"},
		{"localhost:8080", "http", "http://localhost:8080"},
		{"[::1]:8443", "https", "https://[::1]:8443"},
	} {
		if CrossSite(http.Header{"Origin": {c.origin}}, c.host, c.scheme, Origins{}, true) {
			t.Errorf("'%s' is not taken for %s://%s", c.origin, c.scheme, c.host)
		}
	}
}
