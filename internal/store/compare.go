package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Comparison says what the store is that a backup is to replace, and what would be
// accepted again that it does not accept.
type Comparison struct {
	// Now is what is in the store.
	Now Summary `json:"now"`
	// Keys are accepted again: what was done to them since the backup is undone.
	Keys []Returning `json:"keys"`
	// Users get something back: they are active again, with the password, the
	// roles and the groups of the backup.
	Users []Returning `json:"users"`
	// Sessions is how many go on that have ended.
	Sessions int64 `json:"sessions"`
	// Identities of other providers are linked again, and as many of their tokens as
	// Refused says are accepted again, which were refused since.
	Identities []Returning `json:"identities"`
	Refused    int64       `json:"refused_tokens"`
	// Newer: the store was used by a newer version of this program, so that keys
	// and users could not be compared.
	Newer bool `json:"newer,omitempty"`
}

// Returning is a key, a user or an identity, and what a restore undoes.
type Returning struct {
	ID string `json:"id"`
	// Name is `user/name` of a key, the user's name, or `user` and what an identity's
	// provider is called.
	Name string `json:"name"`
	// Why says what was done to it since the backup: revoked, disabled, rotated,
	// deleted, "overlap ended" of the secret before the last rotation, "other
	// password", "other roles or groups", "all sessions ended", unlinked, "linked to
	// another user".
	Why string `json:"why"`
}

// Compare holds the backup against the store at l, as it is at this moment. The
// error is ErrNoStore if there is none, ErrDamaged if it cannot be read, is not made as
// this program makes one, or has numbers that could not be counted up: then nobody may
// write the backup into it.
func (r *Restore) Compare(ctx context.Context, l Location) (c Comparison, err error) {
	old := Location{Engine: l.Engine, Path: filepath.Join(r.dir.Path, "now.db")}
	defer func() {
		if gone := os.Remove(old.Path); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}()
	if err := r.copyOf(ctx, l, old.Path); err != nil {
		return Comparison{}, err
	}
	s, err := attach(ctx, old, Options{Now: r.copy.now})
	if err != nil {
		return Comparison{}, err
	}
	s.title = "store " + l.String()
	err = s.understand(ctx, &c)
	err = errors.Join(err, s.Close())
	if err == nil && !c.Newer {
		err = r.against(ctx, old.Path, &c)
	}
	// The copy is read as nobody else reads it, so that it is to blame.
	if err = s.explain(nil, s.notUnderstood(ctx, err)); err != nil {
		return Comparison{}, err
	}
	return c, nil
}

// understand says what is in the copy of a store, and brings it up to date.
func (s *Store) understand(ctx context.Context, c *Comparison) (err error) {
	for _, look := range []func(context.Context) ([]string, error){s.Structure, s.wrongNumbers} {
		problems, err := look(ctx)
		if err != nil {
			return err
		}
		if len(problems) > 0 {
			return errors.New(FirstOf(problems))
		}
	}
	if c.Now, err = s.Summary(ctx); err != nil {
		return err
	}
	if c.Newer = c.Now.Schema > s.schema; c.Newer {
		return nil
	}
	return s.upgrade(ctx, nil)
}

// against compares with the store whose copy is at the path.
func (r *Restore) against(ctx context.Context, old string, c *Comparison) (err error) {
	conn, err := r.copy.open.Load().writes.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, `ATTACH ? AS now`, old); err != nil {
		return err
	}
	defer func() {
		_, detached := conn.ExecContext(context.WithoutCancel(ctx), `DETACH now`)
		err = errors.Join(err, detached)
	}()
	scan := func(r row) (b Returning, err error) { return b, r.Scan(&b.ID, &b.Name, &b.Why) }
	rows, err := conn.QueryContext(ctx, returningKeys, micros(r.copy.now()))
	if err != nil {
		return err
	}
	if c.Keys, err = collect(rows, scan); err != nil {
		return err
	}
	if rows, err = conn.QueryContext(ctx, returningUsers); err != nil {
		return err
	}
	if c.Users, err = collect(rows, scan); err != nil {
		return err
	}
	if rows, err = conn.QueryContext(ctx, returningIdentities); err != nil {
		return err
	}
	if c.Identities, err = collect(rows, scan); err != nil {
		return err
	}
	return conn.QueryRowContext(ctx, returningTokens, micros(r.copy.now())).Scan(&c.Sessions, &c.Refused)
}

// copyOf copies the store at l into a new file.
func (r *Restore) copyOf(ctx context.Context, l Location, path string) error {
	s, err := attach(ctx, l, Options{Now: r.copy.now})
	if err == nil {
		err = errors.Join(s.copyTo(ctx, path), s.Close())
	}
	return asDamage(err)
}

// copyTo copies the store into a new file.
func (s *Store) copyTo(ctx context.Context, path string) error {
	return s.snapshot(ctx, func(tx *sql.Tx) (err error) {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		return writePages(ctx, tx, file, alone)
	})
}

// A rotation, and an overlap that was ended, leave no other trace than their events
// once the pepper is another one. Those that are not in the backup are later, whatever
// their times say: the clock may have been set back.
const returningKeys = `
	WITH later AS MATERIALIZED (SELECT e.key_id, e.kind FROM now.audit_events e
		WHERE e.kind IN ('key.rotate', 'key.end_overlap') AND NOT EXISTS (SELECT 1 FROM main.audit_events m WHERE m.id = e.id))
	SELECT k.id, u.username || '/' || k.name, CASE
		WHEN n.id IS NULL THEN 'deleted'
		WHEN n.revoked IS NOT NULL THEN 'revoked'
		WHEN n.disabled IS NOT NULL THEN 'disabled'
		WHEN k.id IN (SELECT key_id FROM later WHERE kind = 'key.rotate') THEN 'rotated'
		ELSE 'overlap ended' END
	FROM main.api_keys k JOIN main.users u ON u.id = k.user_id
		JOIN now.users o ON o.id = k.user_id
		LEFT JOIN now.api_keys n ON n.id = k.id
	WHERE k.revoked IS NULL AND k.disabled IS NULL AND u.state = 'active' AND o.state = 'active'
		AND (k.expires IS NULL OR k.expires > ?1)
		AND (n.id IS NULL OR n.revoked IS NOT NULL OR n.disabled IS NOT NULL
			OR k.id IN (SELECT key_id FROM later WHERE kind = 'key.rotate')
			OR k.previous_expires > ?1 AND k.id IN (SELECT key_id FROM later WHERE kind = 'key.end_overlap'))
	ORDER BY u.username_fold, k.name, k.id`

const returningUsers = `
	SELECT u.id, u.username, CASE
		WHEN n.id IS NULL THEN 'deleted'
		WHEN n.state <> 'active' THEN 'disabled'
		WHEN p.changed IS NOT NULL AND p.changed IS NOT o.changed THEN 'other password'
		WHEN n.roles <> u.roles OR n.groups <> u.groups THEN 'other roles or groups'
		ELSE 'all sessions ended' END
	FROM main.users u
		LEFT JOIN now.users n ON n.id = u.id
		LEFT JOIN main.passwords p ON p.user_id = u.id
		LEFT JOIN now.passwords o ON o.user_id = u.id
	WHERE u.state = 'active' AND (n.id IS NULL OR n.state <> 'active' OR n.roles <> u.roles OR n.groups <> u.groups
		OR p.changed IS NOT NULL AND p.changed IS NOT o.changed OR n.tokens_after > COALESCE(u.tokens_after, n.tokens_after - 1))
	ORDER BY u.username_fold`

// An identity of a user who was deleted comes back with him, and is not told apart.
const returningIdentities = `
	SELECT i.id, u.username || ' of ' || i.provider, CASE WHEN n.id IS NULL THEN 'unlinked' ELSE 'linked to another user' END
	FROM main.external_identities i JOIN main.users u ON u.id = i.user_id
		JOIN now.users o ON o.id = i.user_id
		LEFT JOIN now.external_identities n ON n.id = i.id
	WHERE n.id IS NULL OR n.user_id <> i.user_id
	ORDER BY u.username_fold, i.id`

const returningTokens = `SELECT
	(SELECT COUNT(*) FROM main.sessions s WHERE NOT EXISTS (SELECT 1 FROM now.sessions n WHERE n.id = s.id)),
	(SELECT COUNT(*) FROM now.refused_tokens n WHERE n.expires > ? AND NOT EXISTS (SELECT 1 FROM main.refused_tokens t WHERE t.id = n.id))`
