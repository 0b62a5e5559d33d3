package caddyintelmq_test

import (
	"net/http"
	"testing"
)

const crossSite = `{"error":"pages of another site cannot change anything here; allow_origins lists those that can"}`

// TestPagesOfOtherSitesCannotHaveABrowserDoIt: all changes are plain GETs, which an
// image in any page makes a browser send.
func TestPagesOfOtherSitesCannotHaveABrowserDoIt(t *testing.T) {
	b := prepare(t)
	b.use(t, b.sites("http://:0 {\n"+
		b.endpoint("/intelmq", b.botnet, "")+
		b.endpoint("/open", b.botnet, "insecure_no_auth")+
		b.endpoint("/listed", b.botnet, "allow_origins https://manager.example.org")+
		b.endpoint("/openlisted", b.botnet, "insecure_no_auth\nallow_origins https://manager.example.org")+"}\n"))
	token := []string{"Authorization", b.logIn(t)}
	key, byHeader, nobody := b.by("writer"), []string{"X-Api-Key", b.keys["writer"]}, []string(nil)
	basic := []string{"Authorization", "Basic YWRtaW46RsO8bmY6IEthbWVsZSBpbSBTY2huZWU="}
	cookie := b.by("cookie")
	const evil, manager = "https://evil.example", "https://manager.example.org"
	const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	for _, test := range []struct {
		name, base string
		who        []string
		page       []string
		allowed    bool
	}{
		{"a cookie, from an image in another site", "/intelmq", cookie, []string{"Sec-Fetch-Site", "cross-site"}, false},
		{"a cookie, from a neighbouring site", "/intelmq", cookie, []string{"Sec-Fetch-Site", "same-site"}, false},
		{"a cookie, from a script of another site", "/intelmq", cookie, []string{"Sec-Fetch-Site", "cross-site", "Origin", evil}, false},
		{"a cookie, from another site with an old browser", "/intelmq", cookie, []string{"Origin", evil}, false},
		{"a cookie, from a page that hides where it is", "/intelmq", cookie, []string{"Origin", "null"}, false},
		{"a cookie, from an image with an old browser", "/intelmq", cookie, []string{"Referer", evil + "/page"}, false},
		{"a cookie, from our own page", "/intelmq", cookie, []string{"Sec-Fetch-Site", "same-origin"}, true},
		{"a cookie, typed in by the user or by a link in a mail", "/intelmq", cookie, []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, false},
		{"a cookie, by a browser that hides where it is", "/intelmq", cookie, []string{"User-Agent", firefox}, false},
		{"a cookie, from our own page with an old browser", "/intelmq", cookie, []string{"Origin", b.URL}, true},
		{"a cookie, from an image of our own with an old browser", "/intelmq", cookie, []string{"Referer", b.URL + "/manager/"}, true},
		{"a cookie, by a program", "/intelmq", cookie, nil, true},
		{"a cookie, from a listed site", "/listed", cookie, []string{"Sec-Fetch-Site", "cross-site", "Origin", manager}, true},
		{"a cookie, from one that is not", "/listed", cookie, []string{"Sec-Fetch-Site", "cross-site", "Origin", evil}, false},
		{"a cookie, from an image in a listed site", "/listed", cookie, []string{"Sec-Fetch-Site", "cross-site", "Referer", manager}, false},
		{"a password of the browser's, from another site", "/intelmq", basic, []string{"Sec-Fetch-Site", "cross-site", "Origin", evil}, false},
		{"a token, by a program", "/intelmq", token, nil, true},
		{"a token, from another site", "/intelmq", token, []string{"Sec-Fetch-Site", "cross-site", "Origin", evil}, true},
		{"a key, from another site", "/intelmq", key, []string{"Sec-Fetch-Site", "cross-site", "Origin", evil}, true},
		{"a key in its own header, from another site", "/intelmq", byHeader, []string{"Origin", evil}, true},
		{"a token, from a site that is not listed", "/listed", token, []string{"Origin", evil}, false},
		{"a token, from a listed site", "/listed", token, []string{"Origin", manager}, true},
		{"a token, by a program, where sites are listed", "/listed", token, nil, true},
		{"nobody, by a program", "/open", nobody, nil, true},
		{"nobody, by a browser that hides where it is", "/open", nobody, []string{"User-Agent", firefox}, false},
		{"nobody, by a script of our own page that hides it", "/open", nobody, []string{"User-Agent", firefox, "X-Requested-With", "XMLHttpRequest"}, true},
		{"nobody, by a link in a mail", "/open", nobody, []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, false},
		{"a token, by a browser that hides where it is", "/intelmq", token, []string{"User-Agent", firefox}, true},
		{"nobody, from our own page", "/open", nobody, []string{"Sec-Fetch-Site", "same-origin", "Origin", b.URL}, true},
		{"nobody, from another site", "/open", nobody, []string{"Sec-Fetch-Site", "cross-site", "Origin", evil}, false},
		{"nobody, from another site by plain HTTP", "/open", nobody, []string{"Origin", evil}, false},
		{"nobody, with a token that nobody asks for", "/open", []string{"Authorization", "x"}, []string{"Origin", evil}, false},
		{"nobody, from a listed site", "/openlisted", nobody, []string{"Origin", manager}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := len(b.botnet.Calls())
			headers := append(append([]string{}, test.who...), test.page...)
			r := b.Get(t, test.base+"/v1/api/bot?action=stop&id=csv-parser", headers...)
			if test.allowed {
				expect(t, r, 200, `"stopped"`)
				return
			}
			expect(t, r, 403, crossSite)
			if made := b.botnet.Calls()[before:]; len(made) > 0 {
				t.Errorf("intelmqctl was called: %v", made)
			}
			// To see is not forbidden: the browser keeps it from the page.
			if r := b.Get(t, test.base+"/v1/api/queues", headers...); r.StatusCode != 200 {
				t.Errorf("a read: HTTP %d %s", r.StatusCode, r.Text)
			}
		})
	}
	for _, route := range []string{"botnet?action=stop", "botnet?action=restart&group=parsers", "bot?action=reload&id=csv-parser", "clear?id=csv-parser-queue"} {
		expect(t, b.as(t, "cookie", route, "Sec-Fetch-Site", "cross-site"), 403, crossSite)
	}
	// Those that post are kept off with a cookie by what finds out who asks.
	for _, route := range []string{"run?bot=csv-parser&cmd=get", "runtime", "positions", "logout"} {
		r := b.Do(t, http.MethodPost, "/open/v1/api/"+route, []byte(`{}`), "Sec-Fetch-Site", "cross-site", "Origin", evil)
		if route == "logout" {
			expectStatus(t, r, 403)
			continue
		}
		expect(t, r, 403, crossSite)
		expectStatus(t, b.post(t, "cookie", route, `{}`, "Sec-Fetch-Site", "cross-site", "Origin", evil), 403)
	}
}

func TestCORS(t *testing.T) {
	b := prepare(t)
	b.use(t, b.sites("http://:0 {\n"+
		b.endpoint("/intelmq", b.botnet, "")+
		b.endpoint("/open", b.botnet, "insecure_no_auth")+
		b.endpoint("/openall", b.botnet, "insecure_no_auth\nallow_origins *")+
		b.endpoint("/listed", b.botnet, "allow_origins https://manager.example.org https://other.example.org:8443")+"}\n"))
	const manager, evil = "https://manager.example.org", "https://evil.example"
	for _, test := range []struct {
		name, path, origin, allow, vary string
		who                             string
		status                          int
	}{
		{"anybody", "/intelmq/v1/api/version", evil, "*", "", "reader", 200},
		{"anybody, without a token", "/intelmq/v1/api/version", evil, "*", "", "", 401},
		{"anybody, at a path that is none", "/intelmq/v1/api/nothing", evil, "*", "", "", 404},
		{"anybody, with a bad argument", "/intelmq/v1/api/botnet?action=x", evil, "*", "", "reader", 422},
		{"no page", "/intelmq/v1/api/version", "", "", "", "reader", 200},
		{"a listed one", "/listed/v1/api/version", manager, manager, "Origin", "reader", 200},
		{"a listed one, without a token", "/listed/v1/api/version", manager, manager, "Origin", "", 401},
		{"the other listed one", "/listed/v1/api/version", "https://other.example.org:8443", "https://other.example.org:8443", "Origin", "reader", 200},
		{"one that is not", "/listed/v1/api/version", evil, "", "", "reader", 200},
		{"nobody by default, where nobody has to log in", "/open/v1/api/runtime", evil, "", "", "", 200},
		{"anybody, where somebody has written so", "/openall/v1/api/runtime", evil, "*", "", "", 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			headers := b.by(test.who)
			if test.origin != "" {
				headers = append(headers, "Origin", test.origin)
			}
			r := b.Get(t, test.path, headers...)
			expectStatus(t, r, test.status)
			if got := r.Header.Get("Access-Control-Allow-Origin"); got != test.allow {
				t.Errorf("allowed is '%s', want '%s'", got, test.allow)
			}
			if got := r.Header.Get("Vary"); got != test.vary {
				t.Errorf("Vary '%s', want '%s'", got, test.vary)
			}
			if got := r.Header.Get("Access-Control-Allow-Credentials"); got != "" {
				t.Errorf("credentials are allowed: '%s'", got)
			}
		})
	}
}

// TestAPageOfAnotherSiteMayAskWithAToken: intelmq-api forbids it, so that a manager
// elsewhere works only without a log-in.
func TestAPageOfAnotherSiteMayAskWithAToken(t *testing.T) {
	b := prepare(t)
	b.use(t, b.sites("http://:0 {\n"+
		b.endpoint("/intelmq", b.botnet, "")+
		b.endpoint("/open", b.botnet, "insecure_no_auth")+
		b.endpoint("/listed", b.botnet, "allow_origins https://manager.example.org")+"}\n"))
	for _, test := range []struct {
		path, origin, method, headers string
		status                        int
		text                          string
	}{
		{"/intelmq/v1/api/botnet", "https://evil.example", "GET", "authorization", 200, "OK"},
		{"/intelmq/v1/api/login", "https://evil.example", "POST", "content-type", 200, "OK"},
		{"/intelmq/v1/api/runtime", "https://evil.example", "POST", "authorization, content-type, if-match", 200, "OK"},
		{"/intelmq/v1/api/runtime", "https://evil.example", "DELETE", "", 400, "Disallowed CORS method"},
		{"/intelmq/v1/api/runtime", "https://evil.example", "GET", "x-other", 400, "Disallowed CORS headers"},
		{"/listed/v1/api/botnet", "https://manager.example.org", "GET", "Authorization", 200, "OK"},
		{"/listed/v1/api/botnet", "https://evil.example", "GET", "Authorization", 400, "Disallowed CORS origin"},
		{"/open/v1/api/runtime", "https://evil.example", "GET", "", 400, "Disallowed CORS origin"},
	} {
		headers := []string{"Origin", test.origin, "Access-Control-Request-Method", test.method}
		if test.headers != "" {
			headers = append(headers, "Access-Control-Request-Headers", test.headers)
		}
		r := b.Do(t, http.MethodOptions, test.path, nil, headers...)
		expect(t, r, test.status, test.text)
		if r.Header.Get("Access-Control-Max-Age") != "600" || r.Header.Get("Access-Control-Allow-Methods") != "GET, POST" {
			t.Errorf("%s: %v", test.path, r.Header)
		}
	}
}
