package intelmqctl_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// TestLogLevels: what a level means depends on the version of intelmqctl, and so does
// where the lines go that belong to one that is left out.
func TestLogLevels(t *testing.T) {
	const text = `2026-01-02 03:04:05,006 - csv-parser - DEBUG - debug
2026-01-02 03:04:05,006 - csv-parser - INFO - info
2026-01-02 03:04:05,006 - csv-parser.7 - WARNING - warning
2026-01-02 03:04:05,006 - csv-parser - ERROR - error
detail
2026-01-02 03:04:05,006 - csv-parser - CRITICAL - critical`
	b := intelmqctl.Start(t)
	b.Log("csv-parser", text)
	for _, c := range []struct {
		filter, level, lines string
		want                 []string
	}{
		{"present", "DEBUG", "-1", []string{"debug detail"}},
		{"present", "INFO", "-1", []string{"debug", "info detail"}},
		{"present", "ERROR", "-1", []string{"debug", "info", "warning", "error detail"}},
		{"present", "CRITICAL", "2", []string{"error detail", "critical"}},
		{"old", "DEBUG", "-1", []string{"debug", "info", "warning", "error detail", "critical"}},
		{"old", "ERROR", "-1", []string{"error detail", "critical"}},
		{"old", "CRITICAL", "0", []string{"critical"}},
		{"mended", "WARNING", "2", []string{"error detail", "critical"}},
		{"mended", "CRITICAL", "30", []string{"critical"}},
	} {
		b.Switch("log_filter=" + c.filter)
		got := call(t, b, "--type", "json", "log", "csv-parser", c.lines, c.level)
		if messages := messagesOf(t, got.stdout); !slices.Equal(messages, c.want) {
			t.Errorf("%s %s %s: %q, want %q", c.filter, c.level, c.lines, messages, c.want)
		}
	}
}

// messagesOf are the messages of a log, each with the lines that belong to it.
func messagesOf(t *testing.T, log string) []string {
	t.Helper()
	var entries []struct {
		Message  string `json:"message"`
		Extended string `json:"extended_message"`
	}
	if err := json.Unmarshal([]byte(log), &entries); err != nil {
		t.Fatalf("%v: %s", err, log)
	}
	var messages []string
	for _, e := range entries {
		if e.Extended != "" {
			e.Message += " " + e.Extended[:len(e.Extended)-1]
		}
		messages = append(messages, e.Message)
	}
	return messages
}

func TestLogOfAThread(t *testing.T) {
	b := intelmqctl.Start(t)
	b.Log("csv-parser", "2026-01-02 03:04:05,000 - csv-parser.7 - INFO - info")
	want(t, b, "log csv-parser", `[
    {
        "date": "2026-01-02T03:04:05",
        "bot_id": "csv-parser",
        "thread_id": 7,
        "log_level": "INFO",
        "message": "info"
    }
]
`, 0)
}
