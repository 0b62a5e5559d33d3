package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/sallyport/sallyport/internal/store"
)

const (
	// mendEvery is how often it is tried to open a store anew while that does not
	// succeed. Where it takes long, for all of a large file is read, the pauses
	// are mendRest times as long as the attempts.
	mendEvery = time.Second
	mendRest  = 4
)

// mending is what is known of a store that has to be opened anew.
type mending struct {
	// next is when to try again, in nanoseconds of Mirror.elapsed, and err why
	// it did not succeed last.
	next int64
	err  error
}

// tend looks at the clock and at the store, and opens the store anew if another
// file has taken its place, its log was lost, or it was damaged or unreadable and may be sound again. It is for
// Run alone: a request does not wait so long.
func (m *Mirror) tend(ctx context.Context) error {
	m.lookAtClock()
	err := m.poll(ctx)
	if !mayBeReopened(err) {
		m.mending = mending{}
		return err
	}
	began := m.elapsed()
	if began < m.mending.next {
		return m.mending.err
	}
	if m.mending.err = m.reopen(ctx); m.mending.err == nil {
		m.mending.err = m.poll(ctx)
	}
	now := m.elapsed()
	m.mending.next = now + max(int64(mendEvery), mendRest*(now-began))
	return m.mending.err
}

// tendOrFail makes a panic of tend an error: nothing is answered while it lasts, but
// whoever does not look again never finds that it is over. What a panic says may have
// come from the store, so only its type is told, and where it was.
func (m *Mirror) tendOrFail(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic of type %T\n%s", p, debug.Stack())
		}
	}()
	return m.tend(ctx)
}

// mayBeReopened reports whether a store with this fault may be sound again when it is
// opened anew.
func mayBeReopened(err error) bool {
	for _, fault := range []error{store.ErrReplaced, store.ErrLogLost, store.ErrDamaged, store.ErrUnreadable} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}

func (m *Mirror) reopen(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	kept, err := m.store.Reopen(ctx, m.registry.peppers.atHand())
	if kept != "" {
		m.log.Warn("another file is in the place of the store; what was not yet in the old one is kept beside it", slog.String("file", kept))
	}
	if err != nil {
		return m.registry.peppers.explain(err)
	}
	m.log.Warn("the store was opened anew: another file is in its place, its log was lost, or it was damaged and is sound again", slog.String("store", m.store.Location().String()))
	return m.registry.expectImported(ctx)
}

// complaint logs a fault when it begins, again while it lasts or when it becomes
// another one, and its end.
type complaint struct {
	log  *slog.Logger
	now  func() time.Time
	last time.Time
	text string
}

const (
	// complainEvery is how often a fault that lasts is logged again, and
	// otherEvery how soon another one that has come of it.
	complainEvery = time.Minute
	otherEvery    = 10 * time.Second
)

func (c *complaint) about(err error) {
	switch {
	case err == nil && !c.last.IsZero():
		c.log.Info("the store is back; keys are checked again")
		c.last = time.Time{}
	case err != nil && c.due(err.Error()):
		c.log.Error("the store cannot be read; keys are not checked until it can", slog.Any("error", err))
		c.last, c.text = c.now(), err.Error()
	}
}

func (c *complaint) due(text string) bool {
	quiet := c.now().Sub(c.last)
	return c.last.IsZero() || quiet >= complainEvery || quiet >= otherEvery && text != c.text
}
