//go:build unix

package intelmqctl

import "syscall"

// ownSession makes the process the first of a new session, which has no terminal,
// and of a new process group.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
