package store

import (
	"context"
	"time"
)

// Record adds an event to the audit trail.
func (c *Change) Record(e *Event) error {
	_, err := c.tx.ExecContext(c.ctx, `INSERT INTO audit_events (id, time, kind, outcome, actor, on_behalf_of, user_id, key_id, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.ID, micros(e.Time), e.Kind, e.Outcome, e.Actor, e.OnBehalfOf, e.UserID, e.KeyID, e.Detail)
	return err
}

const eventColumns = `id, time, kind, outcome, actor, on_behalf_of, user_id, key_id, detail`

func scanEvent(r row) (e Event, err error) {
	return e, r.Scan(&e.ID, timeColumn{&e.Time}, &e.Kind, &e.Outcome, &e.Actor, &e.OnBehalfOf, &e.UserID, &e.KeyID, &e.Detail)
}

// Events lists the last events of the audit trail, the newest first.
func (s *Store) Events(ctx context.Context, limit int) ([]Event, error) {
	return readAll(ctx, s, scanEvent, `SELECT `+eventColumns+` FROM audit_events ORDER BY time DESC, id DESC LIMIT ?`, limit)
}

// Latest is the time of the latest event of the audit trail; zero if there is none.
func (c *Change) Latest() (latest time.Time, err error) {
	err = c.tx.QueryRowContext(c.ctx, `SELECT MAX(time) FROM audit_events`).Scan(timeColumn{&latest})
	return latest, err
}
