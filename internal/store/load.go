package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Load reads everything as of one moment: all users, then all keys, then all
// tokens, the last two in the order of their ids. It returns the number of the
// last change in it. Loading ends with the first error that a function returns.
func (s *Store) Load(ctx context.Context, user func(*User) error, key func(*Key) error, token func(*Token) error) (number int64, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, `SELECT number FROM change_counter`).Scan(&number); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT `+userColumns+` FROM users`)
		if err != nil {
			return err
		}
		if err := each(rows, scanUser, user); err != nil {
			return fmt.Errorf("loading users: %w", err)
		}
		if rows, err = tx.QueryContext(ctx, `SELECT `+keyColumns+keysFrom+`ORDER BY k.id`); err != nil {
			return err
		}
		if err := each(rows, scanKey, key); err != nil {
			return fmt.Errorf("loading keys: %w", err)
		}
		if rows, err = tx.QueryContext(ctx, `SELECT `+tokenColumns+tokensFrom+`ORDER BY t.id`); err != nil {
			return err
		}
		if err := each(rows, scanToken, token); err != nil {
			return fmt.Errorf("loading tokens: %w", err)
		}
		return nil
	})
	return number, err
}

// Counts says how much there is in the store.
type Counts struct {
	Users int64 `json:"users"`
	Keys  int64 `json:"keys"`
	// Sessions are those that have not been removed yet.
	Sessions int64 `json:"sessions"`
	Events   int64 `json:"audit_events"`
}

// Count counts users, keys that are not revoked, sessions and audit events.
func (s *Store) Count(ctx context.Context) (Counts, error) {
	var c Counts
	err := s.snapshot(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM users),
			(SELECT COUNT(*) FROM api_keys WHERE revoked IS NULL), (SELECT COUNT(*) FROM sessions),
			(SELECT COUNT(*) FROM audit_events)`).Scan(&c.Users, &c.Keys, &c.Sessions, &c.Events)
	})
	return c, err
}
