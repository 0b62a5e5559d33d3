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
	userChange     = "user"
	keyChange      = "key"
	tokenChange    = "token"
	pepperChange   = "pepper"
	identityChange = "identity"
	refusedChange  = "refused"
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

// allChanged is changed for several records.
func (c *Change) allChanged(kind string, ids []string) error {
	for _, id := range ids {
		if err := c.changed(kind, id); err != nil {
			return err
		}
	}
	return nil
}

// Position says how far a copy in memory has come.
type Position struct {
	// Number is that of the last change in it, History what the number belongs
	// to: a backup that is put back begins another one.
	Number  int64
	History string
	// generation is that of the connections.
	generation int64
}

// position reads how far the store is, and whether this program knows its schema.
// The generation is that from before the snapshot: if the store was opened anew
// in between, the next look finds another one.
func (s *Store) position(ctx context.Context, tx *sql.Tx, generation int64) (Position, error) {
	p := Position{generation: generation}
	if err := s.checkSchema(ctx, tx); err != nil {
		return p, err
	}
	return p, tx.QueryRowContext(ctx, `SELECT number, history FROM change_counter`).Scan(&p.Number, &p.History)
}

// Delta is what has changed since some number.
type Delta struct {
	// Position is how far it goes.
	Position
	// Complete is false if too much has changed, or another file, or a backup,
	// has taken the store's place: load everything.
	Complete bool
	// Peppers is true if a pepper has come or gone.
	Peppers bool
	// Users, Keys, Tokens and the like are the changed records as they are now.
	Users  []User
	Keys   []Key
	Tokens []Token
	// Identities and Refused are those of other providers.
	Identities []Identity
	Refused    []RefusedToken
	// GoneUsers and the like are the ids of those that were deleted.
	GoneUsers, GoneKeys, GoneTokens, GoneIdentities, GoneRefused []string
}

// ChangesSince reads what has changed after p, as of one moment.
func (s *Store) ChangesSince(ctx context.Context, p Position) (Delta, error) {
	d, generation := Delta{Position: p}, s.open.Load().generation
	err := s.snapshot(ctx, func(tx *sql.Tx) (err error) {
		if d.Position, err = s.position(ctx, tx, generation); err != nil {
			return err
		}
		same := d.History == p.History && d.generation == p.generation
		if d.Complete = same && d.Number == p.Number; d.Complete || !same || d.Number < p.Number {
			return nil
		}
		var oldest sql.NullInt64
		if err := tx.QueryRowContext(ctx, `SELECT MIN(number) FROM changes`).Scan(&oldest); err != nil {
			return err
		}
		if d.Complete = oldest.Valid && oldest.Int64 <= p.Number+1; !d.Complete {
			return nil
		}
		return d.read(ctx, tx, p.Number)
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
		case pepperChange:
			d.Peppers = true
		case userChange:
			u, err := scanUser(tx.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users WHERE id = ?`, c.id))
			if err := sortOut(&d.Users, &d.GoneUsers, c.id, u, err); err != nil {
				return fmt.Errorf("user %s: %w", c.id, err)
			}
		case keyChange:
			k, err := scanKey(tx.QueryRowContext(ctx, `SELECT `+keyColumns+keysFrom+`WHERE k.id = ?`, c.id))
			if err := sortOut(&d.Keys, &d.GoneKeys, c.id, k, err); err != nil {
				return fmt.Errorf("key %s: %w", c.id, err)
			}
		case tokenChange:
			t, err := scanToken(tx.QueryRowContext(ctx, `SELECT `+tokenColumns+tokensFrom+`WHERE t.id = ?`, c.id))
			if err := sortOut(&d.Tokens, &d.GoneTokens, c.id, t, err); err != nil {
				return fmt.Errorf("token %s: %w", c.id, err)
			}
		case identityChange:
			i, err := scanIdentity(tx.QueryRowContext(ctx, `SELECT `+identityColumns+identitiesFrom+`WHERE i.id = ?`, c.id))
			if err := sortOut(&d.Identities, &d.GoneIdentities, c.id, i, err); err != nil {
				return fmt.Errorf("identity %s: %w", c.id, err)
			}
		case refusedChange:
			t, err := scanRefused(tx.QueryRowContext(ctx, `SELECT `+refusedColumns+` FROM refused_tokens WHERE id = ?`, c.id))
			if err := sortOut(&d.Refused, &d.GoneRefused, c.id, t, err); err != nil {
				return fmt.Errorf("refused token %s: %w", c.id, err)
			}
		}
	}
	return nil
}

// sortOut puts a record that was asked for where it belongs.
func sortOut[T any](found *[]T, gone *[]string, id string, record T, err error) error {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		*gone = append(*gone, id)
	case err != nil:
		return err
	default:
		*found = append(*found, record)
	}
	return nil
}
