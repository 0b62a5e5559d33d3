//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package allowlist

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lockWait is how long another program may hold the lock.
const lockWait = 5 * time.Second

// lock keeps others of us from changing the file at path. The lock is on the
// file itself, so that nobody can hold it who may not read the secrets. Who may
// can hold it for ever, so it is waited for lockWait at most.
func lock(ctx context.Context, path string) (unlock func() error, err error) {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for {
		unlock, err := tryLock(path)
		if unlock != nil || err != nil {
			return unlock, err
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("'%s' is locked by another program, which anybody who may read the file can do; find it with `fuser -v` and end it: %w", path, ctx.Err())
		}
	}
}

// tryLock returns nil twice if it must be tried again.
func tryLock(path string) (unlock func() error, err error) {
	// Without O_NONBLOCK opening what is no file may wait for ever.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		// Whoever had the lock may have put another file here.
		locked, err1 := file.Stat()
		there, err2 := os.Stat(path)
		if err1 == nil && err2 == nil && os.SameFile(locked, there) {
			return file.Close, nil
		}
		return nil, file.Close()
	}
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return nil, file.Close()
	}
	return nil, errors.Join(fmt.Errorf("locking '%s': %w", path, err), file.Close())
}
