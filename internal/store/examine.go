package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Examiner is asked about each record of a store. An error says what is wrong with
// one.
type Examiner struct {
	User func(*User) error
	// Password is that of the user with this id.
	Password func(userID string, p *Password) error
	Key      func(*Key) error
	// Session is without its tokens.
	Session func(*Session) error
	Token   func(*Token) error
	// Identity and Refused are those of other providers.
	Identity func(*Identity) error
	Refused  func(*RefusedToken) error
}

// Examine reads each record of a store of the newest schema, as of one moment, as
// any command would read it: users, then passwords, keys, sessions, tokens,
// identities, refused tokens, the audit trail and failed log-ins; and at last the types of all values. note is told
// what is wrong with a record, and it goes on with the next one. A million keys take
// some seconds.
func (s *Store) Examine(ctx context.Context, e Examiner, note func(error)) error {
	return s.snapshot(ctx, func(tx *sql.Tx) error {
		for _, look := range []func() error{
			func() error { return examine(ctx, tx, "users", userColumns+` FROM users`, scanUser, e.User, note) },
			func() error {
				asked := func(p *owned) error { return e.Password(p.userID, &p.Password) }
				return examine(ctx, tx, "passwords", `user_id, phc, changed FROM passwords`, scanOwned, asked, note)
			},
			func() error { return examine(ctx, tx, "api_keys", keyColumns+keysFrom, scanKey, e.Key, note) },
			func() error {
				return examine(ctx, tx, "sessions", sessionColumns+sessionsFrom, scanSession, e.Session, note)
			},
			func() error { return examine(ctx, tx, "tokens", tokenColumns+tokensFrom, scanToken, e.Token, note) },
			func() error {
				return examine(ctx, tx, "external_identities", identityColumns+identitiesFrom, scanIdentity, e.Identity, note)
			},
			func() error {
				return examine(ctx, tx, "refused_tokens", refusedColumns+` FROM refused_tokens`, scanRefused, e.Refused, note)
			},
			func() error {
				any := func(*Event) error { return nil }
				return examine(ctx, tx, "audit_events", eventColumns+` FROM audit_events`, scanEvent, any, note)
			},
			func() error {
				return examine(ctx, tx, "login_failures", failureColumns+` FROM login_failures`, scanFailure, failureSound, note)
			},
			func() error { return wrongTypes(ctx, tx, note) },
		} {
			if err := look(); err != nil {
				return err
			}
		}
		return nil
	})
}

// failureSound: it can be counted on. One of nothing is not kept.
func failureSound(f *Failure) error {
	if f.Count < 1 || int64(f.Count) > mostNumber {
		return fmt.Errorf("%d failed log-ins are none that can be counted up", f.Count)
	}
	return nil
}

// owned is a password with its user's id.
type owned struct {
	userID string
	Password
}

func scanOwned(r row) (p owned, err error) {
	return p, r.Scan(&p.userID, &p.PHC, timeColumn{&p.Changed})
}

// examine reads all rows of a query, and asks about each.
func examine[T any](ctx context.Context, tx *sql.Tx, table, columns string, scan func(row) (T, error), ask func(*T) error, note func(error)) error {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns)
	if err != nil {
		return err
	}
	number := 0
	inquire := func(r row) (none struct{}, err error) {
		number++
		record, err := scan(timely{r})
		if err == nil {
			err = ask(&record)
		}
		if err != nil {
			note(fmt.Errorf("table '%s', record %d: %w", table, number, err))
		}
		return none, nil
	}
	return each(rows, inquire, func(*struct{}) error { return nil })
}

// timely refuses times that cannot be written as others read them (RFC 3339).
type timely struct{ row }

func (t timely) Scan(into ...any) error {
	if err := t.row.Scan(into...); err != nil {
		return err
	}
	for _, column := range into {
		if c, is := column.(timeColumn); is && !c.t.IsZero() && (c.t.Year() < 1 || c.t.Year() > 9999) {
			return fmt.Errorf("a time in the database is damaged: it is %d seconds after %s", c.t.Unix(), time.Unix(0, 0).UTC().Format(time.DateOnly))
		}
	}
	return nil
}
