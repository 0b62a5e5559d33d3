package caddyauth_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/principal"
)

func TestASessionChangesNothingWithoutItsToken(t *testing.T) {
	a := startAPI(t, "")
	r := postJSON(t, a.Server, "/api/v1/auth/login", loginBody("alice", alicePassword))
	cookies := strings.Join(r.Header.Values("Set-Cookie"), "\n")
	mine, other := a.logIn(t, "alice", alicePassword), a.logIn(t, "alice", alicePassword)
	const want = "; Path=/; Max-Age=86400; Secure; SameSite=Lax"
	if !strings.Contains(cookies, "XSRF-TOKEN=") || !strings.HasSuffix(cookies, want) || strings.Count(cookies, "HttpOnly") != 1 {
		t.Errorf("the cookies are %s", cookies)
	}
	page := []string{"Cookie", "__Host-sallyport=" + mine.cookie, "Sec-Fetch-Site", "same-origin"}
	with := func(token ...string) []string {
		headers := page
		for _, t := range token {
			headers = append(headers, "X-XSRF-TOKEN", t)
		}
		return headers
	}
	const text = "Send the value of the cookie XSRF-TOKEN in the header X-XSRF-TOKEN."
	for name, headers := range map[string][]string{
		"none":                        with(),
		"an empty one":                with(""),
		"that of another session":     with(credential.XSRFToken(other.cookie)),
		"the session itself":          with(mine.cookie),
		"the cookie without a header": {"Cookie", "__Host-sallyport=" + mine.cookie + "; XSRF-TOKEN=" + credential.XSRFToken(mine.cookie), "Sec-Fetch-Site", "same-origin"},
	} {
		t.Run(name, func(t *testing.T) {
			expectFailure(t, a.Do(t, "POST", logoutPath, nil, headers...), 403, "xsrf", text)
			expectFailure(t, a.send(t, "PUT", usersPath+"alice", `{}`, headers...), 403, "xsrf", text)
			expectFailure(t, a.Do(t, "DELETE", sessionsPath, nil, headers...), 403, "xsrf", text)
		})
	}
	// Who sends a header on purpose needs no token, and gets none.
	r = a.send(t, "PUT", usersPath+"alice", `{}`, bearer(mine.token)...)
	expectStatus(t, r, 200, "")
	if len(r.Cookies()) != 0 {
		t.Errorf("cookies %v", r.Cookies())
	}
	// Whoever has lost the token gets it by reading.
	r = a.whoami(t, page...)
	if got := r.Header.Get("Set-Cookie"); got != "XSRF-TOKEN="+credential.XSRFToken(mine.cookie)+want {
		t.Errorf("lost: %s", got)
	}
	r = a.whoami(t, "Cookie", "__Host-sallyport="+mine.cookie+"; XSRF-TOKEN="+credential.XSRFToken(mine.cookie))
	if len(r.Cookies()) != 0 {
		t.Errorf("there already, and yet %v", r.Cookies())
	}
	expectStatus(t, a.Do(t, "POST", logoutPath, nil, with(credential.XSRFToken(mine.cookie))...), 200, "")
}

func TestBehindAGateTheTokenIsThatOfTheSession(t *testing.T) {
	a := startAPIFile(t, `{
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
}
http://:0 {
	auth_api /api
	route /inner/* {
		token_auth {
			impersonation
		}
		auth_api /inner
	}
	route /kept/* {
		token_auth {
			forward_credential
		}
		auth_api /kept
	}
}`)
	mine, other := a.logIn(t, "alice", alicePassword), a.logIn(t, "alice", alicePassword)
	token, forged := credential.XSRFToken(mine.cookie), credential.XSRFToken(other.cookie)
	page := []string{"Sec-Fetch-Site", "same-origin", "Cookie", "__Host-sallyport=" + mine.cookie}
	for _, path := range []string{"/inner", "/kept"} {
		for name, test := range map[string]struct {
			cookie, header string
			want           int
		}{
			"both":                       {"; XSRF-TOKEN=" + token, token, 200},
			"the header alone":           {"", token, 200},
			"the cookie alone":           {"; XSRF-TOKEN=" + token, "", 403},
			"neither":                    {"", "", 403},
			"an equal pair":              {"; XSRF-TOKEN=x", "x", 403},
			"the pair of another":        {"; XSRF-TOKEN=" + forged, forged, 403},
			"the right cookie, a header": {"; XSRF-TOKEN=" + token, forged, 403},
		} {
			headers := append(page[:3:3], page[3]+test.cookie)
			if got := a.send(t, "PUT", path+"/v1/user/alice", `{}`, append(headers, "X-XSRF-TOKEN", test.header)...).StatusCode; got != test.want {
				t.Errorf("%s: %s: %d, want %d", path, name, got, test.want)
			}
		}
		if got := a.Get(t, path+"/v1/user/whoami", page...).StatusCode; got != 200 {
			t.Errorf("%s: reading: %d", path, got)
		}
	}

	// Who acts as another user does so with a session of his own.
	key := a.issueNow("impersonate_ops", func(n *identity.NewKey) {
		n.Impersonation, n.Agents, n.Scopes = true, []string{"bob"}, principal.Read|principal.Write
	})
	waitForStore()
	bobs := a.logIn(t, "bob", bobPassword)
	for header, want := range map[string]string{credential.XSRFToken(bobs.cookie): "insufficient_scope", token: "xsrf"} {
		headers := []string{"Sec-Fetch-Site", "same-origin", "Cookie", "__Host-sallyport=" + bobs.cookie, "X-XSRF-TOKEN", header}
		// What he asks for is for alice herself, so it is refused for that at the most.
		if got := a.send(t, "DELETE", "/inner/v1/user/alice", "", as(key, headers)...).Header.Get("X-Error-Code"); got != want {
			t.Errorf("acting: '%s', want '%s'", got, want)
		}
	}
}
