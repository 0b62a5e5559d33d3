package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMakesABotnetAndAnswers runs the command as its documentation says.
func TestMakesABotnetAndAnswers(t *testing.T) {
	folder := t.TempDir()
	program, botnet := filepath.Join(folder, "fakeintelmqctl"), filepath.Join(folder, "botnet")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	run := func(words ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), program, append([]string{"-root", botnet}, words...)...).Output()
		if err != nil {
			t.Fatalf("%q: %v", words, err)
		}
		return string(out)
	}
	t.Setenv("INTELMQ_ROOT_DIR", "")
	for _, word := range []string{"-h", "--help"} {
		out, err := exec.CommandContext(t.Context(), program, word).Output()
		if err != nil || !strings.HasPrefix(string(out), "usage: fakeintelmqctl -root FOLDER init\n") {
			t.Errorf("%s: %v: %s", word, err, out)
		}
	}
	run("init")
	if _, err := os.Stat(filepath.Join(botnet, "etc/runtime.yaml")); err != nil {
		t.Error(err)
	}
	const disabled = "\"disabled\"\n"
	if got := run("--type", "json", "status", "taxonomy-expert"); got != disabled {
		t.Errorf("'%s', want '%s'", got, disabled)
	}
}
