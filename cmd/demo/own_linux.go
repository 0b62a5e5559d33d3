package main

import (
	"os/exec"
	"syscall"
)

// own ties a process to this one. It gets no Ctrl-C of its own, so that it is
// this program that ends it, and the kernel ends it if this program is killed.
func own(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
