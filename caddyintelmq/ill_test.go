package caddyintelmq_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

// illness is a command that does not answer as it should, and what is told of it.
type illness struct {
	name string
	// switches make the stand-in ill; command is another one in its place.
	switches []string
	command  string
	// options are further lines of its block.
	options string
	status  int
	// message and tip are a part of what the answer has, line the beginning of the
	// command in it.
	message, tip, line string
	// result is what the metrics count.
	result string
	// least and most are how long it takes.
	least, most time.Duration
}

func illnesses(t *testing.T) []illness {
	folder := t.TempDir()
	plain := writeFile(t, filepath.Join(folder, "plain"), "#!/bin/sh\n", 0o600)
	text := writeFile(t, filepath.Join(folder, "text"), "echo\n", 0o700)
	sudo := writeFile(t, filepath.Join(folder, "sudo"), "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n", 0o700)
	const hour, second = "stall=1h", "timeout 1s"
	return []illness{
		{name: "missing", command: "/no/such/intelmqctl", status: 500, message: "there is no such file", line: "/no/such/intelmqctl --type json list queues", result: "intelmqctl_not_executable"},
		{name: "not-executable", command: plain, status: 500, message: "must not execute it", result: "intelmqctl_not_executable"},
		{name: "no-program", command: text, status: 500, message: "this is no program of this system", result: "intelmqctl_not_executable"},
		{name: "killed", switches: []string{"crash=KILL"}, status: 500, message: "Failed to execute intelmqctl.", result: "intelmqctl_failed"},
		{name: "ended", switches: []string{"crash=TERM", "chatter=\x1b[31mKilled by somebody\x1b[0m"}, status: 500, message: "Killed by somebody", result: "intelmqctl_failed"},
		{name: "silent", switches: []string{"crash=3"}, status: 500, message: "Failed to execute intelmqctl.", result: "intelmqctl_failed"},
		{name: "stalled", switches: []string{hour}, options: second, status: 504, message: "intelmqctl has not ended by itself in 1", result: "intelmqctl_timed_out", least: time.Second, most: 6 * time.Second},
		// Five seconds after SIGTERM comes SIGKILL.
		{name: "deaf", switches: []string{hour, "ignore_sigterm"}, options: second, status: 504, message: "intelmqctl has not ended by itself in ", result: "intelmqctl_timed_out", least: 6 * time.Second, most: 12 * time.Second},
		{name: "garbage", switches: []string{"garbage"}, status: 500, message: "Failed to execute intelmqctl.", result: "intelmqctl_failed"},
		{name: "binary", switches: []string{"non_utf8"}, status: 500, message: "Failed to execute intelmqctl.", result: "intelmqctl_failed"},
		{name: "flood", switches: []string{"flood=20000000"}, status: 500, message: "intelmqctl has printed more than the 16777216 bytes that are taken.", result: "intelmqctl_output_too_long"},
		{name: "refused", command: sudo + " -u intelmq /usr/local/bin/intelmqctl", status: 500, message: "sudo: a password is required", tip: " ALL=(intelmq) NOPASSWD: /usr/local/bin/intelmqctl", line: sudo + " -u intelmq /usr/local/bin/intelmqctl", result: "intelmqctl_failed"},
		{name: "broker", switches: []string{"broker_down"}, status: 500, message: "redis.exceptions.ConnectionError", tip: "systemctl status redis-server", result: "intelmqctl_failed"},
		{name: "runtime", switches: []string{"runtime_missing"}, status: 500, message: "runtime.yaml': File not found", tip: "runtime.yaml.bak", result: "intelmqctl_failed"},
		// A warning of Python is no failure, nor is the largest answer that is taken.
		{name: "chatter", switches: []string{"chatter=DeprecationWarning: pkg_resources is deprecated", "no_log_access"}, status: 200, message: `"csv-parser": {`, result: "success"},
		{name: "large", switches: []string{"flood=16777216"}, status: 200, message: "xxxx", result: "success"},
	}
}

// TestWhileTheCommandIsIll asks them all at once, each at an endpoint of its own.
func TestWhileTheCommandIsIll(t *testing.T) {
	b := prepare(t)
	var blocks strings.Builder
	botnets := map[string]*intelmqctl.Botnet{}
	all := illnesses(t)
	for _, ill := range all {
		botnet := intelmqctl.Start(t)
		botnet.Switch(ill.switches...)
		botnets[ill.name] = botnet
		command := ill.command
		if command == "" {
			command = botnet.Command
		}
		blocks.WriteString(block("/"+ill.name, "command "+command+"\nconfig_dir "+botnet.Path("etc")+"\n"+ill.options))
	}
	// Only the debug log has all of many failures at once.
	b.use(t, strings.Replace(b.sites("http://:0 {\n"+blocks.String()+"}\n"), "{\n", "{\n\tdebug\n", 1))
	answers := make([]outcome, len(all))
	var asking sync.WaitGroup
	for i, ill := range all {
		asking.Go(func() {
			answers[i] = b.attempt(t.Context(), http.MethodGet, "/"+ill.name+"/v1/api/queues", "", b.by("reader")...)
		})
	}
	asking.Wait()
	for i, ill := range all {
		t.Run(ill.name, func(t *testing.T) { ill.check(t, b, answers[i]) })
	}
	for name, botnet := range botnets {
		eventually(t, func() string {
			for _, call := range botnet.Calls() {
				if alive(call.PID) {
					return name + ": its process still runs"
				}
			}
			return ""
		})
	}
}

func (ill *illness) check(t *testing.T, b *bench, got outcome) {
	t.Helper()
	if got.err != nil {
		t.Fatal(got.err)
	}
	if got.status != ill.status || got.header.Get("Content-Type") != "application/json" || !json.Valid([]byte(got.text)) {
		t.Fatalf("HTTP %d %s %.200s", got.status, got.header, got.text)
	}
	if got.took < ill.least || ill.most != 0 && got.took > ill.most {
		t.Errorf("it took %s", got.took)
	}
	if ill.status == http.StatusOK {
		if !strings.Contains(got.text, ill.message) {
			t.Errorf("it says %.200s", got.text)
		}
		return
	}
	var answer map[string]any
	if err := json.Unmarshal([]byte(got.text), &answer); err != nil {
		t.Fatal(err)
	}
	message, _ := answer["message"].(string)
	tip, known := answer["tip"].(string)
	line, _ := answer["command"].(string)
	if len(answer) != 3 || !known || !strings.Contains(message, ill.message) || !strings.Contains(tip, ill.tip) || (tip == "") != (ill.tip == "") || !strings.Contains(line, ill.line) || line == "" {
		t.Errorf("it says %v", answer)
	}
	if strings.ContainsAny(message+tip, "\x1b<>") {
		t.Errorf("there are colours or HTML in %q", answer)
	}
	id := got.header.Get("X-Error-Id")
	if log := b.Log(t); id == "" || !strings.Contains(log, `"error_id":"`+id+`","refused":"`+ill.result+`"`) {
		t.Errorf("the log does not have the error '%s'", id)
	}
}

// alive reports whether there is such a process.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// TestAChangeIsDoneToItsEndWhateverIsPrinted: who cuts a flood off would not know
// what was done.
func TestAChangeIsDoneToItsEndWhateverIsPrinted(t *testing.T) {
	b := start(t, "")
	b.botnet.Switch("flood=40000000")
	r := b.as(t, "writer", "bot?action=start&id=csv-parser")
	if r.StatusCode != 500 || !strings.Contains(r.Text, "has printed more than") {
		t.Errorf("HTTP %d %.300s", r.StatusCode, r.Text)
	}
	made := calls(b.botnet, "start csv-parser")
	if len(made) != 1 || made[0].End.IsZero() {
		t.Errorf("the calls are %v", made)
	}
}

// TestTextThatIsNotUTF8: run and version print for people, so that a broken letter is
// no reason to throw all away.
func TestTextThatIsNotUTF8(t *testing.T) {
	b := start(t, "")
	b.botnet.Switch("non_utf8")
	expect(t, b.as(t, "reader", "version"), 200, `{"intelmq":"\"gr`+"\ufffd"+`e\"","intelmq-api":"3.3.0"}`)
	expect(t, b.post(t, "writer", "run?bot=csv-parser&cmd=get", ""), 200, `"\"gr`+"\ufffd"+`e\"\n"`)
}

// TestACommandThatIsMendedWorksAgain without a reload: failures are not kept.
func TestACommandThatIsMendedWorksAgain(t *testing.T) {
	b := start(t, "")
	b.botnet.Switch("crash=1")
	expectStatus(t, b.as(t, "reader", "queues"), 500)
	b.botnet.Switch()
	eventually(t, func() string {
		if r := b.as(t, "reader", "queues"); r.StatusCode != 200 {
			return r.Text
		}
		return ""
	})
}

// TestTheCommandGetsNothingOfTheServer: its environment may hold secrets.
func TestTheCommandGetsNothingOfTheServer(t *testing.T) {
	t.Setenv("SECRET_OF_THE_SERVER", "guess")
	b := prepare(t)
	seen := b.botnet.Path("seen")
	script := writeFile(t, b.botnet.Path("spy"), "#!/bin/sh\n{ env; echo PWD=$(pwd); readlink /proc/self/fd/0; } >"+seen+"\nexec "+b.botnet.Command+" \"$@\"\n", 0o700)
	b.use(t, b.sites("http://:0 {\n"+block("/intelmq", "command "+script)+"}\n"))
	expectStatus(t, b.as(t, "reader", "check"), 200)
	got := map[string]bool{}
	for line := range strings.Lines(readFile(t, seen)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "=")
		got[name] = true
	}
	for name := range maps.Keys(got) {
		switch name {
		case "PATH", "LANG", "PWD", "HOME", "TZ", "INTELMQ_ROOT_DIR", "INTELMQ_PATHS_NO_OPT", "_", "SHLVL", "OLDPWD", os.DevNull:
		default:
			t.Errorf("it has '%s'", name)
		}
	}
	if !got["PATH"] || !got[os.DevNull] {
		t.Errorf("it has only %v", got)
	}
}
