package intelmqctl_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// TestArguments: words are understood as argparse does.
func TestArguments(t *testing.T) {
	b := intelmqctl.Start(t)
	for _, c := range []struct {
		name, line string
		code       int
		// said is the end of what is said on stderr.
		said string
	}{
		{"a value may be joined", "--type=json status --group=parsers", 1, ""},
		{"a name may be shortened", "--type json status --gr parsers", 1, ""},
		{"an option may follow", "--type json status csv-parser --group parsers", 1, ""},
		{"a number may be negative", "--type json log csv-parser -1", 0, ""},
		{"help is no error", "--type json status --help", 0, ""},
		{"no sub-command is help", "--type json", 0, ""},
		{"an unknown option", "--type json status --nope", 2, "error: unrecognized arguments: --nope\n"},
		{"an unknown sub-command", "nope", 2, "clear,debug,list,log,reload,restart,run,start,status,stop}] ...\nintelmqctl: error: argument command: invalid choice: 'nope' "},
		{"a word too many", "check x", 2, "error: unrecognized arguments: x\n"},
		{"a word too few", "list", 2, "error: the following arguments are required: kind\n"},
		{"an option for a name", "--type json log --help2", 2, "error: unrecognized arguments: --help2\n"},
		{"a value that is missing", "run csv-parser process --msg", 2, "error: argument --msg: expected one argument\n"},
		{"an option for a value", "run csv-parser process --msg --dry", 2, "error: argument --msg: expected one argument\n"},
		{"a verb that is none", "run csv-parser message peek", 2, "invalid choice: 'peek' (choose from 'get', 'pop', 'send')\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := call(t, b, strings.Split(c.line, " ")...)
			if got.code != c.code || !strings.Contains(got.stderr, c.said) || c.said == "" && got.stderr != "" {
				t.Errorf("%+v, want exit %d and '%s'", got, c.code, c.said)
			}
			if (got.stdout == "") != (c.code == 2) {
				t.Errorf("it prints '%s'", got.stdout)
			}
			if c.code == 2 && !strings.HasPrefix(got.stderr, "usage: intelmqctl") {
				t.Errorf("there is no usage before '%s'", got.stderr)
			}
		})
	}
}

func TestListBots(t *testing.T) {
	b := intelmqctl.Start(t)
	got := call(t, b, "--type", "json", "list", "bots").stdout
	for _, part := range []string{"{\n    \"Collector\": {\n", "\"module\": \"intelmq.bots.parsers.generic.parser_csv\"", b.Root + "/var/lib/bots/file-output/events.txt"} {
		if !strings.Contains(got, part) {
			t.Errorf("'%s' is missing:\n%s", part, got)
		}
	}
	if strings.Contains(got, "2026-01-02 03:04:05") {
		t.Error("generate_time is not that of the call")
	}
}
