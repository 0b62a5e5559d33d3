package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database. It may be used by many goroutines at once.
type Store struct {
	location Location
	dialect  dialect
	options  Options
	now      func() time.Time
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
}

// Open opens the store at l, brings its schema up to date and checks that the
// peppers it needs are at hand. The errors name the file and say what to do;
// ErrNoStore and ErrPepper are among them.
func Open(ctx context.Context, l Location, o Options) (*Store, error) {
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
	if err := s.prepare(ctx); err != nil {
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
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.checkPeppers(ctx, s.options.Fingerprints); err != nil {
		return err
	}
	// They are there from the first query on.
	s.open.Load().noteSides(s.location.Path)
	return nil
}

// migrate brings the schema up to date, each step in a transaction of its own.
func (s *Store) migrate(ctx context.Context) error {
	provider, err := s.migrations()
	if err != nil {
		return err
	}
	current, err := provider.GetDBVersion(ctx)
	if err != nil {
		return s.explain(fmt.Errorf("reading the schema's number: %w", err))
	}
	sources := provider.ListSources()
	if s.schema = sources[len(sources)-1].Version; current > s.schema {
		return fmt.Errorf("store %s has schema %d, this program knows %d: it was used by a newer version; run that version, or put back a backup from before the upgrade", s.location, current, s.schema)
	}
	if _, err := provider.Up(ctx); err != nil {
		// Another process may have taken the same step at the same time.
		if pending, again := provider.HasPending(ctx); again != nil || pending {
			return s.explain(fmt.Errorf("upgrading the schema: %w", err))
		}
	}
	return nil
}

// migrations gives the embedded steps, each of which goose runs in a
// transaction of its own.
func (s *Store) migrations() (*goose.Provider, error) {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("embedded migrations: %w", err)
	}
	provider, err := goose.NewProvider(s.dialect.goose, s.open.Load().writes, steps)
	if err != nil {
		return nil, s.explain(fmt.Errorf("preparing the schema: %w", err))
	}
	return provider, nil
}

// Location says where the store is.
func (s *Store) Location() Location { return s.location }

// Schema is the number of the last migration in the database.
func (s *Store) Schema(ctx context.Context) (int64, error) {
	provider, err := s.migrations()
	if err != nil {
		return 0, err
	}
	version, err := provider.GetDBVersion(ctx)
	return version, s.explain(err)
}

// checkSchema reports that another, newer program has upgraded the store while
// this one has it open: what the records mean now nobody here knows.
func (s *Store) checkSchema(ctx context.Context, tx *sql.Tx) error {
	var current int64
	if err := tx.QueryRowContext(ctx, `SELECT MAX(version_id) FROM goose_db_version`).Scan(&current); err != nil {
		return fmt.Errorf("reading the schema's number: %w", err)
	}
	if current > s.schema {
		return fmt.Errorf("store %s was upgraded to schema %d by a newer version while this one, which knows %d, has it open; replace this program by that version, and restart it", s.location, current, s.schema)
	}
	return nil
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
// that is known. Damage is noted, so that nothing more is written. What is no fault of the database, nil among it, stays as it is.
func (s *Store) explain(err error) error {
	if !s.dialect.isFault(err) {
		return err
	}
	if s.dialect.isDamage(err) {
		err = fmt.Errorf("store %s %w: %w", s.location, ErrDamaged, err)
		s.open.Load().damage.Store(&err)
		return err
	}
	if advice := s.dialect.advice(err, s.location); advice != "" {
		return fmt.Errorf("store %s %s: %w", s.location, advice, err)
	}
	return fmt.Errorf("store %s: %w", s.location, err)
}
