//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package intelmqctl

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a folder, or fails with errLocked. The lock is not inherited by the
// processes that are started, or a bot would hold it for as long as it runs.
func tryLock(dir string) (unlock func(), err error) {
	// Without O_DIRECTORY opening a FIFO may wait for ever.
	folder, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return func() {
			// Closing alone would leave it to a process that is being started.
			_ = syscall.Flock(int(folder.Fd()), syscall.LOCK_UN)
			_ = folder.Close()
		}, nil
	}
	_ = folder.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errLocked
	}
	return nil, err
}
