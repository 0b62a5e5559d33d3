package intelmqctl_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

func TestFolderOfTheBotnet(t *testing.T) {
	b := intelmqctl.Start(t)
	elsewhere := filepath.Join(t.TempDir(), intelmqctl.Name)
	if err := os.Symlink(b.Command, elsewhere); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		environment []string
		words       []string
		code        int
	}{
		{"an option names it", nil, []string{"-root", b.Root, "--version"}, 0},
		{"the environment names it", []string{"INTELMQ_ROOT_DIR=" + b.Root}, []string{"--version"}, 0},
		{"nothing names it", nil, []string{"--version"}, 64},
		{"it has no botnet", nil, []string{"-root", t.TempDir(), "--version"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			call := prepare(t, b, c.words...)
			call.Path, call.Env = elsewhere, c.environment
			call.Args[0] = elsewhere
			if got := finish(t, call); got.code != c.code || (got.stdout == "3.3.2a1\n") != (c.code == 0) {
				t.Errorf("%+v, want exit %d", got, c.code)
			}
		})
	}
}

func TestInitMakesABotnet(t *testing.T) {
	b := intelmqctl.Start(t)
	root := filepath.Join(t.TempDir(), "botnet")
	if got := call(t, b, "-root", root, "init"); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	if got := call(t, b, "-root", root, "--type", "json", "status", "csv-parser"); got.stdout != "\"stopped\"\n" {
		t.Errorf("%+v", got)
	}
	text, err := os.ReadFile(filepath.Join(root, "etc/runtime.yaml"))
	if err != nil || !strings.Contains(string(text), root+"/var/lib/bots/file-collector/") {
		t.Errorf("runtime.yaml does not name the folder: %v\n%s", err, text)
	}
	if got := call(t, b, "-root", root, "init"); got.code == 0 || !strings.Contains(got.stderr, "name another folder") {
		t.Errorf("a second time: %+v", got)
	}
}

func TestSwitchesThatAreNone(t *testing.T) {
	b := intelmqctl.Start(t)
	for _, c := range []struct{ switches, want string }{
		{"stal=1s", "there is no switch 'stal'"},
		{"stall=long", "the switch 'stall': "},
		{"cpu", "the switch 'cpu': "},
		{"crash=SEGV", "'SEGV' is neither KILL, TERM, HUP or INT nor an exit code"},
		{"flood=much", "the switch 'flood': "},
		{"log_filter=new", "'new' is none of old, present and mended"},
	} {
		call := prepare(t, b, "--version")
		call.Env = append(call.Env, "FAKE_INTELMQCTL_SWITCHES="+c.switches)
		if got := finish(t, call); got.code != 64 || got.stdout != "" || !strings.Contains(got.stderr, c.want) {
			t.Errorf("%s: %+v, want '%s'", c.switches, got, c.want)
		}
	}
}

func TestCallsAreWrittenDown(t *testing.T) {
	b := intelmqctl.Start(t)
	call(t, b, "--type", "json", "status", "csv-parser")
	b.Switch("crash=KILL")
	call(t, b, "--version")
	calls := b.Calls()
	if len(calls) != 2 {
		t.Fatalf("%d calls, want 2", len(calls))
	}
	first, killed := calls[0], calls[1]
	if !slices.Equal(first.Arguments, []string{"--type", "json", "status", "csv-parser"}) || first.ExitCode != 1 || !first.End.After(first.Start) {
		t.Errorf("%+v", first)
	}
	if !killed.End.IsZero() || killed.PID == first.PID {
		t.Errorf("%+v", killed)
	}
	if most := intelmqctl.AtOnce(calls[:1]); most != 1 {
		t.Errorf("%d at once, want 1", most)
	}
}
