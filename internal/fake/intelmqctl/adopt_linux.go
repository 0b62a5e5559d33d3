package intelmqctl

import "syscall"

// becomeReaper has the kernel give this process the orphans among its descendants:
// PR_SET_CHILD_SUBREAPER in prctl(2).
func becomeReaper() error {
	const setChildSubreaper = 36
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0); errno != 0 {
		return errno
	}
	return nil
}
