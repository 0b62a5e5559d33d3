package caddyrun

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is Caddy in a process of its own, for what cannot be done to the
// process of a test: limits, and an end by force.
type Process struct {
	*os.Process
	command *exec.Cmd
	stderr  bytes.Buffer
	ended   sync.Once
	err     error
}

// StartProcess runs Caddy with a Caddyfile in a process of its own until the test
// ends. It keeps its things in dir, {$DIR} in the Caddyfile. The test's package
// must run Caddy's command under the name caddy: by testscript.Main, in TestMain.
func StartProcess(tb testing.TB, dir, caddyfile string) *Process {
	tb.Helper()
	p := &Process{command: Command(tb, dir, "run", "--config", WriteCaddyfile(tb, dir, caddyfile))}
	p.command.Stderr = &p.stderr
	p.command.Cancel = func() error { return p.command.Process.Signal(syscall.SIGTERM) }
	p.command.WaitDelay = 10 * time.Second
	if err := p.command.Start(); err != nil {
		tb.Fatal(err)
	}
	p.Process = p.command.Process
	// The test's context ends, and with it the process, before this is called.
	tb.Cleanup(func() { _ = p.Wait() })
	return p
}

// WriteCaddyfile writes dir/Caddyfile, where {$DIR} stands for dir.
func WriteCaddyfile(tb testing.TB, dir, text string) (file string) {
	tb.Helper()
	file = filepath.Join(dir, "Caddyfile")
	text = string(bytes.ReplaceAll([]byte(text), []byte("{$DIR}"), []byte(dir)))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

// Command is one of Caddy's commands, in a process of its own that ends with the
// test and keeps its things in dir.
func Command(tb testing.TB, dir string, arguments ...string) *exec.Cmd {
	tb.Helper()
	program, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	c := exec.CommandContext(tb.Context(), program)
	// testscript.Main looks at the name under which it is called.
	c.Args = append([]string{"caddy"}, arguments...)
	c.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	return c
}

// Cut ends the process as `kill -9` does, and waits until it is gone.
func (p *Process) Cut() {
	// One that has ended by itself shows in Wait.
	_ = p.Kill()
	_ = p.Wait()
}

// Wait waits until the process has ended, and gives the error of its end.
func (p *Process) Wait() error {
	p.ended.Do(func() { p.err = p.command.Wait() })
	return p.err
}

// Output is what the process has written to its standard error; it may be asked
// for after Wait only.
func (p *Process) Output() string { return p.stderr.String() }
