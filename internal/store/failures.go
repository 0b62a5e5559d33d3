package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// FailurePlace says where a log-in fails: which name is tried, and from where.
type FailurePlace struct {
	// Name is a hash of the name, Source the network of the caller.
	Name, Source string
}

// Failure counts failed log-ins in one place.
type Failure struct {
	FailurePlace
	Count       int
	Began, Last time.Time
}

// Failures are the three counts that a log-in is held against: those of the name
// from this source, of the name from anywhere, and of any name from this source.
type Failures struct{ Pair, Name, Source Failure }

// parts gives the three places that at stands for, in the order of Failures.
func (at FailurePlace) parts() [3]FailurePlace {
	return [3]FailurePlace{at, {Name: at.Name}, {Source: at.Source}}
}

func (f *Failures) all() [3]*Failure { return [3]*Failure{&f.Pair, &f.Name, &f.Source} }

const failureColumns = `name, source, failures, began, last`

func scanFailure(r row) (f Failure, err error) {
	return f, r.Scan(&f.Name, &f.Source, &f.Count, timeColumn{&f.Began}, timeColumn{&f.Last})
}

func failures(ctx context.Context, tx *sql.Tx, at FailurePlace) (f Failures, err error) {
	counts := f.all()
	for i, place := range at.parts() {
		*counts[i], err = scanFailure(tx.QueryRowContext(ctx, `SELECT `+failureColumns+` FROM login_failures WHERE name = ? AND source = ?`, place.Name, place.Source))
		if errors.Is(err, sql.ErrNoRows) {
			*counts[i], err = Failure{FailurePlace: place}, nil
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// SetFailures writes the three counts. One that is zero is removed.
func (c *Change) SetFailures(f *Failures) error {
	for _, count := range f.all() {
		if count.Count == 0 {
			if _, err := c.tx.ExecContext(c.ctx, `DELETE FROM login_failures WHERE name = ? AND source = ?`, count.Name, count.Source); err != nil {
				return err
			}
			continue
		}
		_, err := c.tx.ExecContext(c.ctx, `INSERT INTO login_failures (`+failureColumns+`) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (name, source) DO UPDATE SET failures = excluded.failures, began = excluded.began, last = excluded.last`,
			count.Name, count.Source, count.Count, micros(count.Began), micros(count.Last))
		if err != nil {
			return err
		}
	}
	return nil
}

// ForgetFailures removes all counts of a name, and reports how many places there
// were.
func (c *Change) ForgetFailures(name string) (int64, error) {
	result, err := c.tx.ExecContext(c.ctx, `DELETE FROM login_failures WHERE name = ?`, name)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// SweepFailures removes counts that were not touched since before, and all but
// the newest keep. Those of one moment stay or go together.
func (c *Change) SweepFailures(before time.Time, keep int) error {
	_, err := c.tx.ExecContext(c.ctx, `DELETE FROM login_failures WHERE last < ?
		OR last < (SELECT last FROM login_failures ORDER BY last DESC LIMIT 1 OFFSET ?)`, micros(before), keep-1)
	return err
}

// Failing lists places with at least count failures, the last of them since
// that time, the newest first.
func (s *Store) Failing(ctx context.Context, count int, since time.Time, limit int) ([]Failure, error) {
	return readAll(ctx, s, scanFailure, `SELECT `+failureColumns+` FROM login_failures WHERE failures >= ? AND last > ? ORDER BY last DESC LIMIT ?`,
		count, micros(since), limit)
}
