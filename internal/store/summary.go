package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Summary says what is in a store of any schema, as of one moment.
type Summary struct {
	Schema int64 `json:"schema"`
	Counts
	// Number is that of the last change.
	Number int64 `json:"last_change"`
	// History is what the number belongs to; empty before the first restore.
	History string `json:"-"`
	// Latest is the time of the last event of the audit trail; zero if there is
	// none.
	Latest time.Time `json:"latest_event,omitzero"`
	// Peppers are those that it needs, the newest first.
	Peppers []Pepper `json:"peppers"`
}

// errNoTables: it is a database, but not one of ours.
var errNoTables = errors.New("is a database of another program, not a store of users and keys")

// beOurs gives errNoTables if what every store has is not there.
func beOurs(ctx context.Context, tx *sql.Tx) error {
	var tables int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN ('goose_db_version', 'users', 'api_keys', 'change_counter', 'peppers')`).Scan(&tables)
	if err == nil && tables != 5 {
		return errNoTables
	}
	return err
}

// summarize reads the summary within a transaction.
func summarize(ctx context.Context, tx *sql.Tx) (s Summary, err error) {
	if err := beOurs(ctx, tx); err != nil {
		return s, err
	}
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&s.Schema); err != nil {
		return s, err
	}
	err = tx.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM api_keys WHERE revoked IS NULL),
		(SELECT COUNT(*) FROM audit_events), (SELECT MAX(time) FROM audit_events), (SELECT number FROM change_counter)`).Scan(
		&s.Users, &s.Keys, &s.Events, timeColumn{&s.Latest}, &s.Number)
	if err != nil {
		return s, err
	}
	const withSessions = 2
	if s.Schema >= withSessions {
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM sessions`).Scan(&s.Sessions); err != nil {
			return s, err
		}
	}
	const withIdentities = 5
	if s.Schema >= withIdentities {
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM external_identities`).Scan(&s.Identities); err != nil {
			return s, err
		}
	}
	const withHistory = 3
	if s.Schema >= withHistory {
		if err := tx.QueryRowContext(ctx, `SELECT history FROM change_counter`).Scan(&s.History); err != nil {
			return s, err
		}
	}
	s.Peppers, err = peppers(ctx, tx)
	return s, err
}
