package caddyintelmq_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// described are the methods of all routes, as the endpoint describes itself. A test
// of that package holds it against the table by which it answers.
func (b *bench) described(t *testing.T) map[string][]string {
	t.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	r := b.as(t, "reader", "openapi.json")
	if err := json.Unmarshal([]byte(r.Text), &document); err != nil {
		t.Fatalf("HTTP %d: %v", r.StatusCode, err)
	}
	routes := map[string][]string{}
	for path, methods := range document.Paths {
		name := path[strings.LastIndex(path, "/")+1:]
		for method := range methods {
			if method := strings.ToUpper(method); method == http.MethodGet || method == http.MethodPost {
				routes[name] = append(routes[name], method)
			}
		}
	}
	if len(routes) < 18 || !slices.Equal(routes["login"], []string{"POST"}) || len(routes["runtime"]) != 2 {
		t.Fatalf("the description has only %v", routes)
	}
	return routes
}

// arguments are good ones, so that nothing but the caller is wrong.
var arguments = map[string]string{
	"botnet": "?action=start", "bot": "?action=start&id=csv-parser", "getlog": "?id=csv-parser&lines=10",
	"clear": "?id=csv-parser-queue", "run": "?bot=csv-parser&cmd=get", "config": "?file=/etc/passwd",
}

func TestNobodyGetsInWithoutACredential(t *testing.T) {
	b := start(t, "")
	routes := b.described(t)
	before := len(b.botnet.Calls())
	forged := b.keys["writer"][:len(b.keys["writer"])-8] + "AAAAAAAA"
	for route, methods := range routes {
		if route == "login" {
			continue
		}
		for _, method := range methods {
			for name, headers := range map[string][]string{
				"nothing":           nil,
				"nonsense":          {"Authorization", "x"},
				"a forged key":      {"Authorization", "Bearer " + forged},
				"a forged key, too": {"X-Api-Key", forged},
				"a forged token":    {"Authorization", strings.Repeat("a", 32)},
				"a forged session":  {"Cookie", "__Host-sallyport=" + strings.Repeat("a", 43), "Sec-Fetch-Site", "same-origin"},
				"two credentials":   {"Authorization", "Bearer " + b.keys["writer"], "X-Api-Key", b.keys["writer"]},
				"another scheme":    {"Authorization", "Digest username=admin"},
			} {
				// Bad arguments tell nothing either, nor does a body.
				for _, given := range []string{arguments[route], "?id=-&lines=x"} {
					r := b.Do(t, method, api+route+given, []byte(`{}`), headers...)
					expect(t, r, 401, unauthorized)
					if r.Header.Get("Content-Type") != "application/json" || r.Header.Values("WWW-Authenticate") != nil || r.Header.Get("Set-Cookie") != "" {
						t.Errorf("%s %s with %s: %v", method, route, name, r.Header)
					}
				}
			}
		}
	}
	// Not for each route, since guesses of passwords are counted.
	expect(t, b.as(t, "", "queues", "Authorization", "Basic YWRtaW46d3Jvbmc="), 401, unauthorized)
	if made := b.botnet.Calls()[before:]; len(made) > 0 {
		t.Errorf("intelmqctl was called: %v", made)
	}
}

// TestScopes: a key with the scope read belongs to a user who cannot change anything.
func TestScopes(t *testing.T) {
	b := start(t, "")
	runtime := b.as(t, "reader", "runtime").Text
	reading := []string{
		"botnet?action=status", "botnet?action=status&group=parsers", "bot?action=status&id=csv-parser",
		"getlog?id=csv-parser&lines=10", "queues", "queues-and-status", "bots", "version", "check", "debug",
		"config?file=" + b.botnet.Path("var/lib/bots"), "harmonization", "runtime", "positions", "openapi.json",
	}
	changing := []string{
		"botnet?action=start", "botnet?action=reload&group=parsers", "bot?action=start&id=csv-parser",
		"bot?action=restart&id=csv-parser", "bot?action=reload&id=csv-parser", "bot?action=stop&id=csv-parser",
		"clear?id=csv-parser-queue", "botnet?action=stop",
	}
	posting := map[string][2]string{
		"run?bot=csv-parser&cmd=get":     {"", ""},
		"run?bot=csv-parser&cmd=process": {"msg=%7B%7D", form[1]},
		"runtime":                        {runtime, "application/json"},
		"positions":                      {`{"csv-parser":{"x":1,"y":2}}`, "application/json"},
	}
	may := map[string][2]bool{"reader": {true, false}, "changer": {false, true}, "nobody": {false, false}, "writer": {true, true}}
	for _, who := range []string{"reader", "changer", "nobody", "writer"} {
		before := len(b.botnet.Calls())
		b.botnet.Fill("csv-parser-queue", `{"a":"b"}`)
		for _, route := range reading {
			if r := b.as(t, who, route); r.StatusCode != statusFor(may[who][0]) {
				t.Errorf("%s %s: HTTP %d %s", who, route, r.StatusCode, r.Text)
			}
		}
		for route, sent := range posting {
			if r := b.post(t, who, route, sent[0], "Content-Type", sent[1]); r.StatusCode != statusFor(may[who][1]) {
				t.Errorf("%s %s: HTTP %d %s", who, route, r.StatusCode, r.Text)
			}
		}
		for _, route := range changing {
			if r := b.as(t, who, route); r.StatusCode != statusFor(may[who][1]) {
				t.Errorf("%s %s: HTTP %d %s", who, route, r.StatusCode, r.Text)
			}
		}
		if made := b.botnet.Calls()[before:]; who == "nobody" && len(made) > 0 {
			t.Errorf("for %s intelmqctl was called: %v", who, made)
		}
		if who == "reader" {
			for _, word := range []string{"start", "stop", "restart", "reload", "clear", "run"} {
				if made := calls(b.botnet, word); len(made) > 0 {
					t.Errorf("for a reader %v was done", made)
				}
			}
		}
	}
	expect(t, b.as(t, "reader", "botnet?action=stop"), 403, `{"error":"this needs a credential with the scope write"}`)
	expect(t, b.as(t, "changer", "queues"), 403, `{"error":"this needs a credential with the scope read"}`)
}

func statusFor(allowed bool) int {
	if allowed {
		return http.StatusOK
	}
	return http.StatusForbidden
}

// TestTheFetchLinkOfTheManagerWorksInABrowserSession: it is a link, which carries no
// Authorization but the cookie.
func TestTheFetchLinkOfTheManagerWorksInABrowserSession(t *testing.T) {
	b := start(t, "")
	file := b.botnet.Path("var/lib/bots/file-output/events.txt")
	link := "config?fetch=1&file=" + file
	r := b.as(t, "cookie", link, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate")
	if r.StatusCode != 200 || r.Text != readFile(t, file) {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
	if r.Header.Get("Content-Type") != "text/plain; charset=utf-8" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v", r.Header)
	}
	expect(t, b.as(t, "", link), 401, unauthorized)
	expect(t, b.as(t, "cookie", "config?fetch=1&file=/etc/passwd"), 200, `["Unknown resource"]`)
}

// TestWithoutALogInEverybodyMay is for those who ask for it, and they are told at
// every start.
func TestWithoutALogInEverybodyMay(t *testing.T) {
	b := start(t, "insecure_no_auth")
	for _, route := range []string{"queues", "bot?action=start&id=csv-parser", "bot?action=stop&id=csv-parser", "runtime", "openapi.json"} {
		expectStatus(t, b.as(t, "", route), 200)
	}
	for _, route := range []string{"login", "logout"} {
		expect(t, b.post(t, "", route, "username=admin&password=x", form...), 400,
			`{"error":"Session store is disabled by configuration! No login possible and required."}`)
	}
	const warning = `"msg":"insecure_no_auth: whoever reaches this endpoint can see and change the botnet without a log-in"`
	for n := 1; n <= 3; n++ {
		if got := strings.Count(b.Log(t), warning); got != n {
			t.Errorf("after %d starts the log has %d warnings", n, got)
		}
		b.use(t, b.text+"# "+strings.Repeat("x", n)+"\n")
	}
	const open = `"msg":"insecure_no_auth with allow_origins *: any page `
	b.use(t, b.site("", "insecure_no_auth\nallow_origins https://manager.example.org"))
	if strings.Contains(b.Log(t), open) {
		t.Error("there is a warning of pages of all sites, which none may read")
	}
	b.use(t, b.site("", "insecure_no_auth\nallow_origins *"))
	if got := strings.Count(b.Log(t), open); got != 1 {
		t.Errorf("the log has %d warnings that pages of all sites may read, want 1", got)
	}
}

// TestTheAuditTrailNamesWhoActsAndAsWhom: a gate before has let one act as the other.
func TestTheAuditTrailNamesWhoActsAndAsWhom(t *testing.T) {
	b := prepare(t)
	b.use(t, b.sites("http://:0 {\nroute {\ntoken_auth {\nimpersonation\n}\n"+b.endpoint("/intelmq", b.botnet, "")+"}\n}\n"))
	expectStatus(t, b.as(t, "reader", "bot?action=start&id=csv-parser", b.acting...), 403)
	expectStatus(t, b.as(t, "writer", "bot?action=start&id=csv-parser", b.acting...), 200)
	if log := b.Log(t); !strings.Contains(log, `"target":"csv-parser","caller":"user:admin on behalf of user:operator","method":"api_key"`) {
		t.Error("the audit trail does not have both")
	}
}

// TestTheCallerOfAnEarlierGateWins: a gate before has taken the credential away.
func TestTheCallerOfAnEarlierGateWins(t *testing.T) {
	b := prepare(t)
	b.use(t, b.sites("http://:0 {\nroute {\ntoken_auth {\nrequire scope read\n}\n"+b.endpoint("/intelmq", b.botnet, "")+"}\n}\n"))
	expectStatus(t, b.as(t, "reader", "queues"), 200)
	expectStatus(t, b.as(t, "reader", "bot?action=start&id=csv-parser"), 403)
	expectStatus(t, b.as(t, "writer", "bot?action=start&id=csv-parser"), 200)
	// The gate answers in its own form.
	if r := b.as(t, "", "queues"); r.StatusCode != 401 || r.Text == unauthorized {
		t.Errorf("HTTP %d %s", r.StatusCode, r.Text)
	}
	if log := b.Log(t); !strings.Contains(log, `"msg":"intelmq change","change":"bot start","target":"csv-parser","caller":"user:admin","method":"api_key"`) {
		t.Error("the audit trail does not have the caller of the gate")
	}
}
