package intelmqctl

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// lockLimit is how long another process may keep a change waiting, and
	// lockPause how often it is tried.
	lockLimit = 10 * time.Second
	lockPause = 50 * time.Millisecond
	// lockWait is when to try again that is told to a client.
	lockWait = 5 * time.Second
)

// errLocked says that another process holds the lock.
var errLocked = errors.New("another process holds the lock")

// lock locks a folder, unless it is empty, until unlock is called. It fails with
// Locked, or with Gone if ctx is done. A folder that cannot be locked is as one that
// is locked by another: two changes at once would be worse than none.
func lock(ctx context.Context, dir string) (unlock func(), failure *Failure) {
	if dir == "" {
		return func() {}, nil
	}
	limit := time.NewTimer(lockLimit)
	defer limit.Stop()
	for {
		unlock, err := tryLock(dir)
		if err == nil {
			return unlock, nil
		}
		if !errors.Is(err, errLocked) {
			return nil, lockedFailure(dir, err)
		}
		select {
		case <-time.After(lockPause):
		case <-limit.C:
			return nil, lockedFailure(dir, err)
		case <-ctx.Done():
			return nil, goneFailure(ctx)
		}
	}
}

func lockedFailure(dir string, err error) *Failure {
	f := &Failure{Cause: Locked, Wait: lockWait, Err: fmt.Errorf("locking '%s': %w", dir, err)}
	if errors.Is(err, errLocked) {
		f.Message = fmt.Sprintf("another process changes the botnet, or has for %s: it holds the lock on '%s'", lockLimit, dir)
		f.Tip = fmt.Sprintf("Find it on the server with fuser -v '%s'.", dir)
		return f
	}
	f.Message = fmt.Sprintf("the folder '%s' cannot be locked: %v", dir, err)
	f.Tip = "Let this server read the folder, on a file system that has locks."
	return f
}
