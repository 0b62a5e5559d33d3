package store

import (
	"errors"
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
