package caddyauth_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal with a command at it.
type terminal struct {
	t       *testing.T
	master  *os.File
	command *exec.Cmd
	// closed is closed when nobody has the terminal open any more.
	closed chan struct{}

	mu   sync.Mutex
	text strings.Builder
}

// atTerminal runs `caddy auth …` with a terminal as its input, output and
// controlling terminal.
func atTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("there are no pseudo-terminals here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, master: master, command: exec.CommandContext(t.Context(), program), closed: make(chan struct{})}
	// testscript.Main looks at the name under which it is called.
	x.command.Args = append([]string{"caddy", "auth"}, args...)
	x.command.Stdin, x.command.Stdout, x.command.Stderr = slave, slave, slave
	x.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.command.Start(); err != nil {
		t.Fatal(err)
	}
	go x.read()
	return x
}

func (x *terminal) read() {
	defer close(x.closed)
	buffer := make([]byte, 1024)
	for {
		n, err := x.master.Read(buffer)
		x.mu.Lock()
		x.text.Write(buffer[:n])
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// shows is all that stands on the terminal.
func (x *terminal) shows() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return strings.ReplaceAll(x.text.String(), "\r", "")
}

func (x *terminal) echoes() bool {
	x.t.Helper()
	state, err := unix.IoctlGetTermios(int(x.master.Fd()), unix.TCGETS)
	if err != nil {
		x.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// answer waits for a question, and for the echo to be off, and types.
func (x *terminal) answer(question, text string) {
	x.t.Helper()
	within(x.t, 10*time.Second, func() bool { return strings.HasSuffix(x.shows(), question) && !x.echoes() })
	if _, err := x.master.WriteString(text); err != nil {
		x.t.Fatal(err)
	}
}

// end waits for the command, and for all that it has written, and returns its exit code.
func (x *terminal) end() int {
	_ = x.command.Wait()
	<-x.closed
	return x.command.ProcessState.ExitCode()
}

func TestAtATerminalThePasswordIsAskedForTwiceAndNotShown(t *testing.T) {
	dir := t.TempDir()
	where := "sqlite:" + filepath.Join(dir, "auth.db")
	inStore(t, dir, func(*admin) {})
	const other = "Sechs: Kamele im Regen"

	x := atTerminal(t, "user", "passwd", "alice", "--store", where)
	x.answer("New password: ", passphrase+"\n")
	x.answer("Again: ", passphrase+"\n")
	if code := x.end(); code != 0 || !strings.Contains(x.shows(), "password of user alice set") {
		t.Errorf("%d: %s", code, x.shows())
	}
	if strings.Contains(x.shows(), "Kamele") {
		t.Errorf("the password is shown: %s", x.shows())
	}
	inStore(t, dir, func(a *admin) { a.logIn(day) })

	x = atTerminal(t, "user", "add", "bob", "--password", "--store", where)
	x.answer("New password: ", passphrase+"\n")
	x.answer("Again: ", other+"\n")
	if code := x.end(); code != 2 || !strings.Contains(x.shows(), "Error: the two are not the same") || strings.Contains(x.shows(), "Kamele") {
		t.Errorf("two that differ: %d: %s", code, x.shows())
	}

	x = atTerminal(t, "user", "passwd", "alice", "--store", where)
	x.answer("New password: ", "half a pass\x03")
	if code := x.end(); code == 0 {
		t.Errorf("an interrupt is no error: %s", x.shows())
	}
	if !x.echoes() {
		t.Error("an interrupted question leaves the terminal without an echo")
	}
	inStore(t, dir, func(a *admin) {
		a.logIn(day)
		if _, err := a.User(t.Context(), "bob"); err == nil {
			t.Error("bob was added")
		}
	})
}
