package intelmqctl_test

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

func TestSwitches(t *testing.T) {
	const good = "3.3.2a1\n"
	for _, c := range []struct {
		name     string
		switches []string
		want     result
	}{
		{"none", nil, result{good, "", 0}},
		{"it chatters", []string{"chatter=warning: a=b"}, result{good, "warning: a=b\n", 0}},
		{"it is killed", []string{"crash=KILL"}, result{"", "", -1}},
		{"it ends by another signal", []string{"crash=TERM"}, result{"", "", -1}},
		{"it exits without a word", []string{"crash=3"}, result{"", "", 3}},
		{"sudo refuses", []string{"sudo_refusal=sudo: a password is required"}, result{"", "sudo: a password is required\n", 1}},
		{"it chatters before it crashes", []string{"chatter=oh", "crash=1"}, result{"", "oh\n", 1}},
		{"it prints no JSON", []string{"garbage"}, result{"<intelmqctl prints no JSON today>\n", "", 0}},
		{"it floods", []string{"flood=5"}, result{"\"xx\"\n", "", 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := intelmqctl.Start(t)
			b.Switch(c.switches...)
			if got := call(t, b, "--version"); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			b.Switch()
			if got := call(t, b, "--version"); got.stdout != good {
				t.Errorf("without switches: %+v", got)
			}
		})
	}
}

func TestFlood(t *testing.T) {
	b := intelmqctl.Start(t)
	b.Switch("flood=17000000")
	if got := call(t, b, "--version").stdout; len(got) != 17_000_000 || !json.Valid([]byte(got)) {
		t.Errorf("%d bytes, valid JSON: %v", len(got), json.Valid([]byte(got)))
	}
}

func TestNonUTF8(t *testing.T) {
	b := intelmqctl.Start(t)
	b.Switch("non_utf8")
	if got := call(t, b, "--version").stdout; got == "" || utf8.ValidString(got) {
		t.Errorf("'%q' is UTF-8", got)
	}
}

func TestStall(t *testing.T) {
	const long = 150 * time.Millisecond
	b := intelmqctl.Start(t)
	b.Switch("stall=" + long.String())
	if got := call(t, b, "--version"); got.stdout == "" {
		t.Errorf("%+v", got)
	}
	if made := b.Calls()[0]; made.End.Sub(made.Start) < long {
		t.Errorf("it took %s", made.End.Sub(made.Start))
	}
}

func TestCPU(t *testing.T) {
	const used = 100 * time.Millisecond
	b := intelmqctl.Start(t)
	b.Switch("cpu=" + used.String())
	c := prepare(t, b, "--version")
	finish(t, c)
	if got := c.ProcessState.UserTime() + c.ProcessState.SystemTime(); got < used {
		t.Errorf("it used %s, want %s", got, used)
	}
}

func TestIgnoresSIGTERM(t *testing.T) {
	b := intelmqctl.Start(t)
	b.Switch("ignore_sigterm", "stall=300ms")
	c := begin(t, b, "--version")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := finish(t, c); got.stdout == "" || got.code != 0 {
		t.Errorf("%+v", got)
	}
}

func TestIgnoresSIGTERMWhileItWaits(t *testing.T) {
	b := intelmqctl.Start(t)
	want(t, b, "start csv-parser", "\"running\"\n", 0)
	b.Switch("ignore_sigterm")
	c := begin(t, b, "run", "csv-parser", "message", "pop")
	waitFor(t, "the bot's end", func() bool { return b.Processes("csv-parser") == nil })
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	b.Fill("csv-parser-queue", `{"raw":"1"}`)
	if got := finish(t, c); got.code != 0 || !strings.Contains(got.stdout, `"raw": "1"`) {
		t.Errorf("%+v", got)
	}
}

// TestBotsDoNotInherit: a bot ends by SIGTERM even if the call that started it does not.
func TestBotsDoNotInherit(t *testing.T) {
	b := intelmqctl.Start(t)
	b.Switch("ignore_sigterm")
	want(t, b, "start csv-parser", "\"running\"\n", 0)
	want(t, b, "stop csv-parser", "\"stopped\"\n", 0)
}
