package identity

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

const (
	// usageEvery is how often uses are written. The records in memory see to it
	// that each key is noted at most once a minute.
	usageEvery = time.Minute
	// maxUsage bounds the keys that are remembered between two writes. Further
	// ones are noted at their next use.
	maxUsage = 100_000
)

// usage remembers when keys were used until it is written. What is lost in a
// crash does no harm.
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

// run writes uses every minute, and a last time when ctx ends.
func (u *usage) run(ctx context.Context, s *store.Store, log *slog.Logger) {
	for sleep(ctx, usageEvery) {
		u.write(ctx, s, log)
	}
	u.write(context.WithoutCancel(ctx), s, log)
}

func (u *usage) write(ctx context.Context, s *store.Store, log *slog.Logger) {
	used := u.take()
	if len(used) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	if err := s.MarkUsed(ctx, used); err != nil {
		log.Warn("the last uses of keys could not be written", slog.Int("keys", len(used)), slog.Any("error", err))
	}
}
