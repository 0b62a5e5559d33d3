package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Store is an open database. It may be used by many goroutines at once.
type Store struct {
	location Location
	dialect  dialect
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
	// Upgrade is told how an upgrade of the schema goes on, step by step, and
	// nothing where there is none. It holds up the upgrade, so it must be quick.
	// Nil means that nobody wants to know.
	Upgrade func(Upgrade)
}

// Open opens the store at l, brings its schema up to date and checks that the
// peppers it needs are at hand. The errors name the file and say what to do;
// ErrNoStore and ErrPepper are among them.
func Open(ctx context.Context, l Location, o Options) (*Store, error) {
	opened, err := checkFile(l.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w at %s", ErrNoStore, l)
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s, err := connect(ctx, l, o.Now)
	if err != nil {
		return nil, err
	}
	s.opened = opened
	if err := s.prepare(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context, o Options) error {
	if err := s.upgrade(ctx, o.Upgrade); err != nil {
		return err
	}
	return s.checkPeppers(ctx, o.Fingerprints)
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

// Location says where the store is.
func (s *Store) Location() Location { return s.location }

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
		return fmt.Errorf("store %s %s: %w", s.location, advice, err)
	}
	return fmt.Errorf("store %s: %w", s.location, err)
}
