package intelmqctl

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// AdoptBots makes this process the parent of the bots of a folder, once the calls that
// started them have ended, and reaps those that end: an init does so, but not each
// process 1 is one, and a zombie's status is unknown. It ends with stop.
func AdoptBots(root string) (stop func(), err error) {
	if err := becomeReaper(); err != nil {
		return nil, err
	}
	done := make(chan struct{})
	var reaping sync.WaitGroup
	reaping.Go(func() {
		reaped := map[int]bool{}
		for {
			folder(root).reap(reaped)
			select {
			case <-done:
				return
			case <-time.After(looking):
			}
		}
	})
	return func() { close(done); reaping.Wait() }, nil
}

// reap reaps the bots that have ended. It waits for no other process: that one has
// somebody who does.
func (f folder) reap(reaped map[int]bool) {
	text, err := os.ReadFile(f.path(startedFile))
	if err != nil {
		return
	}
	for line := range strings.Lines(string(text)) {
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil || pid <= 0 || reaped[pid] {
			continue
		}
		if got, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); err == nil && got == pid {
			reaped[pid] = true
		} else if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			reaped[pid] = true // by somebody else
		}
	}
}
