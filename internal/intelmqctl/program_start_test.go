//go:build unix

package intelmqctl

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestAShortageIsToldFromAWrongConfiguration(t *testing.T) {
	for _, lack := range []syscall.Errno{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE} {
		err := startError("/bin/sh", "/", &os.PathError{Op: "fork/exec", Path: "/bin/sh", Err: lack})
		if !isShortage(err) || !strings.Contains(err.Error(), "TasksMax=") || !strings.Contains(err.Error(), "'/bin/sh'") {
			t.Errorf("%v: got '%v'", lack, err)
		}
		if _, f := judge(asIntelMQ(), status, Output{}, err); f.Cause != Busy || f.Wait <= 0 {
			t.Errorf("%v: got %+v", lack, f)
		}
	}
	if err := startError("/bin/sh", "/", errors.New("no reason")); isShortage(err) || err.Error() != "starting '/bin/sh': no reason" {
		t.Errorf("got '%v'", err)
	}
}

// TestVisudoTakesTheLine that a tip says.
func TestVisudoTakesTheLine(t *testing.T) {
	const visudo = "/usr/sbin/visudo"
	if _, err := os.Stat(visudo); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI must have visudo: %v", err)
		}
		t.Skip("sudo is not installed")
	}
	for _, words := range [][]string{
		{"sudo", "-u", "intelmq", "/usr/bin/intelmqctl"},
		{"sudo", "-u", "#999", "/opt/my intelmq/a,b:c=d\\e*/intelmqctl"},
		{"sudo", "sh"},
	} {
		line := (&Program{Words: words}).Sudoers()
		file := filepath.Join(t.TempDir(), "intelmq")
		if err := os.WriteFile(file, []byte(line+"\n"), 0o440); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), visudo, "-c", "-f", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", line, err, out)
		}
	}
}
