package caddyintelmq_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// auditLine is a line of the audit trail.
type auditLine struct {
	Logger   string `json:"logger"`
	Message  string `json:"msg"`
	Change   string `json:"change"`
	Target   string `json:"target"`
	Caller   string `json:"caller"`
	Method   string `json:"method"`
	KeyID    string `json:"key_id"`
	ClientIP string `json:"client_ip"`
	Status   int    `json:"status"`
	Cause    string `json:"cause"`
}

func (b *bench) audit(t *testing.T) (lines []auditLine) {
	t.Helper()
	for text := range strings.Lines(b.Log(t)) {
		var l auditLine
		if json.Unmarshal([]byte(text), &l) == nil && l.Message == "intelmq change" {
			lines = append(lines, l)
		}
	}
	return lines
}

func TestEachChangeIsInTheAuditTrail(t *testing.T) {
	b := start(t, "")
	runtime := b.as(t, "reader", "runtime").Text
	token := b.logIn(t)
	b.botnet.Fill("csv-parser-queue", `{"a":"b"}`)
	for _, test := range []struct {
		who, method, route, body, change, target string
		status                                   int
		cause                                    string
	}{
		{"writer", "GET", "bot?action=start&id=csv-parser", "", "bot start", "csv-parser", 200, ""},
		{"token", "GET", "bot?action=reload&id=csv-parser", "", "bot reload", "csv-parser", 200, ""},
		{"cookie", "GET", "bot?action=restart&id=csv-parser", "", "bot restart", "csv-parser", 200, ""},
		{"changer", "GET", "bot?action=stop&id=csv-parser", "", "bot stop", "csv-parser", 200, ""},
		{"writer", "GET", "botnet?action=start&group=parsers", "", "botnet start", "parsers", 200, ""},
		{"writer", "GET", "botnet?action=stop", "", "botnet stop", "", 200, ""},
		{"writer", "POST", "run?bot=csv-parser&cmd=get", "", "run get", "csv-parser", 200, ""},
		{"writer", "POST", "run?bot=csv-parser&cmd=pop", "", "run pop", "csv-parser", 200, ""},
		{"writer", "POST", "run?bot=csv-parser&cmd=send", "msg=%7B%7D", "run send", "csv-parser", 200, ""},
		{"writer", "POST", "run?bot=csv-parser&cmd=process", "msg=%7B%7D", "run process", "csv-parser", 200, ""},
		{"writer", "GET", "clear?id=csv-parser-queue", "", "clear", "csv-parser-queue", 200, ""},
		{"writer", "POST", "runtime", withRate(runtime, 1), "save runtime", "", 200, ""},
		{"token", "POST", "positions", `{"a":{"x":1}}`, "save positions", "", 200, ""},
		{"writer", "GET", "bot?action=start&id=nobody", "", "bot start", "nobody", 500, "intelmqctl_failed"},
	} {
		before := len(b.audit(t))
		headers := b.by(test.who)
		if test.who == "token" {
			headers = []string{"Authorization", token}
		}
		if test.who == "cookie" {
			headers = append(headers, "Sec-Fetch-Site", "same-origin")
		}
		if test.method == "POST" && strings.HasPrefix(test.route, "run?") {
			headers = append(headers, form...)
		}
		r := b.Do(t, test.method, api+test.route, []byte(test.body), headers...)
		expectStatus(t, r, test.status)
		lines := b.audit(t)[before:]
		want := auditLine{
			Logger: "http.handlers.intelmq.audit", Message: "intelmq change", Change: test.change, Target: test.target,
			Caller: "user:admin", Method: "api_key", ClientIP: "127.0.0.1", Status: test.status, Cause: test.cause,
		}
		switch test.who {
		case "token":
			want.Method = "bare_token"
		case "cookie":
			want.Method = "session"
		}
		if len(lines) != 1 {
			t.Errorf("%s: %d lines", test.route, len(lines))
			continue
		}
		got := lines[0]
		if key := strings.Contains(b.keys[test.who], got.KeyID) && got.KeyID != ""; key != (want.Method == "api_key") {
			t.Errorf("%s: the key is '%s'", test.route, got.KeyID)
		}
		got.KeyID = ""
		if got != want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", test.route, got, want)
		}
	}
	// What is refused is no change, nor is what is only looked at.
	before := len(b.audit(t))
	for _, route := range []string{"bot?action=start&id=csv-parser", "bot?action=status&id=csv-parser", "queues", "runtime"} {
		b.as(t, "reader", route)
		b.as(t, "", route)
	}
	if lines := b.audit(t)[before:]; len(lines) > 0 {
		t.Errorf("%+v", lines)
	}
}

func TestWithoutALogInTheAuditTrailHasTheAddress(t *testing.T) {
	b := start(t, "insecure_no_auth")
	expectStatus(t, b.as(t, "", "bot?action=start&id=csv-parser"), 200)
	lines := b.audit(t)
	if len(lines) != 1 || lines[0].Caller != "address:127.0.0.1" || lines[0].Method != "none" || lines[0].Change != "bot start" {
		t.Errorf("%+v", lines)
	}
}
