package caddyintelmq_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// Secrets that are sent, of which none may be in any output.
const (
	guess        = "guessed-Password-22"
	guessedToken = "guessedTokenguessedTokenguessedTokenguessedTokenguessedTokenXYZ1"
	botPassword  = "feed-Password-333"
)

// TestNoSecretIsInAnyOutput does everything once, good and bad, and then looks for the
// secrets in all that was written.
func TestNoSecretIsInAnyOutput(t *testing.T) {
	b := prepare(t)
	site := b.site("log access {\n\toutput file {$DIR}/access.json\n\tformat filter {\n\t\trequest>headers credentials\n\t\trequest>uri credentials\n\t\tresp_headers credentials\n\t}\n}", "timeout 1s")
	b.use(t, strings.Replace(site, "{\n", "{\n\tdebug\n", 1))
	secrets := map[string]string{
		"password": password, "cookie": b.cookie, "guessed password": guess, "guessed token": guessedToken, "password of a feed": botPassword,
	}
	for name, key := range b.keys {
		secrets["key "+name] = key
	}
	written := map[string]string{"arguments": strings.Join(os.Args, " ")}
	statuses := map[int]int{}
	who := [][]string{
		b.by("reader"), b.by("writer"),
		{"X-Api-Key", b.keys["writer"]},
		append(b.by("cookie"), "Sec-Fetch-Site", "same-origin"),
		{"Authorization", guessedToken},
		{"Authorization", "Bearer " + guessedToken},
		{"Cookie", "__Host-sallyport=" + guessedToken},
	}
	for _, contentType := range []string{form[1], asJSON[1]} {
		token := b.logInAs(t, contentType)
		secrets["token by "+contentType] = token
		who = append(who, []string{"Authorization", token}, []string{"Authorization", "Bearer " + token})
	}
	note := func(method, path, body string, headers ...string) {
		r := b.Do(t, method, path, []byte(body), headers...)
		statuses[r.StatusCode]++
		// The configuration of the botnet has secrets, for those who may see it.
		if !strings.HasSuffix(path, "/runtime") {
			written["answers"] += r.Text + fmt.Sprint(r.Header)
		}
	}
	for _, body := range []string{
		"username=admin&password=" + guess, "username=" + guess + "&password=" + guess, "password=" + guess, "%zz" + guess,
	} {
		note("POST", api+"login", body, form...)
	}
	for _, body := range []string{
		`{"username":"admin","password":"` + guess + `"}`, `{"username":"admin","password":["` + guess + `"]}`, `{"password":"` + guess, `"` + guess + `"`,
	} {
		note("POST", api+"login", body, asJSON...)
	}
	runtime := strings.Replace(b.as(t, "reader", "runtime").Text, `"rate_limit":0`, `"rate_limit":0,"http_password":"`+botPassword+`"`, 1)
	note("GET", api+"queues", "", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("admin:"+guess)))
	for _, headers := range who {
		for _, route := range []string{"queues", "version", "getlog", "config?file=/etc/passwd", "nothing", "bot?action=start&id=-"} {
			note("GET", api+route, "", headers...)
		}
		for _, body := range []string{`{"a":"` + botPassword + `"}`, `["` + botPassword + `"]`} {
			note("POST", api+"runtime", body, append(asJSON, headers...)...)
		}
	}
	for _, headers := range [][]string{b.by("writer"), who[len(who)-1]} {
		for _, route := range []string{"check", "bot?action=reload&id=csv-parser", "bot?action=start&id=nobody"} {
			note("GET", api+route, "", headers...)
		}
		note("POST", api+"runtime", runtime, append(asJSON, headers...)...)
		b.botnet.Switch("crash=1")
	}
	for _, headers := range who[len(who)-2:] {
		note("POST", api+"logout", "", headers...)
	}
	b.health(t)
	for _, path := range []string{"/config/", "/metrics", "/caddyintelmq/health"} {
		if written[path] = b.admin(t, path).Text; written[path] == "" {
			t.Errorf("%s is empty", path)
		}
	}
	for _, status := range []int{200, 401, 403, 404, 422, 500} {
		if statuses[status] == 0 {
			t.Errorf("there was no answer %d: %v", status, statuses)
		}
	}
	for _, call := range b.botnet.Calls() {
		written["arguments of intelmqctl"] += strings.Join(call.Arguments, " ")
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	for name, line := range map[string]string{"log.json": `"msg":"intelmq change"`, "access.json": `"uri":"/intelmq/v1/api/login"`} {
		written[name] = readFile(t, filepath.Join(b.Dir, name))
		if !strings.Contains(written[name], line) {
			t.Errorf("%s has no %s; this test looks in the wrong place", name, line)
		}
	}
	for where, text := range written {
		for what, secret := range secrets {
			for _, form := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
				if before, _, found := strings.Cut(text, form); found {
					t.Errorf("%s holds the %s, behind '%s'", where, what, before[max(0, len(before)-300):])
				}
			}
		}
	}
}

// logInAs logs in with a body of a type.
func (b *bench) logInAs(t *testing.T, contentType string) string {
	t.Helper()
	body := url.Values{"username": {"admin"}, "password": {password}}.Encode()
	if contentType == asJSON[1] {
		body = `{"username":"admin","password":"` + password + `"}`
	}
	return tokenIn(t, b.Do(t, http.MethodPost, api+"login", []byte(body), "Content-Type", contentType))
}
