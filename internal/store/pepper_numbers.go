package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// A number means one pepper for ever, in all histories of a store: a process that
// has not seen a restore yet may still write verifiers under a pepper of before it,
// and the next pepper takes the number after the greatest.

// numbersApart reports whether the numbers of some peppers may follow those of others,
// both the newest first: each that is not new means what it did, and the next one is
// new in either.
func numbersApart(next, before []Pepper) bool {
	if len(next) == 0 || len(before) == 0 {
		return true
	}
	last := before[0].ID
	if next[0].ID < last {
		return false
	}
	return !slices.ContainsFunc(next, func(p Pepper) bool {
		return p.ID <= last && !slices.ContainsFunc(before, func(b Pepper) bool { return b.ID == p.ID && b.Fingerprint == p.Fingerprint })
	})
}

// numberApart gives the peppers of a store numbers after those of another one, which
// it replaces, unless they may stay. Their order stays.
func (c *Change) numberApart(before []Pepper) error {
	here, err := c.Peppers()
	if err != nil || numbersApart(here, before) {
		return err
	}
	by := max(before[0].ID, here[0].ID)
	for _, statement := range []string{
		// Until the end of the transaction.
		`PRAGMA defer_foreign_keys = ON`,
		`UPDATE peppers SET id = id + @by`,
		`UPDATE api_keys SET pepper_id = pepper_id + @by, previous_pepper_id = previous_pepper_id + @by`,
		`UPDATE tokens SET pepper_id = pepper_id + @by`,
	} {
		if _, err := c.tx.ExecContext(c.ctx, statement, sql.Named("by", by)); err != nil {
			return fmt.Errorf("numbering the peppers: %w", err)
		}
	}
	return nil
}

// mayFollow reports whether the sealed copy may replace a store as it is now. It may
// not if that store got another pepper, or was replaced, after it was compared.
func (r *Restore) mayFollow(ctx context.Context, now *Summary) error {
	next, err := r.copy.Summary(ctx)
	if err != nil {
		return err
	}
	if next.Number <= now.Number || !numbersApart(next.Peppers, now.Peppers) {
		return errors.New("the store got another pepper, or was restored, while the backup was compared with it; nothing was changed, try again")
	}
	return nil
}
