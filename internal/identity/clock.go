package identity

import (
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// clockSlack is how far the time of day may go away from the time that has
	// passed before it counts as set. Programs that keep the time do not get
	// there: they slow a clock down, or make it faster.
	clockSlack = time.Minute
	// distrustFor is how long nothing is removed for having ended after the
	// clock was set: somebody may have mistyped the day, and will find out.
	distrustFor = time.Hour
)

// clockGuard notices that the time of day was set. What is valid until some time
// is held against it all the same, since that is what the time means; but
// nothing that could be of use again is thrown away.
type clockGuard struct {
	// wall and elapsed are the time of day and the time that has passed, at the
	// last look.
	wall    time.Time
	elapsed time.Duration
	// offset is by how much it was set in all.
	offset time.Duration
	// distrusted is until when, in the time that has passed, the time of day is
	// not trusted.
	distrusted atomic.Int64
}

// look compares the two, and returns by how much the time of day was set since
// the last look: 0 if it was not. The computer's sleep, which the time that has
// passed leaves out on Linux, looks the same as a clock set ahead.
func (g *clockGuard) look(now time.Time, elapsed time.Duration) (jump time.Duration) {
	// Without its monotonic reading, which Sub would prefer.
	wall := now.Round(0)
	if !g.wall.IsZero() {
		jump = wall.Sub(g.wall) - (elapsed - g.elapsed)
	}
	g.wall, g.elapsed = wall, elapsed
	if jump.Abs() <= clockSlack {
		return 0
	}
	g.offset += jump
	g.distrusted.Store(int64(elapsed + distrustFor))
	return jump
}

// behind is by how much the time of day was set back in all, 0 if it is ahead.
func (g *clockGuard) behind() time.Duration { return max(-g.offset, 0) }

// trusted reports whether the clock was not set within distrustFor.
func (g *clockGuard) trusted(elapsed time.Duration) bool {
	return int64(elapsed) >= g.distrusted.Load()
}

// lookAtClock logs that the clock was set, and makes up for it: a token must not
// have lain unused for a day because the clock was set back by one and then right
// again, nor lie unused for a day more because it was used while the clock was
// ahead.
func (m *Mirror) lookAtClock() {
	now := m.now()
	elapsed := m.since(now)
	sinceLook, before := elapsed-m.clock.elapsed, m.clock.behind()
	jump := m.clock.look(now, elapsed)
	if jump == 0 {
		return
	}
	direction := "ahead"
	if jump < 0 {
		direction = "back"
		m.setBack.Store(true)
	}
	if x := m.index.Load(); x != nil {
		x.tokens.moveUses(before-m.clock.behind(), now, sinceLook)
	}
	m.log.Warn("the clock was set "+direction+"; keys and sessions begin and end by it, and what has ended is not removed for a while",
		slog.Duration("by", jump.Abs().Round(time.Second)), slog.Time("now", now), slog.Duration("while", distrustFor))
}

// moveUses moves the last uses of tokens, but for those within recently before
// now, which are of the new time already. None is later than now afterwards.
func (t *table) moveUses(by time.Duration, now time.Time, recently time.Duration) {
	seconds, latest := int64(by/time.Second), int64(clampSeconds(now.Unix()))
	recent := clampSeconds(now.Add(-recently).Unix())
	for i := range t.shards {
		s := t.shards[i].Load()
		if s == nil {
			continue
		}
		for j := range s.records {
			used := &s.records[j].used
			was := atomic.LoadUint32(used)
			is := int64(was)
			if was < recent || is > latest {
				is += seconds
			}
			if is = min(is, latest); uint32(is) != was {
				// If it fails somebody has just used it.
				atomic.CompareAndSwapUint32(used, was, clampSeconds(is))
			}
		}
	}
}
