package caddyintelmq_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const notFound = `{"error":"Not Found"}`

// TestAllFormsOfAPathAreAnsweredDirectly: old managers and Ansible tasks do not
// follow redirects, or leave the token out when they do.
func TestAllFormsOfAPathAreAnsweredDirectly(t *testing.T) {
	b := start(t, "")
	for _, path := range []string{
		"/intelmq/v1/api/version", "/intelmq/v1/api/version/", "/intelmq/v1/api/version?", "/intelmq/v1/api/version/?x=1",
		"/intelmq/api/version", "/intelmq/api/version/", "/intelmq/v1/api/%76ersion",
	} {
		expect(t, b.Get(t, path, b.by("reader")...), 200, `{"intelmq":"3.3.2a1","intelmq-api":"3.3.0"}`)
	}
	for _, path := range []string{
		"/intelmq/v1/api/runtime", "/intelmq/v1/api//runtime", "/intelmq/v1/api/runtime/", "/intelmq/v1/api//runtime/",
		"/intelmq/v1/api/positions", "/intelmq/v1/api//positions", "/intelmq/api//positions",
	} {
		r := b.Get(t, path, b.by("writer")...)
		expectStatus(t, r, 200)
		saved := b.Do(t, http.MethodPost, path, []byte(r.Text), append(b.by("writer"), "Content-Type", "application/json")...)
		expect(t, saved, 200, "success")
		if got := saved.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
			t.Errorf("%s: a save is answered as %s", path, got)
		}
	}
	for _, path := range []string{
		"/intelmq/v1/api/nothing", "/intelmq/v1/api/", "/intelmq/v1/api", "/intelmq/", "/intelmq", "/intelmq/v1/api//version",
		"/intelmq/v1/api/version//", "/intelmq/v1/api/Version", "/intelmq/v2/api/version", "/intelmq/version",
	} {
		expect(t, b.Get(t, path, b.by("reader")...), 404, notFound)
	}
	// What is not below the base is not ours.
	if r := b.Get(t, "/intelmqx/v1/api/version", b.by("reader")...); r.StatusCode != 200 || r.Text != "" {
		t.Errorf("beside the base: HTTP %d %s", r.StatusCode, r.Text)
	}
}

func TestWithoutABaseTheEndpointHasTheWholeSite(t *testing.T) {
	b := prepare(t)
	b.use(t, b.sites("http://:0 {\n"+b.endpoint("", b.botnet, "")+"}\n"))
	for _, path := range []string{"/v1/api/version", "/v1/api/version/", "/api/version"} {
		expect(t, b.Get(t, path, b.by("reader")...), 200, `{"intelmq":"3.3.2a1","intelmq-api":"3.3.0"}`)
	}
	expectStatus(t, b.Get(t, "/v1/api//runtime", b.by("reader")...), 200)
	for _, path := range []string{"/", "/intelmq/v1/api/version"} {
		expect(t, b.Get(t, path, b.by("reader")...), 404, notFound)
	}
}

// TestTheAddressOfTheDocumentWorks: http://localhost/intelmq/ is what scripts ask,
// by plain HTTP on the machine itself.
func TestTheAddressOfTheDocumentWorks(t *testing.T) {
	b := prepare(t)
	b.use(t, b.sites("http://localhost:0 {\n"+b.endpoint("/intelmq", b.botnet, "")+"}\n"))
	at := func(method, route, body string, headers ...string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, b.URL+"/intelmq/v1/api/"+route, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "localhost"
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		response, err := b.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var text strings.Builder
		if err := response.Write(&text); err != nil {
			t.Fatal(err)
		}
		_, content, _ := strings.Cut(text.String(), "\r\n\r\n")
		return response.StatusCode, content
	}
	login, err := json.Marshal(map[string]string{"username": "admin", "password": password})
	if err != nil {
		t.Fatal(err)
	}
	status, text := at(http.MethodPost, "login/", string(login), "Content-Type", "application/json")
	var answer struct {
		Token string `json:"login_token"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != 200 {
		t.Fatalf("HTTP %d %s", status, text)
	}
	for route, want := range map[string]string{
		"bot/?id=csv-parser&action=start": "running", "bot/?id=csv-parser&action=stop": "stopped", "check": `"status": "success"`,
	} {
		if status, text := at(http.MethodGet, route, "", "Authorization", answer.Token); status != 200 || !strings.Contains(text, want) {
			t.Errorf("%s: HTTP %d %s", route, status, text)
		}
	}
}

func TestMethods(t *testing.T) {
	b := start(t, "")
	for _, test := range []struct {
		method, route, allow string
		status               int
	}{
		{"HEAD", "version", "", 200},
		{"HEAD", "runtime", "", 200},
		{"HEAD", "queues", "", 200},
		{"POST", "version", "GET, HEAD, OPTIONS", 405},
		{"get", "version", "GET, HEAD, OPTIONS", 405},
		{"DELETE", "runtime", "GET, HEAD, POST, OPTIONS", 405},
		{"PUT", "positions", "GET, HEAD, POST, OPTIONS", 405},
		{"GET", "login", "POST, OPTIONS", 405},
		{"HEAD", "login", "POST, OPTIONS", 405},
		{"GET", "run?bot=csv-parser&cmd=get", "POST, OPTIONS", 405},
		{"OPTIONS", "version", "GET, HEAD, OPTIONS", 204},
		{"OPTIONS", "login/", "POST, OPTIONS", 204},
		{"OPTIONS", "nothing", "", 404},
		// A HEAD changes nothing.
		{"HEAD", "bot?action=start&id=csv-parser", "GET, OPTIONS", 405},
		{"HEAD", "botnet?action=stop", "GET, OPTIONS", 405},
		{"HEAD", "clear?id=csv-parser-queue", "GET, OPTIONS", 405},
	} {
		r := b.Do(t, test.method, api+test.route, nil, b.by("writer")...)
		if r.StatusCode != test.status || r.Header.Get("Allow") != test.allow {
			t.Errorf("%s %s: HTTP %d, Allow '%s', want %d and '%s'", test.method, test.route, r.StatusCode, r.Header.Get("Allow"), test.status, test.allow)
		}
		if test.method == http.MethodHead && r.Text != "" {
			t.Errorf("%s %s has the body %s", test.method, test.route, r.Text)
		}
		if test.status == http.StatusMethodNotAllowed && test.method != http.MethodHead {
			expect(t, r, 405, `{"error":"Method Not Allowed"}`)
		}
	}
	for _, action := range []string{"start", "stop", "clear"} {
		if made := calls(b.botnet, action); len(made) > 0 {
			t.Errorf("a HEAD has done %v", made)
		}
	}
}
