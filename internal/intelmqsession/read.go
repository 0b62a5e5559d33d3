package intelmqsession

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// MaxUsers is how many users are read: there is one for each person who looks
	// after the botnet.
	MaxUsers = 1000
	// readLimit is how long reading may take, waiting for writers included.
	readLimit = 10 * time.Second
	// maxValue bounds what SQLite makes of a file at once, in bytes: a value, a row,
	// a statement. A few pages can hold an expression for a gigabyte.
	maxValue = 256 << 10
)

// Read reads the users of a session database, sorted by name. wrong says of each
// user who cannot be taken what is wrong with him; he is not in the list then. The
// error names the file, and says what to do where that is known.
func Read(ctx context.Context, path string) (users []User, wrong []error, err error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	if err := checkFile(path); err != nil {
		return nil, nil, fmt.Errorf("session database '%s': %w", path, err)
	}
	db, err := open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("session database '%s': %w", path, err)
	}
	defer db.Close()
	if users, wrong, err = read(ctx, db); err != nil {
		return nil, nil, fmt.Errorf("session database '%s': %w", path, explain(err))
	}
	return users, wrong, nil
}

// read reads over one connection, whose limits hold for that alone.
func read(ctx context.Context, db *sql.DB) (users []User, wrong []error, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	if _, err := sqlite.Limit(conn, sqlite3.SQLITE_LIMIT_LENGTH, maxValue); err != nil {
		return nil, nil, err
	}
	if err := checkSchema(ctx, conn); err != nil {
		return nil, nil, err
	}
	return readUsers(ctx, conn)
}

// checkFile looks at the header (https://www.sqlite.org/fileformat2.html, section
// 1.3) before SQLite does: a pipe would never end, and for a write-ahead log it
// would make files.
func checkFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return errors.New("is no file")
	}
	file, err := os.Open(path)
	if err != nil {
		return withoutPath(err)
	}
	defer file.Close()
	const magic, readVersion, wal = "SQLite format 3\x00", 19, 2
	header := make([]byte, readVersion+1)
	_, err = io.ReadFull(file, header)
	switch {
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return withoutPath(err)
	case err != nil || string(header[:len(magic)]) != magic:
		return errors.New("is no SQLite database")
	case header[readVersion] == wal:
		return errors.New("has a write-ahead log, which intelmq-api does not use; stop what uses it, and run: sqlite3 <file> 'PRAGMA journal_mode=delete'")
	}
	return nil
}

// withoutPath leaves out the path, which stands before it.
func withoutPath(err error) error {
	if inner, ok := errors.AsType[*os.PathError](err); ok {
		return inner.Err
	}
	return err
}

func open(path string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	query := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(1)", "trusted_schema(0)"}}
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: abs, RawQuery: query.Encode()}).String())
}

// explain says what a fault of SQLite means here.
func explain(err error) error {
	fault, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	const primary = 0xff // the rest of the code says more exactly why
	switch fault.Code() & primary {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("another program is writing to it; try again, or stop intelmq-api: %w", err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("cannot be read; if there is a -journal beside it a write was cut short, which intelmq-api completes when it starts: %w", err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("is damaged; put back a backup: %w", err)
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG:
		return fmt.Errorf("%w: %w", errForeign, err)
	}
	return err
}
