package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// keptChanges is how many numbers are kept in the table of changes. A copy in
// memory that lags behind more is loaded anew.
const keptChanges = 10_000

const (
	userChange = "user"
	keyChange  = "key"
)

// changed takes the next number for a change of the record. The row of the
// counter makes writers wait for one another, so numbers are committed in
// order.
func (c *Change) changed(kind, id string) error {
	err := c.tx.QueryRowContext(c.ctx, `UPDATE change_counter SET number = number + 1 RETURNING number`).Scan(&c.number)
	if err != nil {
		return fmt.Errorf("numbering the change: %w", err)
	}
	if _, err := c.tx.ExecContext(c.ctx, `INSERT INTO changes (number, kind, id) VALUES (?, ?, ?)`, c.number, kind, id); err != nil {
		return fmt.Errorf("noting the change: %w", err)
	}
	_, err = c.tx.ExecContext(c.ctx, `DELETE FROM changes WHERE number <= ?`, c.number-keptChanges)
	return err
}

// Delta is what has changed since some number.
type Delta struct {
	// Number is the number of the last change in it.
	Number int64
	// Complete is false if too much has changed: load everything.
	Complete bool
	// Users and Keys are the changed records as they are now.
	Users []User
	Keys  []Key
	// GoneUsers and GoneKeys are the ids of those that were deleted.
	GoneUsers, GoneKeys []string
}

// ChangesSince reads what has changed after the change of that number, as of
// one moment.
func (s *Store) ChangesSince(ctx context.Context, number int64) (Delta, error) {
	d := Delta{Number: number}
	err := s.snapshot(ctx, func(tx *sql.Tx) error {
		var oldest sql.NullInt64
		err := tx.QueryRowContext(ctx, `SELECT (SELECT number FROM change_counter), (SELECT MIN(number) FROM changes)`).Scan(&d.Number, &oldest)
		if err != nil {
			return err
		}
		// A number that lies ahead is of another history: a backup was put back.
		d.Complete = d.Number == number || d.Number > number && oldest.Valid && oldest.Int64 <= number+1
		if !d.Complete || d.Number == number {
			return nil
		}
		return d.read(ctx, tx, number)
	})
	return d, err
}

func (d *Delta) read(ctx context.Context, tx *sql.Tx, number int64) error {
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT kind, id FROM changes WHERE number > ?`, number)
	if err != nil {
		return err
	}
	type record struct{ kind, id string }
	changed, err := collect(rows, func(r row) (c record, err error) { return c, r.Scan(&c.kind, &c.id) })
	if err != nil {
		return err
	}
	for _, c := range changed {
		switch c.kind {
		case userChange:
			u, err := scanUser(tx.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users WHERE id = ?`, c.id))
			if errors.Is(err, sql.ErrNoRows) {
				d.GoneUsers = append(d.GoneUsers, c.id)
			} else if err != nil {
				return fmt.Errorf("user %s: %w", c.id, err)
			} else {
				d.Users = append(d.Users, u)
			}
		case keyChange:
			k, err := key(ctx, tx, KeyRef{ID: c.id})
			if errors.Is(err, ErrNotFound) {
				d.GoneKeys = append(d.GoneKeys, c.id)
			} else if err != nil {
				return fmt.Errorf("key %s: %w", c.id, err)
			} else {
				d.Keys = append(d.Keys, k)
			}
		}
	}
	return nil
}
