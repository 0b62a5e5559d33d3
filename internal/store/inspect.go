package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// maxProblems bounds what is told of one kind.
const maxProblems = 20

// OpenAsItIs opens a store to look at it. Its schema stays what it is, and whether
// its peppers are at hand does not matter. What needs another schema gives errors.
// The error is ErrDamaged if it cannot be read.
func OpenAsItIs(ctx context.Context, l Location, now func() time.Time) (*Store, error) {
	s, err := attach(ctx, l, Options{Now: now})
	return s, asDamage(err)
}

// asDamage is ErrDamaged where the error says that there is no store any more.
func asDamage(err error) error {
	if errors.Is(err, ErrDamaged) {
		return err
	}
	_, empty := errors.AsType[*emptyError](err)
	if empty || errors.Is(err, errNoTables) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// Summary says what is in the store, whatever its schema. The error is ErrDamaged if
// it cannot be read.
func (s *Store) Summary(ctx context.Context) (summary Summary, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		if summary, err = summarize(ctx, tx); err != nil {
			return s.named(err)
		}
		return nil
	})
	return summary, asDamage(err)
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
	orphans, err := s.orphans(ctx)
	return append(problems, orphans...), err
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
		if err != nil {
			return err
		}
		var ahead int64
		err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM changes WHERE number > (SELECT number FROM change_counter)`).Scan(&ahead)
		if ahead > 0 {
			problems = append(problems, fmt.Sprintf("%d changes have numbers after that of the last one, so that memory may miss some", ahead))
		}
		return err
	})
	return problems, err
}
