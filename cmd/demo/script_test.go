package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

func TestQuoteMakesOneWordForTheShell(t *testing.T) {
	for _, text := range []string{"", "/srv/sallyport", "/home/a b/it's here", `$(id) "x" \ * '`, "line\nend"} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf '%s|' "+quote(text)).Output()
		if err != nil {
			t.Fatal(err)
		}
		if string(out) != text+"|" {
			t.Errorf("the shell makes %q of %q", out, text)
		}
	}
}

func TestScript(t *testing.T) {
	lines := script("/srv/it's", 9443, false)
	if want := `cd '/srv/it'\''s'`; lines[0].text() != want {
		t.Errorf("the first line is %q, want %q", lines[0].text(), want)
	}
	for _, l := range lines {
		if _, err := regexp.Compile(l.output); err != nil {
			t.Errorf("%s: %v", l.command, err)
		}
		request := strings.Contains(l.command, "curl ")
		switch {
		case request != (l.status != 0):
			t.Errorf("%s: a request, and nothing else, expects a status", l.command)
		case request && !strings.Contains(l.command, "https://localhost:9443/"):
			t.Errorf("%s: not the demo's server", l.command)
		case strings.Contains(l.command, " -k") || strings.Contains(l.command, "sly_"):
			t.Errorf("%s: must check the certificate, and hold no key", l.command)
		case strings.Contains(l.command, "--noproxy"):
			t.Errorf("%s: there is no proxy", l.command)
		}
	}
	for _, l := range script("/srv", 9443, true) {
		if strings.Contains(l.command, "curl ") != strings.Contains(l.command, " --noproxy localhost ") {
			t.Errorf("%s: requests, and nothing else, go past the proxy", l.command)
		}
	}
}

func TestDifference(t *testing.T) {
	l := line{status: 401, output: refusal("invalid_token", "no")}
	const good = `{"error":"invalid_token","message":"no","error_id":"0123456789Ab"}` + "\nHTTP 401\n"
	tests := map[string]struct {
		output string
		exit   int
		right  bool
	}{
		"as expected":      {good, 0, true},
		"another status":   {strings.Replace(good, "401", "200", 1), 0, false},
		"another body":     {strings.Replace(good, "no", "yes", 1), 0, false},
		"more before it":   {"warning\n" + good, 0, false},
		"more after it":    {good + "more\n", 0, false},
		"nothing":          {"", 0, false},
		"a failed command": {good, 7, false},
	}
	for name, test := range tests {
		if got := l.difference(test.output, test.exit); (got == "") != test.right {
			t.Errorf("%s: difference is %q", name, got)
		}
	}
}

func TestShellTellsOutputAndExitCode(t *testing.T) {
	s, err := startShell(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		command, output string
		exit            int
	}{
		{"x=kept", "", 0},
		{`echo "$x"; echo oh >&2`, "kept\noh\n", 0},
		{"printf half", "half", 0},
		{"(exit 3)", "", 3},
	}
	for _, test := range tests {
		output, exit, err := s.run(test.command)
		if err != nil || output != test.output || exit != test.exit {
			t.Errorf("%s: %q, %d, %v; want %q, %d", test.command, output, exit, err, test.output, test.exit)
		}
	}
	if _, _, err := s.run("exit 4"); err == nil {
		t.Error("the end of the shell is no error")
	}
	if err := s.close(); err == nil {
		t.Error("the shell's exit code is lost")
	}
}
