package store

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"testing"
)

// Pragma reads a setting of the connections that write.
func (s *Store) Pragma(t *testing.T, name string) (value string) {
	t.Helper()
	if err := s.open.Load().writes.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// Fill lets the database grow no more, as a full disk does.
func (s *Store) Fill(t *testing.T) {
	t.Helper()
	// SQLite never makes the limit smaller than the database is.
	if _, err := s.open.Load().writes.ExecContext(t.Context(), "PRAGMA max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
}

// CreateOld makes a store as an older version of this program has made it, with
// what the statements put into it.
func CreateOld(t *testing.T, l Location, schema int64, statements ...string) {
	t.Helper()
	if err := os.WriteFile(l.Path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Stat(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := connect(t.Context(), l, Options{}, file)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := s.migrations()
	if err == nil {
		_, err = provider.UpTo(t.Context(), schema)
	}
	for _, statement := range append(statements, "PRAGMA journal_mode = WAL") {
		if err == nil {
			_, err = s.open.Load().writes.ExecContext(t.Context(), statement)
		}
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// During tells of a step while it runs.
func (u Upgrade) During(tell func(Upgrade), run func() error) error { return u.during(tell, run) }

// Break lets what is in the log not get into the database, as a failing disk
// does.
func (s *Store) Break(t *testing.T) {
	t.Helper()
	s.dialect.settle = "SELECT settle FROM nothing"
}

// HoldReads takes the idle connections that read, so that the next one has to be
// opened.
func (s *Store) HoldReads(t *testing.T) {
	t.Helper()
	for range 2 {
		conn, err := s.open.Load().reads.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

// HoldSnapshot reads what there is now until it is released.
func (s *Store) HoldSnapshot(t *testing.T) (release func()) {
	t.Helper()
	tx, err := s.open.Load().reads.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	var users int
	if err := tx.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM users`).Scan(&users); err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback() }
}

// Retired reports whether the connections are not to be used any more.
func (s *Store) Retired() bool { return s.open.Load().retired.Load() }

// Fail returns what lets the connections of now have failed with an error.
func (s *Store) Fail() func(error) error {
	c := s.open.Load()
	return func(err error) error { return s.explain(c, err) }
}

// FailedLooks is how many looks have to fail before the store is opened anew.
const FailedLooks = failedLooks

// Dial opens one more connection that reads.
func (s *Store) Dial(t *testing.T) (users int, err error) {
	t.Helper()
	return users, s.open.Load().reads.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM users`).Scan(&users)
}

// Journal gives the database its journal by another query.
func (s *Store) Journal(t *testing.T, query string) error {
	t.Helper()
	s.dialect.journal = query
	return s.journal(t.Context())
}

// GiveAway is what is said to a user about a file of somebody else.
func GiveAway(path string, me int) string { return giveAway(path, me) }

// ConnectTo opens the connections to a file that was seen at a location.
func ConnectTo(t *testing.T, l Location, file fs.FileInfo) error {
	t.Helper()
	s, err := connect(t.Context(), l, Options{}, file)
	return errors.Join(err, s.Close())
}
