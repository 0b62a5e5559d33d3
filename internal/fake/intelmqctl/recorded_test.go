package intelmqctl_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

const recordsFile = "testdata/intelmqctl.json"

// otherwise are the records that the stand-in answers otherwise, by state and
// arguments, and why.
var otherwise = map[string]string{
	"running: --type json stop taxonomy-expert":                         "process 1 of the recorder's machine did not reap; see TestZombie",
	"runtime.yaml broken: --type json status":                           "it does not read the file",
	"runtime.yaml broken: --type json debug --get-paths":                "it does not read the file",
	"global.process_manager set to an unknown name: --type json status": "it does not read the file",
}

// TestSameAsRecorded makes the calls that were recorded, in their order, and compares
// what is printed and how it ends. Of what is said for people only the form counts.
func TestSameAsRecorded(t *testing.T) {
	b := intelmqctl.Start(t)
	state, differing := "", map[string]bool{}
	for _, r := range readRecords(t) {
		if r.State != state {
			state = r.State
			enter(t, b, state)
		}
		if r.Exit == nil {
			continue // it waited on an empty queue; see TestRunWaits
		}
		if r.State == "running" && r.Argv[2] == "log" {
			b.Log("csv-parser", recordedLog(t))
		}
		got := call(t, b, r.Argv...)
		if name := state + ": " + strings.Join(r.Argv, " "); otherwise[name] != "" {
			differing[name] = true
			continue
		}
		compareRecord(t, b, r, got)
	}
	for name := range otherwise {
		if !differing[name] {
			t.Errorf("'%s' is not recorded", name)
		}
	}
}

// enter makes the botnet what a state says, where the calls before have not.
func enter(t *testing.T, b *intelmqctl.Botnet, state string) {
	t.Helper()
	b.Switch()
	var err error
	switch state {
	case "fresh: all stopped, queues empty, no log files, no state file":
		err = os.Remove(b.Path("var/lib/state.json"))
	case "all stopped, state file present":
		err = os.WriteFile(b.Path("var/lib/state.json"), []byte("{}"), 0o600)
	case "no write access to the log folder":
		b.Switch("no_log_access")
	case "broker down":
		b.Switch("broker_down")
	case "runtime.yaml missing":
		b.Switch("runtime_missing")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// recordedLog is the log file that the recorded answers were read from: that to
// CRITICAL has all its lines.
func recordedLog(t *testing.T) string {
	t.Helper()
	words := strings.Fields("--type json log csv-parser 30 CRITICAL")
	record, _ := intelmqctl.FindRecord(readRecords(t), "running", words)
	var entries []struct {
		Date     string `json:"date"`
		BotID    string `json:"bot_id"`
		Level    string `json:"log_level"`
		Message  string `json:"message"`
		Extended string `json:"extended_message"`
	}
	if err := json.Unmarshal([]byte(record.Stdout), &entries); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		date := strings.NewReplacer("T", " ", ".", ",").Replace(strings.TrimSuffix(e.Date, "000"))
		b.WriteString(date + " - " + e.BotID + " - " + e.Level + " - " + e.Message + "\n")
		if e.Extended != "\n" { // which is what follows the last newline of a file
			b.WriteString(e.Extended)
		}
	}
	return b.String()
}

var (
	now         = regexp.MustCompile(`"date": "[^"]*",(\s+"bot_id": "[^"]*",\s+"log_level": "INFO",\s+"message": "No log file)`)
	program     = regexp.MustCompile(`"__file__": "[^"]*"`)
	environment = regexp.MustCompile(`(?s)"environment_variables": \{.*?\}`)
)

// unify takes out of an output what depends on the machine and the time.
func unify(b *intelmqctl.Botnet, text string) string {
	text = strings.ReplaceAll(text, b.Root, "/opt/intelmq")
	text = strings.ReplaceAll(text, ":16390.", ":6379.")
	text = now.ReplaceAllString(text, `"date": "now",$1`)
	text = program.ReplaceAllString(text, `"__file__": "program"`)
	return environment.ReplaceAllString(text, `"environment_variables": {}`)
}

func compareRecord(t *testing.T, b *intelmqctl.Botnet, r intelmqctl.Record, got result) {
	t.Helper()
	if got.code != *r.Exit {
		t.Errorf("%s: %q exits with %d, want %d\n%s%s", r.State, r.Argv, got.code, *r.Exit, got.stdout, got.stderr)
	}
	out, want := unify(b, got.stdout), unify(b, r.Stdout)
	if r.Argv[0] == "run" {
		out, want = object(out), object(want)
	}
	if out != want {
		t.Errorf("%s: %q prints\n%s\nwant\n%s", r.State, r.Argv, out, want)
	}
	said, want := unify(b, got.stderr), unify(b, r.Stderr)
	if r.Argv[0] == "run" || *r.Exit == 2 {
		said, want = lastLine(said), lastLine(want)
	}
	if said != want {
		t.Errorf("%s: %q says\n%s\nwant\n%s", r.State, r.Argv, said, want)
	}
}

// object is the message in the output of run: from a line that is { to one that is },
// as IntelMQ's manager finds it.
func object(text string) string {
	lines := strings.Split(text, "\n")
	from, to := slices.Index(lines, "{"), slices.Index(lines, "}")
	if from < 0 || to < from {
		return ""
	}
	return strings.Join(lines[from:to+1], "\n")
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func readRecords(t *testing.T) []intelmqctl.Record {
	t.Helper()
	records, err := intelmqctl.ReadRecords(recordsFile)
	if err != nil {
		t.Fatal(err)
	}
	return records
}
