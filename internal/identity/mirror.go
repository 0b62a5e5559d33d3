package identity

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

const (
	// pollEvery is how often the database is asked whether something changed.
	pollEvery = 100 * time.Millisecond
	// freshFor is how long a successful look proves that nothing was missed.
	freshFor = time.Second
	// queryLimit bounds each question to the database, loadLimit a whole load.
	queryLimit = 5 * time.Second
	loadLimit  = 5 * time.Minute
	// refreshLimit is how long a request waits for a look of its own.
	refreshLimit = 250 * time.Millisecond
	// loadRetry is the pause after a load that went wrong.
	loadRetry = time.Second
)

// Mirror holds a store's keys in memory and answers checks from there.
type Mirror struct {
	registry *Registry
	store    *store.Store
	log      *slog.Logger
	now      func() time.Time
	// used and tokensUsed wait to be written.
	used, tokensUsed usage
	moves            moves
	remembered       remembered
	impersonations   impersonations
	guesses          guesses

	// loaded is closed when the first load is done; index is set from then on.
	loaded chan struct{}
	index  atomic.Pointer[index]
	// began and freshUntil (nanoseconds after began) are told by the monotonic
	// clock: freshness must not depend on somebody setting the time of day.
	began      time.Time
	freshUntil atomic.Int64
	// passed tells the monotonic time since began; nil takes it from a reading of
	// now, which has it with it.
	passed func() time.Duration

	// turn is taken by whoever looks at the database and brings the index up
	// to date; position and version are his. It is a channel, since a request
	// does not wait for it longer than it wants to.
	turn     chan struct{}
	position store.Position
	version  int64
	// expiring is how many keys expired soon when they were counted last.
	expiring struct {
		keys int
		at   time.Time
	}
	// failedAt is when a look has failed last, told as freshUntil is.
	failedAt atomic.Int64
	// mending and clock are Run's.
	mending mending
	clock   clockGuard
	// setBack is set when the clock was set back, until upkeep has seen to it.
	setBack atomic.Bool
}

// NewMirror makes the mirror of a registry. It is empty until Run has loaded it,
// and from now on each change through r shows in it before the change returns.
func NewMirror(r *Registry, log *slog.Logger) *Mirror {
	m := &Mirror{registry: r, store: r.store, log: log, now: r.now, guesses: newGuesses(), loaded: make(chan struct{}), turn: make(chan struct{}, 1), began: r.now()}
	// The server may have been down while somebody set the clock back.
	m.setBack.Store(true)
	r.committed, r.settle = m.follow, m.writeMoves
	r.moved = m.moved
	r.clockTrusted = func() bool { return m.clock.trusted(time.Duration(m.elapsed())) }
	return m
}

// moved looks for a token under the ids that it got after this one, as far as is
// known.
func (m *Mirror) moved(id credential.KeyID, there func(credential.KeyID) bool) bool {
	x := m.index.Load()
	return x != nil && x.former.find(id, there)
}

// Run loads the store and keeps the mirror up to date until ctx ends. It returns
// after the last uses of keys and tokens, and the last moves, have been written.
func (m *Mirror) Run(ctx context.Context) {
	var upkeep sync.WaitGroup
	defer upkeep.Wait()
	// However this ends, in a panic too, they end before they are waited for.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	upkeep.Go(func() { m.upkeep(ctx) })
	upkeep.Go(func() { m.keepMoving(ctx) })

	c := complaint{log: m.log, now: m.now}
	for {
		err := m.tendOrFail(ctx)
		if c.about(err); err == nil {
			break
		}
		if !sleep(ctx, loadRetry) {
			return
		}
	}
	// Loading may have taken longer than a look stays fresh.
	c.about(m.tendOrFail(ctx))
	close(m.loaded)
	for sleep(ctx, pollEvery) {
		c.about(m.tendOrFail(ctx))
	}
}

// Loaded reports whether the store is loaded.
func (m *Mirror) Loaded() bool {
	select {
	case <-m.loaded:
		return true
	default:
		return false
	}
}

// Ready waits until the store is loaded. The error is that of ctx.
func (m *Mirror) Ready(ctx context.Context) error {
	select {
	case <-m.loaded:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Size counts the keys, revoked ones among them, and the tokens in memory.
func (m *Mirror) Size() (keys, tokens int) {
	m.turn <- struct{}{}
	defer m.release()
	if x := m.index.Load(); x != nil {
		return x.keys.size, x.tokens.size
	}
	return 0, 0
}

// Expiring counts the keys that expire within d. They are counted anew once a
// minute at most, since each key has to be looked at.
func (m *Mirror) Expiring(d time.Duration) int {
	m.turn <- struct{}{}
	defer m.release()
	x, now := m.index.Load(), m.now()
	if x == nil {
		return 0
	}
	if m.expiring.at.IsZero() || now.Sub(m.expiring.at) >= time.Minute {
		m.expiring.keys, m.expiring.at = x.keys.expiring(now, d), now
	}
	return m.expiring.keys
}

// look returns the index, the time, and whether answers may be given. The order
// matters for whoever is held up between two of its lines: the index is at
// least as new as the proof, and the time is not older than either.
func (m *Mirror) look() (x *index, now time.Time, fresh bool) {
	until := m.freshUntil.Load()
	x = m.index.Load()
	now = m.now()
	return x, now, x != nil && int64(m.since(now)) < until
}

// Refresh looks at the database at once, for a request that has found memory
// not fresh: the process may have been stopped for a while, or starved of
// processor time. It takes at most refreshLimit, and does not try if a look has
// just failed. It reports whether memory is fresh now.
func (m *Mirror) Refresh(ctx context.Context) bool {
	if _, _, fresh := m.look(); fresh {
		return true
	}
	if at := m.failedAt.Load(); at != 0 && m.elapsed()-at < int64(pollEvery) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, refreshLimit)
	defer cancel()
	return m.poll(ctx) == nil
}

func (m *Mirror) release() { <-m.turn }

// since is the monotonic time from began to a reading of now.
func (m *Mirror) since(now time.Time) time.Duration {
	if m.passed != nil {
		return m.passed()
	}
	return now.Sub(m.began)
}

// elapsed is the time since the beginning, in nanoseconds.
func (m *Mirror) elapsed() int64 { return int64(m.since(m.now())) }

// poll looks whether another process has changed something. The first time it
// loads everything.
func (m *Mirror) poll(ctx context.Context) error {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer m.release()
	err := m.lookAtStore(ctx)
	if err != nil {
		m.failedAt.Store(m.elapsed())
	}
	return err
}

// lookAtStore does what poll says. It must be its caller's turn.
func (m *Mirror) lookAtStore(ctx context.Context) error {
	start, began := m.elapsed(), time.Now()
	version, err := m.dataVersion(ctx)
	m.registry.observe("look", time.Since(began))
	if err != nil {
		return err
	}
	if version != m.version || m.index.Load() == nil {
		if err := m.catchUp(ctx); err != nil {
			return err
		}
		m.version = version
	}
	m.proveFresh(start)
	return nil
}

// follow brings the index up to a change that this process has just committed.
// If that fails nothing is answered from memory until a poll has succeeded, so
// that the change is in force either way.
func (m *Mirror) follow(ctx context.Context) {
	m.turn <- struct{}{}
	defer m.release()
	if m.index.Load() == nil {
		return
	}
	if err := m.catchUp(ctx); err != nil {
		m.freshUntil.Store(0)
		m.version = unknownVersion
		m.log.Error("memory could not follow a change; keys are not checked until it can", slog.Any("error", err))
	}
}

// unknownVersion is no data version of any engine: the next poll reads changes.
const unknownVersion = -1

func (m *Mirror) proveFresh(start int64) { m.freshUntil.Store(start + int64(freshFor)) }

// catchUp applies what has changed in the database. It must be its
// caller's turn.
func (m *Mirror) catchUp(ctx context.Context) error {
	if m.index.Load() == nil {
		return m.reload(ctx)
	}
	delta, err := m.changes(ctx)
	if err != nil {
		return err
	}
	if delta.Peppers {
		if err := m.readPeppers(ctx); err != nil {
			return err
		}
	}
	if !delta.Complete || m.index.Load().apply(&delta, m.registry.peppers.set.Load()) != nil {
		// Too much has changed, another file is there, or memory and database
		// disagree.
		return m.reload(ctx)
	}
	for i := range delta.Keys {
		m.registry.hasher.ExpectBcrypt(delta.Keys[i].ImportedHash)
	}
	m.position = delta.Position
	return nil
}

func (m *Mirror) dataVersion(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	return m.store.DataVersion(ctx)
}

func (m *Mirror) changes(ctx context.Context) (store.Delta, error) {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	return m.store.ChangesSince(ctx, m.position)
}

// readPeppers brings the registry up to a change of the peppers.
func (m *Mirror) readPeppers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	return m.registry.peppers.read(ctx, m.store)
}

// reload reads everything into a new index. It must be its
// caller's turn.
func (m *Mirror) reload(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	start := m.now()
	if err := m.readPeppers(ctx); err != nil {
		return err
	}
	l, err := newLoader(m.registry.peppers.set.Load())
	if err != nil {
		return err
	}
	position, err := m.store.Load(ctx, l.receiver())
	if err != nil {
		return err
	}
	x := l.finish()
	if old := m.index.Load(); old != nil {
		x.keepUses(old)
	}
	x.tokens.moveUses(0, m.now(), 0)
	if position.History != m.position.History {
		// They are under peppers of the history before.
		m.moves.take()
		if m.index.Load() != nil {
			m.log.Info("the store's content was replaced by another one, as a restore does it")
		}
	}
	m.index.Store(x)
	m.position = position
	m.log.Info("keys loaded", slog.Int("keys", l.index.keys.size), slog.Int("tokens", l.index.tokens.size), slog.Duration("took", m.now().Sub(start)))
	return nil
}

// apply brings the index up to the delta: peppers and users first, since keys, tokens
// and identities name them.
func (x *index) apply(d *store.Delta, peppers *pepperSet) error {
	if d.Peppers {
		if err := x.putPeppers(peppers); err != nil {
			return err
		}
	}
	if len(d.Users) > 0 {
		x.putUsers(d.Users)
	}
	for i := range d.Keys {
		if err := x.putKey(&d.Keys[i]); err != nil {
			return err
		}
	}
	for i := range d.Tokens {
		if err := x.putToken(&d.Tokens[i]); err != nil {
			return err
		}
	}
	for i := range d.Identities {
		if err := x.putIdentity(&d.Identities[i]); err != nil {
			return err
		}
	}
	for i := range d.Refused {
		if err := x.putRefused(&d.Refused[i]); err != nil {
			return err
		}
	}
	if err := x.removeExternal(d.GoneIdentities, d.GoneRefused); err != nil {
		return err
	}
	if err := errors.Join(x.putKeyNames(d.Keys, d.GoneKeys), x.keys.removeAll(d.GoneKeys), x.tokens.removeAll(d.GoneTokens)); err != nil {
		return err
	}
	for _, id := range d.GoneUsers {
		x.removeUser(id)
	}
	return nil
}

// sleep reports whether d has passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
