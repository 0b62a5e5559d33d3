package provider

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// rediscoverEvery is the age at which the discovery document is read again with the
// keys.
const rediscoverEvery = 24 * time.Hour

// Options are what a Connection is given besides its source.
type Options struct {
	// Log is told when a provider cannot be asked, once a minute at most about the same;
	// nil is nobody.
	Log *slog.Logger
	// Observe is told of each question to the provider: "keys", "code" or "refresh",
	// how it ended and how long it took. It must not block. Nil is nobody.
	Observe func(what string, err error, took time.Duration)
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// Connection is all that is known of one provider. It may be used by many goroutines
// at once, and outlives configurations that have the same source.
type Connection struct {
	source     Source
	options    Options
	wire       *wire
	keys       *Keys
	log        *complaints
	departures *departures
	// calls are the places for questions of log-ins.
	calls chan struct{}

	metadata atomic.Pointer[Metadata]

	// What only the one fetch that is under way uses: when discovery was last read, and
	// whether the keys that it names could not be.
	discovered time.Time
	doubtful   bool
}

// Open makes a connection. It asks nothing and starts nothing until Start.
func Open(source Source, options Options) (*Connection, error) {
	if err := source.Check(); err != nil {
		return nil, err
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Observe == nil {
		options.Observe = func(string, error, time.Duration) {}
	}
	c := &Connection{
		source:     source,
		options:    options,
		wire:       newWire(source),
		log:        &complaints{log: options.Log.With("issuer", source.Issuer), now: options.Now},
		departures: newDepartures(options.Now),
		calls:      make(chan struct{}, maxCalls),
	}
	c.keys = newKeys(options.Now, c.load, c.note)
	return c, nil
}

// Start begins to fetch the keys, in the background.
func (c *Connection) Start() { c.keys.start() }

// Close ends what is under way in the background, and waits for it. Keys that were
// fetched can still be found; nothing is fetched any more.
func (c *Connection) Close() {
	c.keys.close()
	c.wire.close()
}

// Keys are the provider's keys.
func (c *Connection) Keys() *Keys { return c.keys }

// Metadata is what the provider says of itself; ok is false until it was asked, and
// always for a source that names its keys.
func (c *Connection) Metadata() (m Metadata, ok bool) {
	if m := c.metadata.Load(); m != nil {
		return *m, true
	}
	return Metadata{}, false
}

// load asks for the discovery document, where it is time to, and for the keys.
func (c *Connection) load(ctx context.Context) (*keySet, error) {
	address := c.source.JWKSURL
	if address == "" {
		m, err := c.discovery(ctx)
		if err != nil {
			return nil, err
		}
		address = m.JWKSURL
	}
	set, err := c.loadKeys(ctx, address)
	c.doubtful = err != nil
	return set, err
}

func (c *Connection) loadKeys(ctx context.Context, address string) (*keySet, error) {
	document, err := get(ctx, c.wire.client(maxKeys, true), address)
	if err != nil {
		return nil, err
	}
	return parseKeys(document)
}

// discovery is the discovery document, from memory unless it is old or names keys that
// could not be read.
func (c *Connection) discovery(ctx context.Context) (*Metadata, error) {
	now := c.options.Now()
	known := c.metadata.Load()
	if known != nil && !c.doubtful && now.Sub(c.discovered) < rediscoverEvery {
		return known, nil
	}
	m, err := c.source.discover(ctx, c.wire)
	if err != nil {
		return nil, err
	}
	c.metadata.Store(m)
	c.discovered = now
	return m, nil
}

// note writes down how a fetch went.
func (c *Connection) note(set *keySet, err error, took time.Duration) {
	c.options.Observe("keys", err, took)
	if err != nil {
		c.log.warn("the keys of a provider could not be fetched", "reason", err.Error())
		return
	}
	if set.private > 0 {
		c.log.warn("a provider publishes secret parts of keys; those keys are not used", "keys", set.private)
	}
	if len(set.ambiguous) > 0 {
		c.log.warn("a provider has several keys of one name; none of them is used", "kid", clip(set.ambiguous[0]), "names", len(set.ambiguous))
	}
}

// metadataSoon waits for the discovery document, at most waitAtMost.
func (c *Connection) metadataSoon(ctx context.Context) (*Metadata, error) {
	if m := c.metadata.Load(); m != nil {
		// A use of the provider, by which it is looked at again in time.
		_ = c.keys.Usable(c.options.Now())
		return m, nil
	}
	err := c.keys.Ready(ctx)
	if m := c.metadata.Load(); m != nil {
		return m, nil
	}
	return nil, err
}

// complainEvery is how often the same is said at most.
const complainEvery = time.Minute

// complaints are warnings in a log that are not repeated. Their messages are few.
type complaints struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	last map[string]time.Time
}

func (c *complaints) warn(message string, fields ...any) {
	c.mu.Lock()
	now := c.now()
	if last, said := c.last[message]; said && now.Sub(last) < complainEvery {
		c.mu.Unlock()
		return
	}
	if c.last == nil {
		c.last = map[string]time.Time{}
	}
	c.last[message] = now
	c.mu.Unlock()
	c.log.Warn(message, fields...)
}
