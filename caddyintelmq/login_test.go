package caddyintelmq_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"
)

// loginFailed is what scripts and the manager read after a wrong password.
const loginFailed = `{"error":"Invalid username and/or password.","errors":{"login":"Invalid username and/or password."}}`

func TestAllFormsOfALogInGiveAToken(t *testing.T) {
	b := start(t, "")
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	for name, value := range map[string]string{"username": "admin", "password": password} {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	urlencoded := "username=admin&password=F%C3%BCnf%3A+Kamele+im+Schnee"
	for _, test := range []struct{ name, route, contentType, body string }{
		{"a form", "login", "application/x-www-form-urlencoded", urlencoded},
		{"a form with a charset", "login", "application/x-www-form-urlencoded; charset=UTF-8", urlencoded},
		{"a form, to the address of the document", "login/", "application/x-www-form-urlencoded", urlencoded},
		{"a form of parts", "login", w.FormDataContentType(), parts.String()},
		{"a form of parts, to the address of the document", "login/", w.FormDataContentType(), parts.String()},
		{"JSON", "login", "application/json", `{"username":"admin","password":"` + password + `"}`},
		{"JSON of Ansible", "login/", "application/json", `{"username": "admin", "password": "F\u00fcnf: Kamele im Schnee"}`},
		{"a name in capitals", "login", "application/json", `{"username":"ADMIN","password":"` + password + `"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := b.post(t, "", test.route, test.body, "Content-Type", test.contentType)
			token := tokenIn(t, r)
			if got := r.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content type %s", got)
			}
			for _, field := range []string{token, "Bearer " + token, "bearer " + token} {
				expectStatus(t, b.as(t, "", "queues", "Authorization", field), 200)
			}
		})
	}
	expect(t, b.as(t, "", "bot?id=csv-parser&action=stop", "Authorization", b.logIn(t)), 200, `"stopped"`)
}

func TestALogInThatFails(t *testing.T) {
	b := start(t, "")
	for _, test := range []struct {
		name, contentType, body string
		status                  int
		want                    string
	}{
		{"a wrong password", form[1], "username=admin&password=x", 401, loginFailed},
		{"an unknown user", form[1], "username=eve&password=x", 401, loginFailed},
		{"a wrong password in JSON", "application/json", `{"username":"admin","password":"x"}`, 401, loginFailed},
		{"no password", form[1], "username=admin", 422, `{"detail":[{"loc":["body","password"],"msg":"field required","type":"value_error.missing"}]}`},
		{"nothing", "", "", 422, `{"detail":[{"loc":["body","username"],"msg":"field required","type":"value_error.missing"},{"loc":["body","password"],"msg":"field required","type":"value_error.missing"}]}`},
		{"a number for a password", "application/json", `{"username":"admin","password":1}`, 422, `{"detail":[{"loc":["body","password"],"msg":"str type expected","type":"type_error.str"}]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := b.post(t, "", "login", test.body, "Content-Type", test.contentType)
			expect(t, r, test.status, test.want)
			if got := r.Header.Values("WWW-Authenticate"); len(got) > 0 {
				t.Errorf("WWW-Authenticate: %q", got)
			}
		})
	}
	// Who is not known yet cannot send much.
	expect(t, b.post(t, "", "login", "username=admin&password="+strings.Repeat("x", 64<<10), form...), 413, `{"error":"the body is longer than 65536 bytes"}`)
	// Arguments of a URL end up in logs.
	if r := b.post(t, "", "login?username=admin&password=x", ""); r.StatusCode != 422 {
		t.Errorf("a password in the URL: HTTP %d %s", r.StatusCode, r.Text)
	}
}

// TestAnotherSiteLocksNobodyOut: what it has a browser post is refused before the
// password is looked at.
func TestAnotherSiteLocksNobodyOut(t *testing.T) {
	b := start(t, "allow_origins https://manager.example.org")
	const wrong = "username=admin&password=x"
	const refused = `{"error":"this page cannot log in here; allow_origins lists those that can"}`
	for range 5 {
		for _, page := range [][]string{
			{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Origin", "https://manager.example.org"},
			{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Origin", "https://evil.example"},
			{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors", "Origin", "https://evil.example"},
			{"Origin", "https://evil.example"},
		} {
			expect(t, b.post(t, "", "login", wrong, append(page, form...)...), 403, refused)
		}
	}
	b.logIn(t)
	listed := append([]string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Origin", "https://manager.example.org"}, form...)
	tokenIn(t, b.post(t, "", "login", "username=admin&password=F%C3%BCnf%3A+Kamele+im+Schnee", listed...))
}

// TestALogInFromElsewhereNeedsTLS: only a proxy could have added the header.
func TestALogInFromElsewhereNeedsTLS(t *testing.T) {
	b := start(t, "")
	body := "username=admin&password=F%C3%BCnf%3A+Kamele+im+Schnee"
	r := b.post(t, "", "login", body, form[0], form[1], "X-Forwarded-For", "192.0.2.1")
	if r.StatusCode == 200 || strings.Contains(r.Text, "login_token") {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
	b.use(t, b.site("", "insecure_plain_http"))
	tokenIn(t, b.post(t, "", "login", body, form[0], form[1], "X-Forwarded-For", "192.0.2.1"))
}

func TestALogOutEndsTheSession(t *testing.T) {
	b := start(t, "")
	token, other := b.logIn(t), b.logIn(t)
	expect(t, b.post(t, "", "logout", "", "Authorization", token), 200, `"success"`)
	for range 2 {
		expect(t, b.as(t, "", "queues", "Authorization", token), 401, unauthorized)
		expect(t, b.post(t, "", "logout", "", "Authorization", token), 401, unauthorized)
	}
	expectStatus(t, b.as(t, "", "queues", "Authorization", "Bearer "+other), 200)
	// A key has no session that could end, and lives on.
	expectStatus(t, b.post(t, "reader", "logout", ""), 400)
	expectStatus(t, b.as(t, "reader", "queues"), 200)
	// That of a browser ends too.
	expect(t, b.post(t, "cookie", "logout", "", "Sec-Fetch-Site", "same-origin"), 200, `"success"`)
	expect(t, b.as(t, "cookie", "queues"), 401, unauthorized)
}

// TestATokenLivesAsLongAsItIsUsed waits in real time: the life of a token is in
// whole seconds.
func TestATokenLivesAsLongAsItIsUsed(t *testing.T) {
	b := start(t, "session_lifetime 2s")
	used, unused := b.logIn(t), b.logIn(t)
	began := time.Now()
	for time.Since(began) < 3200*time.Millisecond {
		expectStatus(t, b.as(t, "", "queues", "Authorization", used), http.StatusOK)
		time.Sleep(200 * time.Millisecond)
	}
	expect(t, b.as(t, "", "queues", "Authorization", unused), 401, unauthorized)
	expectStatus(t, b.as(t, "", "queues", "Authorization", used), http.StatusOK)
}
