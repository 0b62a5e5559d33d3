package intelmqsetup

import (
	"context"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// saying is a command that prints one thing when it is asked for its version, and
// another when it is to check the botnet.
type saying struct{ version, check intelmqctl.Output }

func (s saying) Execute(_ context.Context, arguments []string) (intelmqctl.Output, error) {
	if arguments[0] == "--version" {
		return s.version, nil
	}
	return s.check, nil
}

func (saying) Line([]string) string { return "intelmqctl" }

// FuzzReport: whatever the command says, what is found is one line of text each, which
// is not long and does nothing to a terminal.
func FuzzReport(f *testing.F) {
	f.Add([]byte("3.2.1\n"), []byte(`{"status":"error","lines":[["error","a\nb"],["info","c"],["error","Could not connect to pipeline \u001b[31mx"]]}`), []byte(nil), 0)
	f.Add([]byte("3.2.1\n"), []byte("no JSON"), []byte("Traceback\n  x\nredis.exceptions.ConnectionError: \u009b1m\xff"), 1)
	f.Add([]byte(nil), []byte(nil), []byte("sudo: a password is required\n"), 1)
	f.Add([]byte("3"), []byte(`{"lines":[[],["error"],["error","x","y"],null]}`), []byte("Permission denied\r\u202e"), 0)
	f.Fuzz(func(t *testing.T, version, report, stderr []byte, exit int) {
		c := Checker{
			System: System{Root: t.TempDir()}, User: "caddy", Command: []string{"sudo", "-u", "intelmq", "intelmqctl"},
			Executor: saying{
				version: intelmqctl.Output{Stdout: version, Stderr: stderr, ExitCode: exit},
				check:   intelmqctl.Output{Stdout: report, Stderr: stderr, ExitCode: exit},
			},
		}
		var found findings
		c.checkCommand(t.Context(), &found)
		for _, one := range found {
			for _, text := range []string{one.ID, one.Text, one.Do} {
				if !utf8.ValidString(text) || len(text) > maxMessage+300 || strings.ContainsFunc(text, unicode.IsControl) {
					t.Errorf("%d bytes: %q", len(text), text)
				}
			}
		}
	})
}
