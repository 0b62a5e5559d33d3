package allowlist

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// sight is what a look at the file has seen: the file, or why there is none.
type sight struct {
	info fs.FileInfo
	err  string
}

func look(path string) *sight {
	info, err := os.Stat(path)
	if err != nil {
		return &sight{err: err.Error()}
	}
	return &sight{info: info}
}

func (s *sight) same(as *sight) bool {
	if s == nil || as == nil || s.err != as.err {
		return false
	}
	return s.err != "" || atomicfile.Unchanged(s.info, as.info)
}

// follow looks at the file from now on, until Close.
func (f *File) follow() {
	if f.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	f.stop, f.stopped = stop, make(chan struct{})
	go func(stopped chan struct{}) {
		defer close(stopped)
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				f.look()
			}
		}
	}(f.stopped)
}

// look reads the file if it has changed and no longer does.
func (f *File) look() {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := look(f.path)
	settled := now.same(f.seen)
	f.seen = now
	if !settled || now.same(f.taken) {
		return
	}
	d, err := Read(f.path)
	_, broken := errors.AsType[*BrokenError](err)
	if err == nil || broken {
		f.taken = now
	}
	if err != nil {
		// What is no fault of the content is tried again at the next look.
		f.report(err)
		return
	}
	f.adopt(d)
}
