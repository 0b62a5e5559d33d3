package caddyintelmq_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inNamespace is set where the test may mount: it has a mount namespace of its own.
const inNamespace = "CADDYINTELMQ_TEST_IN_NAMESPACE"

// TestAFullDiskLeavesTheOldConfiguration has the configuration on a small disk. It
// runs in a mount namespace, which every user may have on most kernels.
func TestAFullDiskLeavesTheOldConfiguration(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		saveOnAFullDisk(t)
		return
	}
	run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAFullDiskLeavesTheOldConfiguration$", "-test.v")
	run.Env = append(os.Environ(), inNamespace+"=1")
	run.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if os.Getuid() == 0 {
		run.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	}
	text, err := run.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || strings.Contains(string(text), noMount) {
		t.Skipf("this user may not mount: %v", err)
	}
	if err != nil || !strings.Contains(string(text), "--- PASS: ") {
		t.Errorf("%v\n%s", err, text)
	}
}

// noMount is said where there are namespaces, but nothing can be mounted in them.
const noMount = "no disk can be mounted"

func saveOnAFullDisk(t *testing.T) {
	b := prepare(t)
	folder := b.botnet.Path("etc")
	old := readFile(t, folder+"/runtime.yaml")
	if err := errors.Join(unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""), unix.Mount("tmpfs", folder, "tmpfs", 0, "size=64k")); err != nil {
		t.Skip(noMount+":", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	writeFile(t, folder+"/runtime.yaml", old, 0o644)
	if err := os.Mkdir(folder+"/manager", 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, folder+"/manager/positions.conf", `{"a":{"x":1}}`, 0o644)
	b.use(t, b.site("", ""))
	runtime := b.as(t, "reader", "runtime").Text
	filling, err := os.Create(folder + "/filling")
	for piece := make([]byte, 4096); err == nil; {
		_, err = filling.Write(piece)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	filling.Close()
	for route, body := range map[string]string{"runtime": withRate(runtime, 7), "positions": `{"a":{"x":2}}`} {
		r := b.post(t, "writer", route, body, asJSON...)
		if r.StatusCode != 500 || !strings.Contains(r.Text, "no space left on device") || r.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: HTTP %d %s", route, r.StatusCode, r.Text)
		}
	}
	expect(t, b.as(t, "reader", "runtime"), 200, runtime)
	if got := readFile(t, folder+"/runtime.yaml"); got != old {
		t.Errorf("the file is now %s", got)
	}
	if got := readFile(t, folder+"/manager/positions.conf"); got != `{"a":{"x":1}}` {
		t.Errorf("the positions are now %s", got)
	}
	expectNoRemains(t, b, "runtime.yaml", "manager", "filling")
	if err := os.Remove(folder + "/filling"); err != nil {
		t.Fatal(err)
	}
	expect(t, b.post(t, "writer", "runtime", withRate(runtime, 7), asJSON...), 200, "success")
	expect(t, b.as(t, "reader", "runtime"), 200, withRate(runtime, 7))
}
