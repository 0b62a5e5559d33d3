package intelmqapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		what              string
		got               *Answer
		status            int
		contentType, body string
	}{
		{"JSON as it is", Raw([]byte("{\n    \"a\": 1\n}\n")), 200, "application/json", "{\n    \"a\": 1\n}\n"},
		{"text as JSON", Text("a\n<ü>\"\\\x1b\u2603"), 200, "application/json", `"a\n<ü>\"\\\u001b☃"`},
		{"version", Version(" 3.3.2\n"), 200, "application/json", `{"intelmq":"3.3.2","intelmq-api":"3.3.0"}`},
		{"logged in", LoggedIn("0a", "übung"), 200, "application/json", `{"login_token":"0a","username":"übung"}`},
		{"logged out", LoggedOut(), 200, "application/json", `"success"`},
		{"saved", Saved(""), 200, "text/plain; charset=utf-8", "success"},
		{"not saved", SaveFailed("disk full"), 500, "text/plain; charset=utf-8", "disk full"},
		{"a file", PlainFile([]byte("<b>")), 200, "text/plain; charset=utf-8", "<b>"},
		{"no file", UnknownResource(), 200, "application/json", `["Unknown resource"]`},
		{"no route", NotFound(), 404, "application/json", `{"error":"Not Found"}`},
		{"no such method", MethodNotAllowed(RouteRun), 405, "application/json", `{"error":"Method Not Allowed"}`},
		{"what there is", Options(RouteRun), 204, "", ""},
		{"no token", Unauthorized(), 401, "application/json", `{"error":{"Authentication Required":"Please provide valid Token verification credentials"}}`},
		{"a bad log-in", LoginFailed(), 401, "application/json", `{"error":"Invalid username and/or password.","errors":{"login":"Invalid username and/or password."}}`},
		{"no log-in", LoginOff(), 400, "application/json", `{"error":"Session store is disabled by configuration! No login possible and required."}`},
		{"refused", Refused(412, "it was changed", 0), 412, "application/json", `{"error":"it was changed"}`},
	} {
		if c.got.Status != c.status || c.got.ContentType != c.contentType || string(c.got.Body) != c.body {
			t.Errorf("%s: %d %s '%s'", c.what, c.got.Status, c.got.ContentType, c.got.Body)
		}
	}
}

func TestHeadersOfAnswers(t *testing.T) {
	for _, c := range []struct {
		what, name, want string
		got              *Answer
	}{
		{"no route has this method", "Allow", "GET, HEAD, POST, OPTIONS", MethodNotAllowed(RouteRuntime)},
		{"what there is", "Allow", "GET, OPTIONS", Options(RouteBot)},
		{"saved", "ETag", `"1"`, Saved(`"1"`)},
		{"saved without a tag", "ETag", "", Saved("")},
		{"content with a tag", "ETag", `"2"`, Tagged(Raw(nil), `"2"`)},
		{"a file", "X-Content-Type-Options", "nosniff", PlainFile(nil)},
		{"not saved", "X-Content-Type-Options", "nosniff", SaveFailed("<b>")},
		{"refused for a while", "Retry-After", "2", Refused(429, "x", 1500*time.Millisecond)},
		{"refused for good", "Retry-After", "", Refused(403, "x", 0)},
		{"no token", "WWW-Authenticate", "", Unauthorized()},
	} {
		if got := c.got.Header.Get(c.name); got != c.want {
			t.Errorf("%s: %s is '%s', want '%s'", c.what, c.name, got, c.want)
		}
	}
}

func TestFailuresOfCommands(t *testing.T) {
	for cause, want := range map[intelmqctl.Cause]int{
		intelmqctl.Failed:        http.StatusInternalServerError,
		intelmqctl.NotExecutable: http.StatusInternalServerError,
		intelmqctl.TooLong:       http.StatusInternalServerError,
		intelmqctl.TimedOut:      http.StatusGatewayTimeout,
		intelmqctl.Busy:          http.StatusServiceUnavailable,
		intelmqctl.Locked:        http.StatusServiceUnavailable,
		intelmqctl.Stuck:         http.StatusServiceUnavailable,
		intelmqctl.Gone:          http.StatusServiceUnavailable,
	} {
		a := Failed(&intelmqctl.Failure{Cause: cause, Message: "<no>\n", Command: "intelmqctl 'a b'", Tip: "wait & see", Wait: 5 * time.Second})
		if a.Status != want || a.ContentType != "application/json" || a.Header.Get("Retry-After") != "5" {
			t.Errorf("%s: %d, want %d; %v", cause, a.Status, want, a.Header)
		}
		if body := string(a.Body); body != `{"tip":"wait & see","message":"<no>\n","command":"intelmqctl 'a b'"}` {
			t.Errorf("%s: %s", cause, body)
		}
	}
	if a := Failed(&intelmqctl.Failure{Cause: intelmqctl.Failed}); a.Header.Get("Retry-After") != "" {
		t.Error("nobody knows when to try again")
	}
}
