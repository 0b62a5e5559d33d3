package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Password is what is kept of a user's password.
type Password struct {
	// PHC is the hash with its parameters; empty means that there is none.
	PHC string
	// Changed is when the password was set.
	Changed time.Time
}

// SetPassword writes the password of a user. All that was proven with an older
// one loses its worth by a new number in User.Epoch.
func (c *Change) SetPassword(u *User, p Password) error {
	_, err := c.tx.ExecContext(c.ctx, `INSERT INTO passwords (user_id, phc, changed) VALUES (?, ?, ?)
		ON CONFLICT (user_id) DO UPDATE SET phc = excluded.phc, changed = excluded.changed`, u.ID, p.PHC, micros(p.Changed))
	if err != nil {
		return err
	}
	u.Epoch++
	return c.UpdateUser(u)
}

// RehashPassword replaces the hash of a password that stays the same, unless it
// was changed meanwhile.
func (c *Change) RehashPassword(userID, old, phc string) error {
	_, err := c.tx.ExecContext(c.ctx, `UPDATE passwords SET phc = ? WHERE user_id = ? AND phc = ?`, phc, userID, old)
	return err
}

// AnyPassword reports whether there is a hash that begins so. It reads all of
// them.
func (s *Store) AnyPassword(ctx context.Context, beginning string) (found bool, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM passwords WHERE substr(phc, 1, ?) = ?)`, len(beginning), beginning).Scan(&found)
	})
	return found, err
}

// HasPassword reports whether a user has a password.
func (s *Store) HasPassword(ctx context.Context, userID string) (has bool, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM passwords WHERE user_id = ? AND phc <> '')`, userID).Scan(&has)
	})
	return has, err
}

// ImportedHashes calls each for every hash that was imported and that begins so: of
// passwords, which are all read, and of the secrets of keys that were not used since.
func (s *Store) ImportedHashes(ctx context.Context, beginning string, each func(hash string)) error {
	hashes, err := readAll(ctx, s, func(r row) (hash string, err error) { return hash, r.Scan(&hash) },
		`SELECT phc FROM passwords WHERE substr(phc, 1, ?) = ?
		UNION ALL SELECT imported_hash FROM api_keys WHERE imported_hash <> '' AND revoked IS NULL AND substr(imported_hash, 1, ?) = ?`,
		len(beginning), beginning, len(beginning), beginning)
	for _, hash := range hashes {
		each(hash)
	}
	return err
}

// ImportedLeft counts hashes that were imported and not replaced since.
type ImportedLeft struct {
	// Passwords are those of users, Keys those of the secrets of keys.
	Passwords int64 `json:"passwords"`
	Keys      int64 `json:"keys"`
	// Oldest is since when the first of them is there, zero if there is none.
	Oldest time.Time `json:"oldest,omitzero"`
}

// ImportedLeft counts hashes that were imported and not replaced since; those of
// passwords do not begin with own. It reads all passwords.
func (s *Store) ImportedLeft(ctx context.Context, own string) (left ImportedLeft, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FILTER (WHERE NOT of_key), COUNT(*) FILTER (WHERE of_key), MIN(since) FROM (
			SELECT 0 AS of_key, changed AS since FROM passwords WHERE phc <> '' AND substr(phc, 1, ?) <> ?
			UNION ALL SELECT 1, created FROM api_keys WHERE imported_hash <> '' AND revoked IS NULL)`,
			len(own), own).Scan(&left.Passwords, &left.Keys, timeColumn{&left.Oldest})
	})
	return left, err
}

// LoginRecord is what decides on a log-in by password.
type LoginRecord struct {
	// User is the zero User if there is none of that name.
	User     User
	Password Password
	Failures Failures
}

// LoginRecord reads what decides on a log-in.
func (s *Store) LoginRecord(ctx context.Context, fold string, at FailurePlace) (r LoginRecord, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		r, err = loginRecord(ctx, tx, fold, at)
		return err
	})
	return r, err
}

// LoginRecord is Store.LoginRecord within the change.
func (c *Change) LoginRecord(fold string, at FailurePlace) (LoginRecord, error) {
	return loginRecord(c.ctx, c.tx, fold, at)
}

func loginRecord(ctx context.Context, tx *sql.Tx, fold string, at FailurePlace) (r LoginRecord, err error) {
	if r.Failures, err = failures(ctx, tx, at); err != nil {
		return r, err
	}
	if r.User, err = userByFold(ctx, tx, fold); errors.Is(err, ErrNotFound) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	err = tx.QueryRowContext(ctx, `SELECT phc, changed FROM passwords WHERE user_id = ?`, r.User.ID).Scan(&r.Password.PHC, timeColumn{&r.Password.Changed})
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return r, err
}
