package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database. It may be used by many goroutines at once.
type Store struct {
	location Location
	// title is what errors call it, where that is not its location.
	title   string
	dialect dialect
	// opened is the file that was opened, to notice when another one has taken
	// its place.
	opened fs.FileInfo
	// reads serves queries; writes has a single connection, since SQLite has a
	// single writer and waiting in line here is fairer than its busy timeout.
	reads, writes *sql.DB
	// watch is the one connection whose data_version is looked at.
	watch *sql.Conn
	now   func() time.Time
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
	s, err := attach(ctx, l, o.Now)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, o.Fingerprints); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// attach opens the store at l as it is, without looking at schema and peppers.
func attach(ctx context.Context, l Location, now func() time.Time) (*Store, error) {
	opened, err := checkFile(l.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w at %s", ErrNoStore, l)
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s, err := connect(ctx, l, now)
	if err != nil {
		return nil, err
	}
	s.opened = opened
	return s, nil
}

// connect opens the connections without looking at what is in the database.
func connect(ctx context.Context, l Location, now func() time.Time) (*Store, error) {
	s := &Store{location: l, dialect: sqliteDialect, now: now}
	if s.now == nil {
		s.now = time.Now
	}
	var err error
	if s.reads, err = sql.Open(s.dialect.driver, s.dialect.dsn(l)); err != nil {
		return nil, fmt.Errorf("store %s: %w", l, err)
	}
	if s.writes, err = sql.Open(s.dialect.driver, s.dialect.dsn(l)); err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", l, err), s.Close())
	}
	s.reads.SetMaxOpenConns(8)
	s.writes.SetMaxOpenConns(1)
	if s.watch, err = s.reads.Conn(ctx); err != nil {
		return nil, errors.Join(s.explain(err), s.Close())
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context, fingerprints []string) error {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	return s.checkPeppers(ctx, fingerprints)
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
	if newest := newestOf(provider); current > newest {
		return fmt.Errorf("%s has schema %d, this program knows %d: it was used by a newer version; run that version, or put back a backup from before the upgrade", s, current, newest)
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
	provider, err := goose.NewProvider(s.dialect.goose, s.writes, steps)
	if err != nil {
		return nil, s.explain(fmt.Errorf("preparing the schema: %w", err))
	}
	return provider, nil
}

func newestOf(provider *goose.Provider) int64 {
	sources := provider.ListSources()
	return sources[len(sources)-1].Version
}

// Newest is the number of the last migration that this program knows.
func (s *Store) Newest() (int64, error) {
	provider, err := s.migrations()
	if err != nil {
		return 0, err
	}
	return newestOf(provider), nil
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

// Schema is the number of the last migration in the database.
func (s *Store) Schema(ctx context.Context) (int64, error) {
	provider, err := s.migrations()
	if err != nil {
		return 0, err
	}
	version, err := provider.GetDBVersion(ctx)
	return version, s.explain(err)
}

// Close gives everything back. A nil Store may be closed.
func (s *Store) Close() error {
	if s == nil {
		return nil
	}
	var errs []error
	if s.watch != nil {
		errs = append(errs, s.watch.Close())
	}
	for _, db := range []*sql.DB{s.reads, s.writes} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// DataVersion returns a number that changes whenever another process or
// connection has committed a change. It costs microseconds.
func (s *Store) DataVersion(ctx context.Context) (int64, error) {
	if err := s.inPlace(); err != nil {
		return 0, err
	}
	var version int64
	err := s.watch.QueryRowContext(ctx, s.dialect.dataVersion).Scan(&version)
	return version, s.explain(err)
}

// inPlace reports whether the file that was opened is still the one at its
// path. If not, what we read is of yesterday, and what we write nobody will
// ever see.
func (s *Store) inPlace() error {
	info, err := os.Stat(s.location.Path)
	if err != nil || !os.SameFile(info, s.opened) {
		return fmt.Errorf("store %s: %w; put it back, or restart the server", s.location, ErrReplaced)
	}
	return nil
}

// explain adds the location to an error of the database, and what to do where
// that is known. What is no fault of the database, nil among it, stays as it is.
func (s *Store) explain(err error) error {
	if !s.dialect.isFault(err) {
		return err
	}
	if advice := s.dialect.advice(err); advice != "" {
		return fmt.Errorf("%s %s: %w", s, advice, err)
	}
	return fmt.Errorf("%s: %w", s, err)
}
