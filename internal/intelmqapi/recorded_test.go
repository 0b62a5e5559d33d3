package intelmqapi

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// recorded is an exchange with intelmq-api, and what is wanted in place of its
// answer. The plugin's testdata/README.md says what they are.
type recorded struct {
	Number         int               `json:"n"`
	Config         string            `json:"config"`
	Method         string            `json:"method"`
	Path           string            `json:"path"`
	RequestHeaders map[string]string `json:"request_headers"`
	RequestBody    string            `json:"request_body"`
	Status         int               `json:"status"`
	Headers        map[string]string `json:"headers"`
	Body           string            `json:"body"`
	Cut            bool              `json:"cut"`

	differs bool
}

// exchanges are all of them, those that are answered otherwise here with that
// answer.
func exchanges(t *testing.T) []recorded {
	t.Helper()
	var all []recorded
	readTestdata(t, "http.json", &all)
	var differences []struct {
		Exchange int `json:"exchange"`
		Want     struct {
			Status  int               `json:"status"`
			Headers map[string]string `json:"headers"`
			Body    *string           `json:"body"`
		} `json:"want"`
	}
	readTestdata(t, "differences.json", &differences)
	for _, d := range differences {
		e := &all[d.Exchange]
		e.differs, e.Status, e.Headers, e.Cut = true, d.Want.Status, d.Want.Headers, d.Want.Body == nil
		if d.Want.Body != nil {
			e.Body = *d.Want.Body
		}
	}
	return all
}

func readTestdata(t *testing.T, name string, value any) {
	t.Helper()
	text, err := os.ReadFile("../../caddyintelmq/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, value); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// ask is what a handler does before it runs anything.
func (e *recorded) ask() (*Question, *Answer) {
	path, query, _ := strings.Cut(e.Path, "?")
	route, found := Find(path)
	switch {
	case !found:
		return nil, NotFound()
	case e.Method == http.MethodOptions:
		return nil, Options(route)
	case !route.Allows(e.Method):
		return nil, MethodNotAllowed(route)
	}
	read := ReadForm
	if route == RouteLogin {
		read = Fields
	}
	form, invalid := read(e.RequestHeaders["Content-Type"], []byte(e.RequestBody))
	if invalid != nil {
		return nil, Unprocessable(invalid)
	}
	q, invalid := Parse(route, e.Method, query, form)
	if invalid == nil && q.Save {
		_, invalid = ReadObject(e.RequestHeaders["Content-Type"], []byte(e.RequestBody))
	}
	if invalid != nil {
		return nil, Unprocessable(invalid)
	}
	return q, nil
}

func (e *recorded) isPreflight() bool { return e.RequestHeaders["Access-Control-Request-Method"] != "" }

// check compares an answer with the wanted one. Headers that are not wanted may
// be there.
func (e *recorded) check(t *testing.T, got *Answer) {
	t.Helper()
	if got.Status != e.Status {
		t.Errorf("exchange %d (%s %s): status %d, want %d", e.Number, e.Method, e.Path, got.Status, e.Status)
	}
	if body := string(got.Body); !e.Cut && e.Method != http.MethodHead && body != e.Body {
		t.Errorf("exchange %d (%s %s):\n got %s\nwant %s", e.Number, e.Method, e.Path, body, e.Body)
	}
	for name, value := range e.Headers {
		have := got.Header.Get(name)
		if name == "content-type" {
			have = got.ContentType
		}
		if isCORS := strings.HasPrefix(name, "access-control-") || name == "vary"; isCORS && !e.isPreflight() {
			continue
		}
		if have != value {
			t.Errorf("exchange %d (%s %s): %s is '%s', want '%s'", e.Number, e.Method, e.Path, name, have, value)
		}
	}
}

func TestWhatIsRefusedIsRefusedAsRecorded(t *testing.T) {
	count := 0
	for _, e := range exchanges(t) {
		if e.isPreflight() || e.Status == http.StatusUnauthorized || e.Status == 0 {
			continue
		}
		_, answer := e.ask()
		switch {
		case answer != nil:
			count++
			e.check(t, answer)
		case e.Status == 204 || e.Status == 404 || e.Status == 405 || e.Status == 422:
			if isAboutContent(&e) {
				continue
			}
			t.Errorf("exchange %d (%s %s): goes on, want status %d", e.Number, e.Method, e.Path, e.Status)
		}
	}
	if count < 60 {
		t.Errorf("only %d exchanges were compared", count)
	}
}

// isAboutContent reports whether an exchange is refused by what files hold: one
// that is not there, and an object that would empty one.
func isAboutContent(e *recorded) bool {
	return strings.Contains(e.Path, "/config?file=") || e.RequestBody == "{}"
}

// The recorder has had a command that prints its arguments.
func TestArgumentsAreThoseThatWereRecorded(t *testing.T) {
	count := 0
	var originals []recorded
	readTestdata(t, "http.json", &originals)
	for _, e := range originals {
		if e.Config != "command prints its own arguments" || e.Status != http.StatusOK {
			continue
		}
		q, answer := e.ask()
		if answer != nil {
			continue // It was refused by purpose, which another test holds.
		}
		printed := e.Body
		switch q.Route {
		case RouteVersion:
			printed = "[--version]\n"
		case RouteRun:
			if err := json.Unmarshal([]byte(e.Body), &printed); err != nil {
				t.Fatal(err)
			}
		default:
		}
		if got := "[" + strings.Join(intelmqctl.Arguments(q.Command), "]\n[") + "]\n"; got != printed {
			t.Errorf("exchange %d (%s):\n got %s\nwant %s", e.Number, e.Path, got, printed)
		}
		count++
	}
	if count != 24 {
		t.Errorf("%d exchanges were compared, want 24", count)
	}
}

func TestPreflightsAreAnsweredAsRecorded(t *testing.T) {
	for _, e := range exchanges(t) {
		if e.isPreflight() {
			h := e.RequestHeaders
			e.check(t, origins(t, e.Config).Preflight(h["Origin"], h["Access-Control-Request-Method"], h["Access-Control-Request-Headers"]))
		}
	}
}

func TestHeadersForOtherOriginsAreThoseRecorded(t *testing.T) {
	for _, e := range exchanges(t) {
		if e.isPreflight() || e.RequestHeaders["Origin"] == "" {
			continue
		}
		got := origins(t, e.Config).Simple(e.RequestHeaders["Origin"])
		for _, name := range []string{"access-control-allow-origin", "vary"} {
			if got.Get(name) != e.Headers[name] {
				t.Errorf("exchange %d: %s is '%s', want '%s'", e.Number, name, got.Get(name), e.Headers[name])
			}
		}
	}
}

func origins(t *testing.T, config string) Origins {
	t.Helper()
	var allowed []string
	if config == "allow_origins one origin" {
		allowed = []string{"https://manager.example.org"}
	}
	o, err := ParseOrigins(allowed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestAnswersAreThoseRecorded makes each kind of answer of what is in it.
func TestAnswersAreThoseRecorded(t *testing.T) {
	seen := make(map[string]bool)
	for _, e := range exchanges(t) {
		if e.Cut || e.isPreflight() || e.Status == 0 {
			continue
		}
		if kind, answer := rebuild(t, &e); answer != nil {
			seen[kind] = true
			e.check(t, answer)
		}
	}
	for _, kind := range []string{"401", "login failed", "login off", "logged in", "version", "text", "failed", "saved", "unknown"} {
		if !seen[kind] {
			t.Errorf("no answer of the kind '%s' was compared", kind)
		}
	}
}

func rebuild(t *testing.T, e *recorded) (kind string, answer *Answer) {
	t.Helper()
	var members map[string]string
	var text string
	_ = json.Unmarshal([]byte(e.Body), &members)
	_ = json.Unmarshal([]byte(e.Body), &text)
	switch {
	case e.Status == 401 && strings.Contains(e.Body, "Token"):
		return "401", Unauthorized()
	case e.Status == 401:
		return "login failed", LoginFailed()
	case e.Status == 400:
		return "login off", LoginOff()
	case members["login_token"] != "":
		return "logged in", LoggedIn(members["login_token"], members["username"])
	case members["intelmq-api"] != "":
		return "version", Version(members["intelmq"] + "\n")
	case e.Status == 200 && strings.Contains(e.Path, "/run?"):
		return "text", Text(text)
	case members["command"] != "":
		cause := intelmqctl.Failed
		if e.Status == http.StatusGatewayTimeout {
			cause = intelmqctl.TimedOut
		}
		return "failed", Failed(&intelmqctl.Failure{Cause: cause, Tip: members["tip"], Message: members["message"], Command: members["command"]})
	case e.Body == "success":
		return "saved", Saved("")
	case strings.HasPrefix(e.Body, `["Unknown`):
		return "unknown", UnknownResource()
	}
	return "", nil
}
