package intelmqctl

import (
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for _, good := range []string{"csv-parser", "a_b.c", "1", ".", "..", strings.Repeat("x", 200)} {
		if id, err := ParseID(good); err != nil || id.String() != good {
			t.Errorf("'%s': '%s', %v", good, id, err)
		}
	}
	for name, bad := range map[string]string{
		"empty": "", "an option": "-h", "a blank": "a b", "a slash": "a/b", "a line end": "a\n", "a NUL": "a\x00",
		"no ASCII": "é", "a quote": "a'b", "too long": strings.Repeat("x", 201),
	} {
		if id, err := ParseID(bad); err == nil || id != (ID{}) {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestMessages(t *testing.T) {
	for _, good := range []string{`{}`, `{"a":1}`, " {\n} ", `{"a":"` + strings.Repeat("x", 100<<10) + `"}`} {
		if e, err := ParseEvent(good); err != nil || e.String() != good {
			t.Errorf("'%.20s': %v", good, err)
		}
	}
	for name, bad := range map[string]string{
		"empty": "", "a list": "[]", "null": "null", "a path": "/etc/passwd", "an option": "--help", "half of it": `{"a":`,
		"two of them": "{}{}", "bytes": "{\"a\":\"\xff\"}", "too long": `{"a":"` + strings.Repeat("x", 120<<10) + `"}`,
	} {
		if _, err := ParseEvent(bad); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestOthersAreNotToldAMessage is about a call that is stuck, which others hear of.
func TestOthersAreNotToldAMessage(t *testing.T) {
	id, _ := ParseID("csv-parser")
	event, _ := ParseEvent(`{"feed.name":"private"}`)
	for _, cmd := range []Command{Send{id, event}, Process{Bot: id, Event: event, DryRun: true}} {
		told := Arguments(withoutEvent(cmd))
		if slices.Contains(told, event.String()) || !slices.Contains(told, "…") || !slices.Contains(Arguments(cmd), event.String()) {
			t.Errorf("%v", told)
		}
	}
	for _, cmd := range []Command{Process{Bot: id}, Message{id, Get}, Bot{Stop, id}} {
		if told := Arguments(withoutEvent(cmd)); !slices.Equal(told, Arguments(cmd)) {
			t.Errorf("%v", told)
		}
	}
}

func TestTheReasonOfAFailureIsTheLastLine(t *testing.T) {
	f := &Failure{Cause: Failed, Message: "Traceback (most recent call last):\n  File\nredis.ConnectionError: refused\n"}
	if got, want := f.Error(), "intelmqctl_failed: redis.ConnectionError: refused"; got != want {
		t.Errorf("got '%s', want '%s'", got, want)
	}
	f.Message = strings.Repeat("x", 64<<10)
	if got := f.Error(); len(got) > 600 {
		t.Errorf("it has %d bytes", len(got))
	}
}
