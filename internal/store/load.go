package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// Receiver is told of what is loaded. A function that is nil is for records that nobody
// wants to know of.
type Receiver struct {
	User     func(*User) error
	Key      func(*Key) error
	Token    func(*Token) error
	Identity func(*Identity) error
	Refused  func(*RefusedToken) error
}

// Load reads everything as of one moment: all users, then all keys, tokens, identities
// and refused tokens, each in no order. It returns how far that is. Loading ends with
// the first error that a function returns.
//
// Of each record there is only what decides about a request. It is valid until the
// function returns; the lists in it stay so.
func (s *Store) Load(ctx context.Context, to Receiver) (p Position, err error) {
	generation := s.open.Load().generation
	err = s.snapshotOn(ctx, func(conn *sql.Conn, tx *sql.Tx) error {
		if p, err = s.position(ctx, tx, generation); err != nil {
			return err
		}
		for _, load := range []func() error{
			func() error { return load(ctx, conn, "users", usersToLoad, (*User).loaded, to.User) },
			func() error { return load(ctx, conn, "keys", keysToLoad, (*Key).loaded, to.Key) },
			func() error { return load(ctx, conn, "tokens", tokensToLoad, (*Token).loaded, to.Token) },
			func() error { return load(ctx, conn, "identities", identitiesToLoad, (*Identity).loaded, to.Identity) },
			func() error {
				return load(ctx, conn, "refused tokens", refusedToLoad, (*RefusedToken).loaded, to.Refused)
			},
		} {
			if err := load(); err != nil {
				return err
			}
		}
		return nil
	})
	return p, err
}

// load reads the rows of a query into one record again and again.
func load[T any](ctx context.Context, conn *sql.Conn, what, query string, columns func(*T) []sql.Scanner, do func(*T) error) error {
	if do == nil {
		return nil
	}
	record := new(T)
	if err := eachRaw(ctx, conn, query, columns(record), func() error { return do(record) }); err != nil {
		return fmt.Errorf("loading %s: %w", what, err)
	}
	return nil
}

// usersToLoad leaves out what is for people.
const usersToLoad = `SELECT id, username, username_fold, state, roles, groups, auth_epoch, quota, tokens_after FROM users`

func (u *User) loaded() []sql.Scanner {
	return []sql.Scanner{
		textColumn{&u.ID},
		textColumn{&u.Username},
		textColumn{&u.Fold},
		textColumn{(*string)(&u.State)},
		namesColumn{&u.Roles},
		namesColumn{&u.Groups},
		numberColumn{&u.Epoch},
		numberColumn{&u.Quota},
		timeColumn{&u.TokensAfter},
	}
}

// limitsToLoad are the limits of k, and NULL where they bind to nothing, as nearly
// all do: a column costs the more the more is in it.
const limitsToLoad = `CASE WHEN k.networks <> '[]' THEN k.networks END, CASE WHEN k.user_agent <> '' THEN k.user_agent END,
	CASE WHEN k.audience <> '[]' THEN k.audience END, CASE WHEN k.subject <> '[]' THEN k.subject END,
	CASE WHEN k.api_version <> '' THEN k.api_version END`

func (l *Limits) loaded() []sql.Scanner {
	return []sql.Scanner{
		listColumn[netip.Prefix]{&l.Networks},
		textColumn{&l.UserAgent},
		listColumn[string]{&l.Audience},
		listColumn[string]{&l.Subject},
		textColumn{&l.APIVersion},
	}
}

// keysToLoad reads keys as they lie in the file. In the order of their ids each
// would be looked for, and so would the user of each in a join.
const keysToLoad = `SELECT ` + limitsToLoad + `, k.id, k.user_id, k.name, k.verifier, k.previous_verifier, k.previous_expires,
	k.scopes, k.not_before, k.expires, k.disabled, k.revoked, k.pepper_id, k.previous_pepper_id,
	k.impersonation, CASE WHEN k.agents <> '[]' THEN k.agents END, k.by_name, CASE WHEN k.imported_hash <> '' THEN k.imported_hash END FROM api_keys k`

func (k *Key) loaded() []sql.Scanner {
	return append(k.Limits.loaded(),
		textColumn{&k.ID}, textColumn{&k.UserID}, textColumn{&k.Name},
		verifierColumn{&k.Verifier}, verifierColumn{&k.Previous}, timeColumn{&k.PreviousExpires},
		scopesColumn{&k.Scopes}, timeColumn{&k.NotBefore}, timeColumn{&k.Expires}, timeColumn{&k.Disabled}, timeColumn{&k.Revoked},
		numberColumn{&k.Pepper}, numberColumn{&k.PreviousPepper},
		boolColumn{&k.Impersonation}, listColumn[string]{&k.Agents}, boolColumn{&k.ByName}, textColumn{&k.ImportedHash})
}

const tokensToLoad = `SELECT ` + limitsToLoad + `, t.id, t.kind, t.verifier, t.pepper_id, t.expires, t.idle, t.last_used,
	s.user_id, s.scopes, CASE WHEN s.roles <> '[]' THEN s.roles END, CASE WHEN s.groups <> '[]' THEN s.groups END` + tokensFrom

func (t *Token) loaded() []sql.Scanner {
	return append(t.Limits.loaded(),
		textColumn{&t.ID}, textColumn{(*string)(&t.Kind)}, verifierColumn{&t.Verifier}, numberColumn{&t.Pepper},
		timeColumn{&t.Expires}, durationColumn{&t.Idle}, timeColumn{&t.LastUsed},
		textColumn{&t.UserID}, scopesColumn{&t.Scopes}, namesColumn{&t.Roles}, namesColumn{&t.Groups})
}

// eachRaw reads row after row into the same variables. It asks the driver itself:
// through database/sql a row takes five times as long.
func eachRaw(ctx context.Context, conn *sql.Conn, query string, into []sql.Scanner, do func() error) error {
	return conn.Raw(func(c any) (err error) {
		queryer, ok := c.(driver.QueryerContext)
		if !ok {
			return errors.New("the driver gives no rows of its own")
		}
		rows, err := queryer.QueryContext(ctx, query, nil)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		values := make([]driver.Value, len(into))
		// The driver looks at ctx when a query begins, and not again.
		for ctx.Err() == nil {
			if err := rows.Next(values); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			for i, column := range into {
				if err := column.Scan(values[i]); err != nil {
					return err
				}
			}
			if err := do(); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// Counts says how much there is in the store.
type Counts struct {
	Users int64 `json:"users"`
	Keys  int64 `json:"keys"`
	// Sessions are those that have not been removed yet.
	Sessions int64 `json:"sessions"`
	// Identities are those of other providers that are linked to users.
	Identities int64 `json:"identities"`
	Events     int64 `json:"audit_events"`
}

// Count counts users, keys that are not revoked, sessions, identities and audit events.
func (s *Store) Count(ctx context.Context) (Counts, error) {
	var c Counts
	err := s.snapshot(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM users),
			(SELECT COUNT(*) FROM api_keys WHERE revoked IS NULL), (SELECT COUNT(*) FROM sessions),
			(SELECT COUNT(*) FROM external_identities), (SELECT COUNT(*) FROM audit_events)`).Scan(&c.Users, &c.Keys, &c.Sessions, &c.Identities, &c.Events)
	})
	return c, err
}
