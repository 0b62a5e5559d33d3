package identity

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sallyport/sallyport/internal/store"
)

const (
	// upkeepEvery is how often the store is tidied up and uses are written. The
	// records in memory see to it that a key is noted at most once a minute.
	upkeepEvery = time.Minute
	// sweepSlack is how much later than it ended a token is removed: its last
	// use may not have been written yet.
	sweepSlack = 5 * time.Minute
	// sweepAtOnce bounds the tokens that are removed in one transaction, so that
	// log-ins need not wait for it.
	sweepAtOnce = 1000
	// keptFailures bounds the counts of failed log-ins; the oldest go first. At
	// three a failure, and as many failures a second as hashes can be computed,
	// a flood needs a quarter of an hour to fill it.
	keptFailures = 100_000
)

// upkeep forgets proofs, writes uses and removes what has ended, every minute
// and, for the uses, a last time when ctx ends.
func (m *Mirror) upkeep(ctx context.Context) {
	for sleep(ctx, upkeepEvery) {
		m.remembered.sweep(m.now())
		m.writeUses(ctx)
		if err := errors.Join(m.mendUses(ctx), m.sweep(ctx, keptFailures)); err != nil && ctx.Err() == nil {
			m.log.Warn("the store could not be tidied up; it is tried again in a minute", slog.Any("error", err))
		}
	}
	ctx, cancel := lastly(ctx)
	defer cancel()
	m.writeUses(ctx)
}

// lastLimit is how long all that is written at the end may take together. If somebody
// has locked the store, less is lost than by who ends a server that does not end.
const lastLimit = 3 * time.Second

// lastly is a context for what is written when ctx has ended.
func lastly(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), lastLimit)
}

func (m *Mirror) writeUses(ctx context.Context) {
	m.used.write(ctx, m.store.MarkUsed, m.log)
	m.tokensUsed.write(ctx, m.store.MarkTokensUsed, m.log)
}

// mendUses sees to it that in the store no token was used at a time that has not
// come yet, if the clock was set back, or may have been before the start. Memory
// knows already; and where the clock is set right within the hour nothing has to
// be done.
func (m *Mirror) mendUses(ctx context.Context) error {
	elapsed := time.Duration(m.elapsed())
	if elapsed < distrustFor || !m.clock.trusted(elapsed) || !m.setBack.Swap(false) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	now := m.now()
	err := m.store.Change(ctx, func(c *store.Change) error { return c.CapUses(now) })
	if err != nil {
		m.setBack.Store(true)
	}
	return err
}

// sweep removes tokens that have ended, those of other providers that need not be refused
// any more, and counts of failed log-ins that do not
// count any more or are not among the newest so many. It does nothing for a while
// after the clock was set.
func (m *Mirror) sweep(ctx context.Context, failures int) error {
	if !m.clock.trusted(time.Duration(m.elapsed())) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	now := m.now()
	return m.store.Change(ctx, func(c *store.Change) error {
		if err := c.SweepFailures(now.Add(-MaxWindow), failures); err != nil {
			return err
		}
		if err := c.SweepRefused(now.Add(-sweepSlack), sweepAtOnce); err != nil {
			return err
		}
		return c.SweepSessions(now.Add(-sweepSlack), sweepAtOnce)
	})
}
