package intelmqctl

import (
	"io"
	"os"
	"sync"
)

// catch reads what a process prints, to the end, and keeps a part of it.
type catch struct {
	from *os.File
	// done is closed when nobody can print any more.
	done chan struct{}
	// max is how many bytes are kept; if last is set these are the last ones.
	max  int
	last bool

	mu    sync.Mutex
	kept  []byte
	cut   bool
	taken bool
}

// newCatch opens a pipe and reads from it until close, or until its other end is
// closed by all who have it.
func newCatch(limit int, last bool) (*catch, *os.File, error) {
	from, to, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	c := &catch{from: from, done: make(chan struct{}), max: limit, last: last}
	go func() {
		defer close(c.done)
		defer from.Close()
		// The end of a pipe is no error, and another one is an end as well.
		_, _ = io.Copy(c, from)
	}()
	return c, to, nil
}

// Write keeps of data what there is room for. It never fails: the process must
// not be held up or ended by what it prints.
func (c *catch) Write(data []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.taken:
	case c.last:
		c.kept = append(c.kept, data...)
		// Seldom moved, so that much output costs little.
		if len(c.kept) > 2*c.max {
			c.kept = append(c.kept[:0], c.kept[len(c.kept)-c.max:]...)
			c.cut = true
		}
	default:
		fits := min(len(data), c.max-len(c.kept))
		c.kept = append(c.kept, data[:fits]...)
		c.cut = c.cut || fits < len(data)
	}
	return len(data), nil
}

// take returns what was kept, and whether it is not all. What comes later is
// dropped.
func (c *catch) take() (kept []byte, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, cut = c.kept, c.cut
	if len(kept) > c.max {
		kept, cut = kept[len(kept)-c.max:], true
	}
	c.kept, c.taken = nil, true
	return kept, cut
}

// close ends the reading.
func (c *catch) close() { c.from.Close() }
