package caddyintelmq_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestARunOnAnEmptyQueueEnds: intelmqctl itself waits for ever, and has stopped the bot
// for the while.
func TestARunOnAnEmptyQueueEnds(t *testing.T) {
	b := start(t, "run_timeout 1s")
	expect(t, b.as(t, "writer", "bot?action=start&id=csv-parser"), 200, `"running"`)
	before := b.botnet.Processes("csv-parser")
	for _, route := range []string{"run?bot=csv-parser&cmd=get", "run?bot=csv-parser&cmd=process"} {
		began := time.Now()
		r := b.post(t, "writer", route, "")
		if took := time.Since(began); took < time.Second || took > 5*time.Second {
			t.Errorf("%s took %s", route, took)
		}
		if r.StatusCode != 504 || !strings.Contains(r.Text, `"tip":"The queue of this bot is probably empty`) || !strings.Contains(r.Text, `has not ended by itself in 1`) {
			t.Errorf("%s: HTTP %d %s", route, r.StatusCode, r.Text)
		}
		expect(t, b.as(t, "reader", "bot?action=status&id=csv-parser"), 200, `"running"`)
	}
	if after := b.botnet.Processes("csv-parser"); len(before) != 1 || len(after) != 1 || after[0] == before[0] {
		t.Errorf("the process of the bot was %v and is %v", before, after)
	}
}

// TestARunAnswersAStringThatTheManagerTakesApart at its line ends: it looks for the two
// braces.
func TestARunAnswersAStringThatTheManagerTakesApart(t *testing.T) {
	b := start(t, "")
	b.botnet.Fill("csv-parser-queue", `{"raw":"a"}`, `{"raw":"b"}`)
	for _, test := range []struct{ route, body, contains string }{
		{"run?bot=csv-parser&cmd=get", "", "\n{\n    \"raw\": \"a\"\n}\n"},
		{"run?bot=csv-parser&cmd=pop", "", "\n{\n    \"raw\": \"a\"\n}\n"},
		{"run?bot=csv-parser&cmd=get&cmd=pop", "", "\n{\n    \"raw\": \"b\"\n}\n"},
		{"run?bot=csv-parser&cmd=send", "msg=%7B%22raw%22%3A%22%C3%BC%22%7D", "The message is sent."},
		{"run?bot=csv-parser&cmd=process&show=true&dry=1", "msg=%7B%22raw%22%3A%22c%22%7D", "DRYRUN"},
	} {
		r := b.post(t, "writer", test.route, test.body, form...)
		var text string
		if err := json.Unmarshal([]byte(r.Text), &text); err != nil || r.StatusCode != 200 || !strings.Contains(text, test.contains) {
			t.Errorf("%s: HTTP %d %s", test.route, r.StatusCode, r.Text)
		}
	}
	if sent := b.botnet.Queue("dedup-expert-queue"); len(sent) != 1 || !strings.Contains(sent[0], "ü") {
		t.Errorf("sent is %q", sent)
	}
}

// TestNothingOfAClientBecomesAnOption or a path of a file.
func TestNothingOfAClientBecomesAnOption(t *testing.T) {
	b := start(t, "")
	for _, route := range []string{
		"bot?action=start&id=--help", "bot?action=start&id=-h", "bot?action=start&id=a%20b", "bot?action=start&id=a%0Ab",
		"bot?action=start&id=../x", "bot?action=start&id=", "bot?action=--help&id=csv-parser", "botnet?action=start&group=--help",
		"clear?id=--help", "getlog?id=--help&lines=1", "getlog?id=csv-parser&lines=--help",
	} {
		if r := b.as(t, "writer", route); r.StatusCode != 422 {
			t.Errorf("%s: HTTP %d %s", route, r.StatusCode, r.Text)
		}
	}
	for route, body := range map[string]string{
		"run?bot=--help&cmd=get": "", "run?bot=csv-parser&cmd=--help": "", "run?bot=csv-parser&cmd=send": "msg=--help",
		"run?bot=csv-parser&cmd=process": "msg=/etc/passwd",
	} {
		if r := b.post(t, "writer", route, body, form...); r.StatusCode != 422 {
			t.Errorf("%s %s: HTTP %d %s", route, body, r.StatusCode, r.Text)
		}
	}
	if made := b.botnet.Calls(); len(made) > 0 {
		t.Errorf("intelmqctl was called: %v", made)
	}
}
