package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// firstPepper is the number of the pepper a store is made with.
const firstPepper = 1

// Pepper is one that verifiers in the store are under. The pepper itself is not
// in the store.
type Pepper struct {
	// ID is its number; a later pepper has a greater one.
	ID          int64     `json:"id"`
	Fingerprint string    `json:"fingerprint"`
	Created     time.Time `json:"created"`
}

// PepperUse is how much that is living is under a pepper: keys that are not revoked,
// and tokens that have not ended. A key that has expired is living: by a clock that is
// ahead all have, and without its pepper nobody could prove it by the right one.
type PepperUse struct {
	Pepper
	// Keys are those of which a secret that is accepted is under it.
	Keys   int64 `json:"keys"`
	Tokens int64 `json:"tokens"`
}

// PepperUses is how far a change of the pepper has come.
type PepperUses struct {
	// Peppers are all of the store, the newest first.
	Peppers []PepperUse `json:"peppers"`
	// Keys and Tokens count all that are living, OldKeys and OldTokens those that
	// need another pepper than the newest.
	Keys      int64 `json:"keys"`
	Tokens    int64 `json:"tokens"`
	OldKeys   int64 `json:"old_keys"`
	OldTokens int64 `json:"old_tokens"`
}

const pepperColumns = `p.id, p.fingerprint, p.created`

const (
	livingKey = `k.revoked IS NULL`
	// livingToken holds for a time, as Token.Ended has it.
	livingToken = `(t.expires IS NULL OR t.expires > @at) AND (t.idle IS NULL OR t.last_used + t.idle >= @at)`
	// oldKey and oldToken need another pepper than the newest. A secret of which there is
	// only an imported hash needs none.
	oldKey   = `(k.pepper_id <> @newest AND k.imported_hash = '' OR k.previous_pepper_id <> @newest AND k.previous_expires > @at)`
	oldToken = `t.pepper_id <> @newest`
)

func scanPepper(r row) (p Pepper, err error) {
	return p, r.Scan(&p.ID, &p.Fingerprint, timeColumn{&p.Created})
}

// Peppers lists the peppers of the store, the newest first.
func (s *Store) Peppers(ctx context.Context) (list []Pepper, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		list, err = somePeppers(ctx, tx)
		return err
	})
	return list, err
}

// Peppers is Store.Peppers within the change: nobody else changes them meanwhile.
func (c *Change) Peppers() ([]Pepper, error) { return somePeppers(c.ctx, c.tx) }

// errNoPepper: no secret can be checked, nor a new one be kept.
var errNoPepper = errors.New("the store names no pepper, so that no key can be checked; put back a backup")

// somePeppers are the peppers of the store, which are never none.
func somePeppers(ctx context.Context, tx *sql.Tx) ([]Pepper, error) {
	list, err := peppers(ctx, tx)
	if err == nil && len(list) == 0 {
		err = errNoPepper
	}
	return list, err
}

func peppers(ctx context.Context, tx *sql.Tx) ([]Pepper, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+pepperColumns+` FROM peppers p ORDER BY p.id DESC`)
	if err != nil {
		return nil, err
	}
	return collect(rows, scanPepper)
}

// PepperUses counts what is under which pepper: keys, and tokens and the older secrets
// of keys that had not ended then. It looks at every key.
func (s *Store) PepperUses(ctx context.Context, at time.Time) (u PepperUses, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		u, err = pepperUses(ctx, tx, at)
		return err
	})
	return u, err
}

// PepperUses is Store.PepperUses within the change.
func (c *Change) PepperUses(at time.Time) (PepperUses, error) { return pepperUses(c.ctx, c.tx, at) }

func pepperUses(ctx context.Context, tx *sql.Tx, at time.Time) (u PepperUses, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+pepperColumns+`,
		(SELECT COUNT(*) FROM api_keys k WHERE `+livingKey+` AND (k.pepper_id = p.id AND k.imported_hash = '' OR k.previous_pepper_id = p.id AND k.previous_expires > @at)),
		(SELECT COUNT(*) FROM tokens t WHERE `+livingToken+` AND t.pepper_id = p.id)
		FROM peppers p ORDER BY p.id DESC`, sql.Named("at", micros(at)))
	if err != nil {
		return u, err
	}
	u.Peppers, err = collect(rows, func(r row) (p PepperUse, err error) {
		return p, r.Scan(&p.ID, &p.Fingerprint, timeColumn{&p.Created}, &p.Keys, &p.Tokens)
	})
	if err == nil && len(u.Peppers) == 0 {
		err = errNoPepper
	}
	if err != nil {
		return u, err
	}
	err = tx.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM api_keys k WHERE `+livingKey+`), (SELECT COUNT(*) FROM tokens t WHERE `+livingToken+`),
		(SELECT COUNT(*) FROM api_keys k WHERE `+livingKey+` AND `+oldKey+`), (SELECT COUNT(*) FROM tokens t WHERE `+livingToken+` AND `+oldToken+`)`,
		sql.Named("at", micros(at)), sql.Named("newest", u.Peppers[0].ID)).Scan(&u.Keys, &u.Tokens, &u.OldKeys, &u.OldTokens)
	return u, err
}

// AddPepper adds the newest pepper. What is there stays under its own.
func (c *Change) AddPepper(fingerprint string, created time.Time) error {
	_, err := c.tx.ExecContext(c.ctx, `INSERT INTO peppers (id, fingerprint, created) SELECT MAX(id) + 1, ?, ? FROM peppers`, fingerprint, micros(created))
	if err != nil {
		return fmt.Errorf("adding a pepper: %w", err)
	}
	return c.changed(pepperChange, fingerprint)
}

// OldKeys lists up to limit keys that are not revoked and needed another pepper than
// the newest then.
func (c *Change) OldKeys(newest int64, at time.Time, limit int) ([]Key, error) {
	rows, err := c.tx.QueryContext(c.ctx, `SELECT `+keyColumns+keysFrom+`WHERE `+livingKey+` AND `+oldKey+` LIMIT @limit`,
		sql.Named("at", micros(at)), sql.Named("newest", newest), sql.Named("limit", limit))
	if err != nil {
		return nil, err
	}
	return collect(rows, scanKey)
}

// EndOldSessions ends up to limit sessions of which a token needs another pepper
// than the newest, and reports how many there were.
func (c *Change) EndOldSessions(newest int64, limit int) (int, error) {
	return c.endSessions(`SELECT DISTINCT t.session_id FROM tokens t WHERE `+oldToken+` LIMIT @limit`,
		sql.Named("newest", newest), sql.Named("limit", limit))
}

// RetirePeppers removes all peppers but the newest, with the tokens under them.
// Nothing living may be under them: the keys that are stay in the list, but
// nobody can prove their secrets any more. Failed log-ins are counted under the
// oldest pepper, so that those counts begin anew.
func (c *Change) RetirePeppers(newest int64) error {
	if err := c.endTokens(`SELECT t.id FROM tokens t WHERE `+oldToken, sql.Named("newest", newest)); err != nil {
		return err
	}
	for _, statement := range []string{
		`UPDATE api_keys SET previous_verifier = NULL, previous_pepper_id = NULL, previous_expires = NULL WHERE previous_pepper_id <> @newest`,
		// A verifier of a pepper that is gone is one of nothing under another, and where
		// there is only an imported hash there is none.
		`UPDATE api_keys SET pepper_id = @newest WHERE pepper_id <> @newest`,
		`DELETE FROM peppers WHERE id <> @newest`,
	} {
		if _, err := c.tx.ExecContext(c.ctx, statement, sql.Named("newest", newest)); err != nil {
			return fmt.Errorf("removing old peppers: %w", err)
		}
	}
	if _, err := c.tx.ExecContext(c.ctx, `DELETE FROM login_failures`); err != nil {
		return fmt.Errorf("forgetting failed log-ins: %w", err)
	}
	return c.changed(pepperChange, "retired")
}

// checkPeppers reports whether all peppers of the store are at hand.
func (s *Store) checkPeppers(ctx context.Context, fingerprints []string) error {
	list, err := s.Peppers(ctx)
	if err != nil {
		return fmt.Errorf("reading the pepper's fingerprint: %w", err)
	}
	return CheckPeppers(s.location, list, fingerprints)
}

// CheckPeppers reports whether the peppers that the store at l needs are at hand.
// The error is ErrPepper.
func CheckPeppers(l Location, needed []Pepper, fingerprints []string) error {
	for _, p := range needed {
		if !slices.Contains(fingerprints, p.Fingerprint) {
			return fmt.Errorf("%w: store %s needs the pepper of fingerprint %s, and there is %s; put the right pepper file in its place",
				ErrPepper, l, p.Fingerprint, strings.Join(fingerprints, ", "))
		}
	}
	return nil
}
