package intelmqctl_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// scriptAsNobody is a Program that runs a script behind sudo.
func scriptAsNobody(text string) *intelmqctl.Program {
	return &intelmqctl.Program{Words: []string{"sudo", "-n", "-u", "nobody", "/bin/sh", "-c", text, "intelmqctl"}}
}

func needsSudo(t *testing.T) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "sudo", "-n", "-u", "nobody", "true").CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI must have sudo, without a password: %v %s", err, out)
		}
		t.Skipf("sudo runs nothing here without a password: %v %s", err, out)
	}
}

func TestSudoPassesTheSignalOn(t *testing.T) {
	needsSudo(t)
	o, _ := interrupt(t, scriptAsNobody(`
		trap 'echo "bot is started again"; exit 7' TERM
		echo ready >$1
		while :; do sleep 0.01; done`))
	if string(o.Stdout) != "bot is started again\n" || o.ExitCode != 7 || !o.Interrupted || o.Running != nil {
		t.Errorf("got %q, %q, %+v", o.Stdout, o.Stderr, o)
	}
}

// TestACommandBehindSudoOutlivesIt: SIGKILL reaches sudo alone.
func TestACommandBehindSudoOutlivesIt(t *testing.T) {
	needsSudo(t)
	p := scriptAsNobody(`trap '' TERM; cat /proc/$$/stat; echo ready >$1; read line <$2; echo late`)
	p.Grace = 100 * time.Millisecond
	goOn := fifo(t)
	o, _ := interrupt(t, p, goOn)
	if o.ExitCode != -1 || !o.Interrupted || o.Running == nil {
		t.Fatalf("got %q, %q, %+v", o.Stdout, o.Stderr, o)
	}
	// Without a terminal sudo makes neither a session nor a group.
	fields := strings.Fields(string(o.Stdout))
	if parent, group, session := fields[3], fields[4], fields[5]; group != parent || session != parent {
		t.Errorf("the command has the parent %s, group %s and session %s", parent, group, session)
	}
	goesOn(t, o, goOn)
}

// privateSudoers tells a process that it has a file system to itself, in which it
// may write rules for sudo: the value is a folder.
const privateSudoers = "INTELMQCTL_TEST_SUDOERS"

// TestACommandThatSudoHasBecomeCannotBeEnded: without PAM sessions sudo becomes the
// command, which is another user's then. Its rules are in a file system of which
// nobody else knows.
func TestACommandThatSudoHasBecomeCannotBeEnded(t *testing.T) {
	if rules := os.Getenv(privateSudoers); rules != "" {
		cannotBeEnded(t, rules)
		return
	}
	needsSudo(t)
	if os.Geteuid() != 0 {
		t.Skip("only root can change sudo's rules for a test")
	}
	rules := t.TempDir()
	const text = "Defaults !pam_session,!pam_setcred,!use_pty\ndaemon ALL=(nobody) NOPASSWD: ALL\n"
	if err := os.WriteFile(filepath.Join(rules, "test"), []byte(text), 0o440); err != nil {
		t.Fatal(err)
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run", "^"+t.Name()+"$")
	again.Env = append(os.Environ(), privateSudoers+"="+rules)
	again.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := again.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Skipf("this root has no file systems of its own: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
}

// cannotBeEnded runs as the user daemon what the user nobody runs.
func cannotBeEnded(t *testing.T, rules string) {
	t.Helper()
	goOn := fifo(t)
	for _, err := range []error{
		syscall.Mount(rules, "/etc/sudoers.d", "", syscall.MS_BIND, ""),
		syscall.Setgroups(nil), syscall.Setgid(1), syscall.Setuid(1),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p := scriptAsNobody(`echo begun; echo ready >$1; read line <$2; echo late`)
	p.Grace = time.Hour
	o, _ := interrupt(t, p, goOn)
	if o.ExitCode != -1 || !o.Interrupted || o.Running == nil || string(o.Stdout) != "begun\n" {
		t.Fatalf("got %q, %q, %+v", o.Stdout, o.Stderr, o)
	}
	goesOn(t, o, goOn)
}
