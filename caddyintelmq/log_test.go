package caddyintelmq_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const botLog = `2026-01-02 03:04:01,000 - csv-parser - DEBUG - one
2026-01-02 03:04:02,000 - csv-parser - INFO - two
2026-01-02 03:04:03,000 - csv-parser - WARNING - three
2026-01-02 03:04:04,000 - csv-parser - ERROR - four
Traceback (most recent call last):
  the cause of four
2026-01-02 03:04:05,000 - csv-parser - CRITICAL - five
2026-01-02 03:04:06,000 - csv-parser - INFO - six
`

// TestALogShowsWhatTheLevelAsksFor with all that intelmqctl was and will be: present
// ones have the level upside down.
func TestALogShowsWhatTheLevelAsksFor(t *testing.T) {
	b := start(t, "")
	b.botnet.Log("csv-parser", botLog)
	all := []string{"one", "two", "three", "four", "five", "six"}
	wants := []struct {
		query string
		want  []string
	}{
		{"lines=30&level=ALL", all},
		{"lines=30", all},
		{"lines=-1&level=DEBUG", all},
		{"lines=30&level=INFO", all[1:]},
		{"lines=30&level=WARNING", all[2:5]},
		{"lines=30&level=ERROR", all[3:5]},
		{"lines=30&level=CRITICAL", all[4:5]},
		{"lines=2&level=ALL", all[4:]},
		{"lines=1&level=CRITICAL", all[4:5]},
		{"lines=2&level=ERROR", all[3:5]},
		{"lines=1&level=WARNING", all[4:5]},
	}
	for _, version := range []string{"old", "mended", "present"} {
		b.botnet.Switch("log_filter=" + version)
		// What was asked before must not count.
		expectStatus(t, b.as(t, "writer", "bot?action=reload&id=csv-parser"), 200)
		for _, test := range wants {
			r := b.as(t, "reader", "getlog?id=csv-parser&"+test.query)
			var entries []struct {
				Message  string `json:"message"`
				Level    string `json:"log_level"`
				Extended string `json:"extended_message"`
			}
			if err := json.Unmarshal([]byte(r.Text), &entries); err != nil || r.StatusCode != 200 {
				t.Errorf("%s, %s: HTTP %d %s", version, test.query, r.StatusCode, r.Text)
				continue
			}
			var got []string
			for _, e := range entries {
				got = append(got, e.Message)
				if strings.Contains(e.Extended, "the cause of four") != (e.Message == "four") {
					t.Errorf("%s, %s: '%s' goes on with '%s'", version, test.query, e.Message, e.Extended)
				}
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(test.want))
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s: %v, want %v", version, test.query, got, want)
			}
		}
	}
}

func TestALogThatIsNotThereYet(t *testing.T) {
	b := start(t, "")
	for _, level := range []string{"ALL", "DEBUG", "CRITICAL"} {
		r := b.as(t, "reader", "getlog?id=dedup-expert&lines=30&level="+level)
		var entries []map[string]any
		if err := json.Unmarshal([]byte(r.Text), &entries); err != nil || len(entries) != 1 || entries[0]["message"] != "No log file exists (yet)." {
			t.Errorf("%s: HTTP %d %s", level, r.StatusCode, r.Text)
		}
	}
	if r := b.as(t, "reader", "getlog?id=nobody&lines=30"); r.StatusCode != 500 {
		t.Errorf("a bot that is none: HTTP %d %s", r.StatusCode, r.Text)
	}
	for _, query := range []string{"id=-h&lines=30", "id=a/b&lines=30", "id=&lines=30", "id=csv-parser", "id=csv-parser&lines=x", "id=csv-parser&lines=30&level=debug"} {
		if r := b.as(t, "reader", "getlog?"+query); r.StatusCode != 422 {
			t.Errorf("%s: HTTP %d %s", query, r.StatusCode, r.Text)
		}
	}
	if made := calls(b.botnet, "log -h"); len(made) > 0 {
		t.Error(fmt.Sprint(made))
	}
}
