package caddyauth_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/credential"
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

func TestBehindAGateTheTokenIsTheCookie(t *testing.T) {
	a := startAPIFile(t, `{
	caddyauth {
		store sqlite {$DIR}/auth.db
	}
}
http://:0 {
	auth_api /api
	route /inner/* {
		token_auth
		auth_api /inner
	}
}`)
	mine := a.logIn(t, "alice", alicePassword)
	token := credential.XSRFToken(mine.cookie)
	page := []string{"Sec-Fetch-Site", "same-origin", "Cookie", "__Host-sallyport=" + mine.cookie}
	put := func(cookie, header string) int {
		headers := append(page[:3:3], page[3]+cookie)
		return a.send(t, "PUT", "/inner/v1/user/alice", `{}`, append(headers, "X-XSRF-TOKEN", header)...).StatusCode
	}
	if got := put("", token); got != 403 {
		t.Errorf("no cookie: %d", got)
	}
	if got := put("; XSRF-TOKEN="+token, ""); got != 403 {
		t.Errorf("no header: %d", got)
	}
	if got := put("; XSRF-TOKEN="+token, token); got != 200 {
		t.Errorf("both: %d", got)
	}
	if got := a.Get(t, "/inner/v1/user/whoami", page...).StatusCode; got != 200 {
		t.Errorf("reading: %d", got)
	}
}
