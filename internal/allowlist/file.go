package allowlist

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/brake"
)

// lookEvery is the time between two looks at the file. An edit counts when two
// looks in a row have seen it, after half a second at most: a file that is just
// being written is not read half.
const lookEvery = 200 * time.Millisecond

// File is a file of secrets in use. It may be used by many goroutines at once.
type File struct {
	path     string
	generate Generator
	log      *slog.Logger
	failures *brake.Counter[source]

	// secrets is nil until the file has been read. The map is never changed.
	secrets atomic.Pointer[map[netip.Prefix]verifier]
	problem atomic.Pointer[string]

	// mu is held while the file is read, and guards what stands below.
	mu sync.Mutex
	// seen is what the last look saw, taken what was read last; both are nil
	// where that is not known.
	seen, taken *sight
	stop        context.CancelFunc
	stopped     chan struct{}
}

// NewFile prepares the use of a file, and touches nothing before Open. generate
// makes secrets.
func NewFile(path string, generate Generator, log *slog.Logger) *File {
	return &File{path: path, generate: generate, log: log, failures: brake.New[source]()}
}

// Path is the path that was given.
func (f *File) Path() string { return f.path }

// Open reads the file, gives a secret to each entry that has none, and begins
// to follow edits until Close. A file that is not there is made. It may be
// called again, for other entries. If the file is broken then, what was read
// last stays in force, Problem says so, and there is no error.
func (f *File) Open(ctx context.Context, entries []Entry) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, err := f.complete(ctx, entries)
	if _, broken := errors.AsType[*BrokenError](err); broken && f.secrets.Load() != nil {
		f.report(err)
	} else if err != nil {
		return err
	} else {
		f.adopt(d)
	}
	// What was read may have been changed at that moment, so the next looks
	// read it once more.
	f.seen, f.taken = nil, nil
	f.follow()
	return nil
}

// complete returns the file with a secret for each entry.
func (f *File) complete(ctx context.Context, entries []Entry) (*Document, error) {
	d, err := Read(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		// If another process has made it meanwhile, that is the file.
		if err = create(f.path, entries, f.generate); err == nil || errors.Is(err, fs.ErrExist) {
			d, err = Read(f.path)
		}
	}
	if err != nil {
		return nil, err
	}
	missing := d.missing(entries)
	if len(missing) == 0 {
		return d, nil
	}
	err = Edit(ctx, f.path, func(now *Document) error {
		d = now
		_, err := now.Complete(missing, f.generate)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%d entries need a secret: %w", len(missing), err)
	}
	return d, nil
}

// adopt puts the secrets of a document in force.
func (f *File) adopt(d *Document) {
	secrets := d.verifiers()
	old := f.secrets.Swap(&secrets)
	if f.problem.Swap(nil) != nil {
		f.log.Info("the file of client secrets can be used again", slog.String("file", f.path))
	}
	if old != nil && maps.Equal(*old, secrets) {
		return
	}
	if old != nil {
		f.log.Info("client secrets have changed", slog.String("file", f.path))
	}
	weak := 0
	for _, e := range d.Entries() {
		if e.Weak {
			weak++
		}
	}
	if weak > 0 {
		f.log.Warn("client secrets of less than 16 characters can be guessed; rotate them",
			slog.String("file", f.path), slog.Int("entries", weak))
	}
}

// report keeps a problem and logs it, once.
func (f *File) report(err error) {
	text := err.Error()
	if old := f.problem.Swap(&text); old == nil || *old != text {
		f.log.Error("the file of client secrets cannot be used; those that were read last stay in force",
			slog.String("file", f.path), slog.String("error", text))
	}
}

// Problem says what is wrong with the file, or is "".
func (f *File) Problem() string {
	if text := f.problem.Load(); text != nil {
		return *text
	}
	return ""
}

// Loaded reports whether the file has been read.
func (f *File) Loaded() bool { return f.secrets.Load() != nil }

// Close stops following edits. What was read last stays in force for those who
// still ask.
func (f *File) Close() {
	f.mu.Lock()
	stop, stopped := f.stop, f.stopped
	f.stop = nil
	f.mu.Unlock()
	if stop != nil {
		stop()
		<-stopped
	}
}
