package caddyintelmq

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/intelmqapi"
)

const (
	// maxHeld is how many bytes of large bodies and answers are in memory at once, and
	// maxHeldByOne those of one caller: a slow client holds them for minutes.
	maxHeld      = 256 << 20
	maxHeldByOne = maxHeld / 4
	// small bodies and answers do not count.
	small = 64 << 10
	// heldWait is how long one waits for its turn.
	heldWait = 5 * time.Second
	// bodyWeight is what a body needs of memory besides its own length, while it is
	// read and compared.
	bodyWeight = 4
	// fileWeight is what a file, or a listing, may have.
	fileWeight = 16 << 20
)

// budget is what is held in memory. The zero value is ready.
type budget struct {
	mu   sync.Mutex
	held int64
	by   map[string]int64
	// freed is closed when something is given back.
	freed chan struct{}
}

// take waits until there is room for so many bytes of a caller. The result gives them
// back, and is nil if there was none in time.
func (b *budget) take(ctx context.Context, who string, size int64) (giveBack func()) {
	size = min(size, maxHeldByOne)
	ctx, cancel := context.WithTimeout(ctx, heldWait)
	defer cancel()
	for {
		freed := b.try(who, size)
		if freed == nil {
			return func() { b.giveBack(who, size) }
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return nil
		}
	}
}

// try takes the bytes, or returns what is closed when it may be tried again.
func (b *budget) try(who string, size int64) (freed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.freed == nil {
		b.freed, b.by = make(chan struct{}), map[string]int64{}
	}
	if b.held+size > maxHeld || b.by[who]+size > maxHeldByOne {
		return b.freed
	}
	b.held += size
	b.by[who] += size
	return nil
}

func (b *budget) giveBack(who string, size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= size
	if b.by[who] -= size; b.by[who] == 0 {
		delete(b.by, who)
	}
	close(b.freed)
	b.freed = make(chan struct{})
}

// hold takes room for what a call has in memory until it is answered.
func (h *IntelMQ) hold(c *call, size int64) *intelmqapi.Answer {
	if size <= small {
		return nil
	}
	giveBack := h.desk.budget.take(c.ctx(), c.who(), size)
	if giveBack == nil {
		c.cause = "too_much_at_once"
		return intelmqapi.Refused(http.StatusServiceUnavailable, "too many large requests and answers are on their way; try again later", heldWait)
	}
	c.ends = append(c.ends, giveBack)
	return nil
}
