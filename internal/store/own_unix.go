//go:build unix

package store

import (
	"os"
	"syscall"
)

// own gives path the owner and group of like, if we are root: a file that root
// makes in the service's directory must belong to the service.
func own(path, like string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}
