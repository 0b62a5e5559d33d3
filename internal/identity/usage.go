package identity

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
)

// maxUsage bounds the keys, and the tokens, that are remembered between two
// writes. Further ones are noted at their next use.
const maxUsage = 100_000

// usage remembers when keys or tokens were used until it is written. What is
// lost in a crash does little harm: a token may lie idle for a minute less.
type usage struct {
	mu   sync.Mutex
	last map[credential.KeyID]time.Time
}

func (u *usage) note(id credential.KeyID, now time.Time) {
	u.mu.Lock()
	if u.last == nil {
		u.last = map[credential.KeyID]time.Time{}
	}
	if _, known := u.last[id]; known || len(u.last) < maxUsage {
		u.last[id] = now
	}
	u.mu.Unlock()
}

// take returns what has been noted since the last time.
func (u *usage) take() map[credential.KeyID]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	last := u.last
	u.last = nil
	return last
}

// write writes what has been noted, by the store's method for it.
func (u *usage) write(ctx context.Context, mark func(context.Context, map[credential.KeyID]time.Time) error, log *slog.Logger) {
	used := u.take()
	if len(used) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	if err := mark(ctx, used); err != nil {
		log.Warn("the last uses of keys or tokens could not be written", slog.Int("number", len(used)), slog.Any("error", err))
	}
}
