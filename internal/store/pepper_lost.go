package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/internal/plural"
)

// Lost counts what nobody can check any more.
type Lost struct {
	// Keys are those that were revoked, Sessions those that were ended.
	Keys     int64 `json:"keys"`
	Sessions int64 `json:"sessions"`
}

// MustBeIdle gives ErrInUse if any process has the store at l open.
func MustBeIdle(l Location) (err error) {
	root, err := os.OpenRoot(filepath.Dir(l.Path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	release, err := lockAlone(root, filepath.Base(l.Path))
	if err != nil {
		return fmt.Errorf("store %s %w", l, err)
	}
	return release()
}

// ReplaceLostPepper makes the pepper of this fingerprint the only one of the store at
// l. All keys are revoked and all sessions end, and the counts of failed log-ins
// begin anew, since those are kept under a pepper, too. The id of the event begins
// the new history.
func ReplaceLostPepper(ctx context.Context, l Location, fingerprint string, event *Event) (lost Lost, err error) {
	s, err := attach(ctx, l, Options{})
	if err != nil {
		return lost, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.upgrade(ctx, nil); err != nil {
		return lost, err
	}
	err = s.Change(ctx, func(c *Change) error {
		if lost, err = c.replaceLostPepper(fingerprint, event); err != nil {
			return err
		}
		event.Detail = fmt.Sprintf("%s revoked, %s ended", plural.Of(lost.Keys, "key"), plural.Of(lost.Sessions, "session"))
		if err := c.beginHistory(event.ID, 0); err != nil {
			return err
		}
		return c.Record(event)
	})
	return lost, err
}

func (c *Change) replaceLostPepper(fingerprint string, event *Event) (lost Lost, err error) {
	var id int64
	at := micros(event.Time)
	err = c.tx.QueryRowContext(c.ctx, `INSERT INTO peppers (id, fingerprint, created) SELECT COALESCE(MAX(id), 0) + 1, ?, ? FROM peppers RETURNING id`, fingerprint, at).Scan(&id)
	if err != nil {
		return lost, err
	}
	for _, step := range []struct {
		count *int64
		query string
		args  []any
	}{
		{&lost.Keys, `UPDATE api_keys SET revoked = ?, revoked_reason = 'pepper lost' WHERE revoked IS NULL`, []any{at}},
		{nil, `UPDATE api_keys SET pepper_id = ?, previous_verifier = NULL, previous_expires = NULL, previous_pepper_id = NULL`, []any{id}},
		{nil, `DELETE FROM tokens`, nil},
		{&lost.Sessions, `DELETE FROM sessions`, nil},
		{nil, `DELETE FROM login_failures`, nil},
		{nil, `DELETE FROM peppers WHERE id <> ?`, []any{id}},
	} {
		result, err := c.tx.ExecContext(c.ctx, step.query, step.args...)
		if err != nil {
			return lost, err
		}
		if step.count == nil {
			continue
		}
		if *step.count, err = result.RowsAffected(); err != nil {
			return lost, err
		}
	}
	return lost, nil
}
