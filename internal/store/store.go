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
	s, err := connect(ctx, l, o, file)
	if err != nil {
		return nil, err
	}
	if err := s.beInert(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// connect opens the connections, to this file and no other, without looking at what
// is in the database.
func connect(ctx context.Context, l Location, o Options, file fs.FileInfo) (*Store, error) {
	s, c := newStore(l, o), newConnections(file)
	s.open.Store(c)
	connector, err := s.dialect.connector(l)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", l, err)
	}
	dialer := &dialer{Connector: connector, store: s, opened: c}
	c.reads, c.writes = sql.OpenDB(dialer), sql.OpenDB(dialer)
	c.reads.SetMaxOpenConns(9)
	c.writes.SetMaxOpenConns(1)
	if c.settler, err = c.reads.Conn(ctx); err == nil {
		c.watch, err = c.reads.Conn(ctx)
	}
	if err != nil {
		return nil, errors.Join(s.explain(c, err), s.Close())
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

// prepare gives the database its journal, brings the schema up to date and checks
// the peppers.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.journal(ctx); err != nil {
		return err
	}
	if err := s.upgrade(ctx, s.options.Upgrade); err != nil {
		return err
	}
	if err := s.checkPeppers(ctx, s.options.Fingerprints); err != nil {
		return err
	}
	return s.takeLog(ctx)
}

// journal sees to it that readers go on while somebody writes. A backup that was put
// in place of the store as a file has not the journal for that: in its one file there
// must be everything.
func (s *Store) journal(ctx context.Context) error {
	var is string
	if err := s.open.Load().writes.QueryRowContext(ctx, s.dialect.journal).Scan(&is); err != nil {
		return s.explain(s.open.Load(), err)
	}
	if is != s.dialect.journalled {
		return fmt.Errorf("%s cannot have a write-ahead log beside it, its journal is '%s'; move it to a disk of this machine, since file systems of the network often cannot hold one", s, is)
	}
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

// closeLimit is how long Close waits for who still needs the log of a file that was
// taken away.
const closeLimit = 3 * time.Second

// Close gives everything back. A nil Store may be closed. If the file is not in its
// place and what is in the log could not be put into it, the error names the file
// in which it is kept.
func (s *Store) Close() error {
	if s == nil {
		return nil
	}
	s.reopening.Lock()
	defer s.reopening.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	kept, err := s.leave(ctx, s.open.Load())
	if kept != "" {
		err = errors.Join(fmt.Errorf("store %s: %w; what was not yet in the old file is kept in '%s'", s.location, ErrReplaced, kept), err)
	}
	return err
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
	return c.generation<<32 | int64(version), s.countFailed(c, s.explain(c, err))
}

// failedLooks is how many looks that fail one after another make the store be opened
// anew. Where memory looks every 100 ms they are 3 seconds.
const failedLooks = 30

// countFailed counts looks that fail since the file cannot be read. Often what is
// wrong is no more than the index of the log, which is made anew when all have
// closed it.
func (s *Store) countFailed(c *connections, err error) error {
	if !s.dialect.isUnreadable(err) {
		c.failed.Store(0)
		return err
	}
	if c.failed.Add(1) >= failedLooks {
		err = fmt.Errorf("%w: %w", ErrUnreadable, err)
		c.damage.Store(&err)
	}
	return err
}

// explain adds the location to an error of the database, and what to do where
// that is known. Damage is noted, so that nothing more is written. What is no fault
// of the database, nil among it, or is explained as damage, stays as it is. c are the connections that it came
// from.
func (s *Store) explain(c *connections, err error) error {
	if !s.dialect.isFault(err) || errors.Is(err, ErrDamaged) {
		return err
	}
	if s.dialect.isDamage(err) {
		err = fmt.Errorf("%s %w: %w", s, ErrDamaged, err)
		if c != nil {
			c.damage.Store(&err)
		}
		return err
	}
	if advice := s.dialect.advice(err, s.location); advice != "" {
		return fmt.Errorf("%s %s: %w", s, advice, err)
	}
	return fmt.Errorf("%s: %w", s, err)
}
