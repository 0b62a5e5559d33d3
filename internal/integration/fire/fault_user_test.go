package fire_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// nobody is the user that servers of these tests run as if the test is run by
// root, whom no mode of a file keeps out.
const nobody = 65534

// begin starts a command that runs until the test ends.
func begin(t *testing.T, c *exec.Cmd) {
	t.Helper()
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 10 * time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	// The test's context ends, and with it the process, before this is called.
	t.Cleanup(func() { _ = c.Wait() })
}

// bind lets a command be run by the server's user.
func (p *patient) bind(c *exec.Cmd) {
	p.t.Helper()
	if !p.bound || os.Geteuid() != 0 {
		return
	}
	c.Path = program(p.t)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	// The folder of the test may be closed to others.
	c.Dir = "/"
}

// program is this program where others may run it.
func program(t *testing.T) string {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	chmod(t, 0o711, filepath.Dir(dir))
	copied := filepath.Join(dir, "caddy")
	if os.Link(own, copied) == nil {
		return copied
	}
	text, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return copied
}

// giveAway gives all of the server's files to its user.
func (p *patient) giveAway() {
	p.t.Helper()
	if !p.bound || os.Geteuid() != 0 {
		return
	}
	chmod(p.t, 0o711, filepath.Dir(p.dir))
	err := filepath.WalkDir(p.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

func chmod(t *testing.T, mode os.FileMode, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
}
