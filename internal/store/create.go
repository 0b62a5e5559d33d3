package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// Create makes a new, empty store at l, for the pepper with this fingerprint.
// The directory must be there. The database appears under its name only when
// it is whole and on disk; a store that is there already is left alone and
// gives an error that is fs.ErrExist.
func Create(ctx context.Context, l Location, fingerprint string, now func() time.Time) error {
	return CreateSchema(ctx, l, 0, fingerprint, now)
}

// CreateSchema is Create for an older schema, to see how it is upgraded; 0 is the
// newest one.
func CreateSchema(ctx context.Context, l Location, schema int64, fingerprint string, now func() time.Time) error {
	if _, err := os.Lstat(l.Path); err == nil {
		return fmt.Errorf("store %s: %w", l, fs.ErrExist)
	}
	content, err := newDatabase(ctx, l, schema, fingerprint, now)
	if err == nil {
		err = atomicfile.WriteNew(l.Path, content)
	}
	if err != nil {
		return fmt.Errorf("store %s cannot be made: %w", l, err)
	}
	return nil
}

// newDatabase makes the content of the file. It is made in memory: where the
// directory belongs to the service and root makes the store, a file that a
// driver opens by its name could be a link to any file of root's.
func newDatabase(ctx context.Context, l Location, schema int64, fingerprint string, now func() time.Time) (content []byte, err error) {
	if now == nil {
		now = time.Now
	}
	err = inMemory(ctx, l, schema, func(db *sql.DB) (err error) {
		_, err = db.ExecContext(ctx, `INSERT INTO peppers (id, fingerprint, created) VALUES (?, ?, ?)`, firstPepper, fingerprint, micros(now()))
		if err != nil {
			return err
		}
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, conn.Close()) }()
		return conn.Raw(func(driver any) (err error) {
			content, err = sqliteDialect.content(driver)
			return err
		})
	})
	return content, err
}

// inMemory makes an empty database of a schema in memory, 0 being the newest one,
// for as long as do lasts. l names it in errors.
func inMemory(ctx context.Context, l Location, schema int64, do func(*sql.DB) error) (err error) {
	s, c := newStore(l, Options{}), &connections{}
	s.open.Store(c)
	if c.writes, err = sql.Open(s.dialect.driver, s.dialect.memory); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	// Each connection would have a database of its own.
	c.writes.SetMaxOpenConns(1)
	provider, err := s.migrations()
	if err != nil {
		return err
	}
	if schema == 0 {
		schema = newest(provider)
	}
	if _, err := provider.UpTo(ctx, schema); err != nil {
		return err
	}
	return do(c.writes)
}
