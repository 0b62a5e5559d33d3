//go:build unix

package cputime

import (
	"syscall"
	"time"
)

// Used returns the processor time of all threads so far, user and system.
func Used() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
