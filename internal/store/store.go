package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"
)

// Store is an open database. It may be used by many goroutines at once.
type Store struct {
	location Location
	// title is what errors call it, where that is not its location.
	title   string
	dialect dialect
	options Options
	now     func() time.Time
	// schema is the number of the last migration that this program knows.
	schema int64
	// open are the connections in use. Reopen puts others in their place.
	open      atomic.Pointer[connections]
	reopening sync.Mutex
}

// Options say how a store is opened.
type Options struct {
	// Fingerprints are those of the peppers at hand. Each pepper that something
	// in the store is under must be among them.
	Fingerprints []string
	// Now is the clock for the times that the store writes itself; nil means
	// time.Now.
	Now func() time.Time
	// Upgrade is told how an upgrade of the schema goes on, step by step, and
	// nothing where there is none. It holds up the upgrade, so it must be quick.
	// Nil means that nobody wants to know.
	Upgrade func(Upgrade)
}

// Open opens the store at l, brings its schema up to date and checks that the
// peppers it needs are at hand. The errors name the file and say what to do;
// ErrNoStore and ErrPepper are among them.
func Open(ctx context.Context, l Location, o Options) (*Store, error) {
	s, err := attach(ctx, l, o)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// attach opens the store at l as it is, without looking at schema and peppers. One
// that would do something by itself is refused.
func attach(ctx context.Context, l Location, o Options) (*Store, error) {
	file, err := checkFile(l.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w at %s", ErrNoStore, l)
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s, err := connect(ctx, l, o)
	if err != nil {
		return nil, err
	}
	s.open.Load().opened(file)
	if err := s.beInert(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// connect opens the connections without looking at what is in the database.
func connect(ctx context.Context, l Location, o Options) (*Store, error) {
	s := newStore(l, o)
	c := &connections{}
	s.open.Store(c)
	var err error
	if c.reads, err = sql.Open(s.dialect.driver, s.dialect.dsn(l)); err != nil {
		return nil, fmt.Errorf("store %s: %w", l, err)
	}
	if c.writes, err = sql.Open(s.dialect.driver, s.dialect.dsn(l)); err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", l, err), s.Close())
	}
	c.reads.SetMaxOpenConns(8)
	c.writes.SetMaxOpenConns(1)
	if c.watch, err = c.reads.Conn(ctx); err != nil {
		return nil, errors.Join(s.explain(err), s.Close())
	}
	provider, err := s.migrations()
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.schema = newest(provider)
	return s, nil
}

func newStore(l Location, o Options) *Store {
	s := &Store{location: l, dialect: sqliteDialect, options: o, now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// prepare brings the schema up to date and checks the peppers.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.upgrade(ctx, s.options.Upgrade); err != nil {
		return err
	}
	if err := s.checkPeppers(ctx, s.options.Fingerprints); err != nil {
		return err
	}
	// They are there from the first query on.
	s.open.Load().noteSides(s.location.Path)
	return nil
}

// Location says where the store is.
func (s *Store) Location() Location { return s.location }

// String is what errors call the store.
func (s *Store) String() string {
	if s.title != "" {
		return s.title
	}
	return "store " + s.location.String()
}

// Close gives everything back. A nil Store may be closed.
func (s *Store) Close() error {
	if s == nil {
		return nil
	}
	return s.open.Load().close()
}

// DataVersion returns a number that changes whenever another process or
// connection has committed a change, and when the store was opened anew. It
// costs microseconds.
func (s *Store) DataVersion(ctx context.Context) (int64, error) {
	c := s.open.Load()
	if err := s.inPlace(ctx, c); err != nil {
		return 0, err
	}
	var version uint32
	err := c.watch.QueryRowContext(ctx, s.dialect.dataVersion).Scan(&version)
	return c.generation<<32 | int64(version), s.explain(err)
}

// explain adds the location to an error of the database, and what to do where
// that is known. Damage is noted, so that nothing more is written. What is no fault
// of the database, nil among it, stays as it is.
func (s *Store) explain(err error) error {
	if !s.dialect.isFault(err) {
		return err
	}
	if s.dialect.isDamage(err) {
		err = fmt.Errorf("%s %w: %w", s, ErrDamaged, err)
		s.open.Load().damage.Store(&err)
		return err
	}
	if advice := s.dialect.advice(err, s.location); advice != "" {
		return fmt.Errorf("%s %s: %w", s, advice, err)
	}
	return fmt.Errorf("%s: %w", s, err)
}
