package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxProblems bounds what is told of one kind.
const maxProblems = 20

// mostNumber is the greatest number that counts as sound: from there on there is
// room for more changes than there will ever be.
const mostNumber = int64(1) << 62

// OpenAsItIs opens a store to look at it. Its schema stays what it is, and whether
// its peppers are at hand does not matter. What needs another schema gives errors.
// The error is ErrDamaged if it cannot be read.
func OpenAsItIs(ctx context.Context, l Location, now func() time.Time) (*Store, error) {
	s, err := attach(ctx, l, Options{Now: now})
	return s, asDamage(err)
}

// asDamage is ErrDamaged where the error says that there is no store any more.
func asDamage(err error) error {
	if _, empty := errors.AsType[*emptyError](err); empty {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// notUnderstood is ErrDamaged where a query that fits every store has not worked, or
// has given what no store has. It is not if it is known what else keeps the database
// from being read.
func (s *Store) notUnderstood(ctx context.Context, err error) error {
	switch {
	case err == nil, ctx.Err() != nil, errors.Is(err, ErrDamaged):
		return err
	case s.dialect.isDamage(err), s.dialect.advice(err, s.location) != "":
		// Whoever asks for it explains it.
		return err
	}
	return fmt.Errorf("%s %w: %w", s, ErrDamaged, err)
}

// Summary says what is in the store, whatever its schema. The error is ErrDamaged if
// it cannot be read.
func (s *Store) Summary(ctx context.Context) (summary Summary, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) (err error) {
		summary, err = summarize(ctx, tx)
		return s.notUnderstood(ctx, err)
	})
	return summary, err
}

// Inspect reads the whole database with all its indexes, and returns what is wrong
// with it, at most some twenty sentences of each kind. begin is told what is looked
// at next, since that may take long. The error is that it cannot be read at all.
func (s *Store) Inspect(ctx context.Context, begin func(what string)) (problems []string, err error) {
	begin("pages and indexes")
	if problems, err = s.check(ctx, s.dialect.checkAll); err != nil {
		return nil, asDamage(err)
	}
	begin("references")
	for _, look := range []func(context.Context) ([]string, error){s.orphans, s.wrongNumbers} {
		more, err := look(ctx)
		problems = append(problems, more...)
		if err != nil {
			return problems, err
		}
	}
	return problems, nil
}

// orphans are records that belong to one that is not there.
func (s *Store) orphans(ctx context.Context) (problems []string, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT "table", rowid, "parent" FROM pragma_foreign_key_check LIMIT ?`, maxProblems)
		if err != nil {
			return err
		}
		problems, err = collect(rows, func(r row) (string, error) {
			var table, parent string
			var id sql.NullInt64
			err := r.Scan(&table, &id, &parent)
			return fmt.Sprintf("row %d of table %s belongs to a row of table %s that is missing", id.Int64, table, parent), err
		})
		return err
	})
	return problems, err
}

// wrongNumbers tells of rows that are missing and without which nothing works, and of
// numbers that could not be counted up.
func (s *Store) wrongNumbers(ctx context.Context) (problems []string, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		problems, err = wrongNumbers(ctx, tx)
		return s.notUnderstood(ctx, err)
	})
	return problems, err
}

func wrongNumbers(ctx context.Context, tx *sql.Tx) (problems []string, err error) {
	for _, look := range []struct{ query, problem string }{
		{`SELECT COUNT(*) FROM changes WHERE number > (SELECT number FROM change_counter)`, "%d changes have numbers after that of the last one, so that memory may miss some"},
		{`SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM change_counter)`, "the number of the last change is missing"},
		{`SELECT number FROM change_counter WHERE typeof(number) <> 'integer' OR number NOT BETWEEN 0 AND @most`, "the number of the last change, %v, is none that can be counted up"},
		{`SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM peppers)`, "it names no pepper, so that no key can be checked"},
		{`SELECT id FROM audit_events WHERE typeof(time) <> 'integer' LIMIT 1`, "the event '%v' of the audit trail has no time"},
		{`SELECT id FROM peppers WHERE typeof(fingerprint) <> 'text' OR typeof(created) <> 'integer'`, "the pepper of number %v has no fingerprint, or no time"},
		{`SELECT id FROM peppers WHERE id NOT BETWEEN 1 AND @most`, "the pepper of number %v has none that can be counted up"},
		{`SELECT fingerprint FROM peppers GROUP BY fingerprint HAVING COUNT(*) > 1`, "the pepper of fingerprint %v is there more than once"},
	} {
		var found any
		err := tx.QueryRowContext(ctx, look.query, sql.Named("most", mostNumber)).Scan(&found)
		switch {
		case errors.Is(err, sql.ErrNoRows) || found == int64(0):
		case err != nil:
			return problems, err
		case strings.Contains(look.problem, "%"):
			problems = append(problems, fmt.Sprintf(look.problem, found))
		default:
			problems = append(problems, look.problem)
		}
	}
	return problems, nil
}
