package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
)

const keyColumns = `k.id, k.user_id, u.username, u.state, k.name, k.prefix, k.verifier, k.pepper_id, k.previous_verifier, COALESCE(k.previous_pepper_id, 0), k.previous_expires,
	k.scopes, k.networks, k.user_agent, k.audience, k.subject, k.api_version, k.not_before, k.expires,
	k.disabled, k.disabled_by, k.revoked, k.revoked_reason, k.created, k.created_by, k.last_used,
	k.impersonation, k.agents, k.by_name, k.imported_hash`

const keysFrom = ` FROM api_keys k JOIN users u ON u.id = k.user_id `

func scanKey(r row) (Key, error) {
	var k Key
	err := r.Scan(&k.ID, &k.UserID, &k.Username, &k.UserState, &k.Name, &k.Prefix,
		verifierColumn{&k.Verifier}, &k.Pepper, verifierColumn{&k.Previous}, &k.PreviousPepper, timeColumn{&k.PreviousExpires},
		scopesColumn{&k.Scopes}, listColumn[netip.Prefix]{&k.Networks}, &k.UserAgent,
		listColumn[string]{&k.Audience}, listColumn[string]{&k.Subject}, &k.APIVersion,
		timeColumn{&k.NotBefore}, timeColumn{&k.Expires}, timeColumn{&k.Disabled}, &k.DisabledBy,
		timeColumn{&k.Revoked}, &k.RevokedReason, timeColumn{&k.Created}, &k.CreatedBy, timeColumn{&k.LastUsed},
		boolColumn{&k.Impersonation}, listColumn[string]{&k.Agents}, boolColumn{&k.ByName}, &k.ImportedHash)
	return k, err
}

// KeyRef names a key: by its public id, or by owner and name.
type KeyRef struct {
	// ID is the public id. If it is set the other fields are not looked at.
	ID string
	// UserFold is the owner's folded name, Name the key's. Revoked keys have no
	// name and can be found by id only.
	UserFold, Name string
}

func (r KeyRef) String() string {
	if r.ID != "" {
		return r.ID
	}
	return r.UserFold + "/" + r.Name
}

// Key finds a key. The error is ErrNotFound if there is none.
func (s *Store) Key(ctx context.Context, ref KeyRef) (k Key, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		k, err = key(ctx, tx, ref)
		return err
	})
	return k, err
}

// Key is Store.Key within the change.
func (c *Change) Key(ref KeyRef) (Key, error) { return key(c.ctx, c.tx, ref) }

func key(ctx context.Context, tx *sql.Tx, ref KeyRef) (Key, error) {
	where, args := `WHERE u.username_fold = ? AND k.name = ? AND k.revoked IS NULL`, []any{ref.UserFold, ref.Name}
	if ref.ID != "" {
		where, args = `WHERE k.id = ?`, []any{ref.ID}
	}
	k, err := scanKey(tx.QueryRowContext(ctx, `SELECT `+keyColumns+keysFrom+where, args...))
	if ref.ID == "" {
		return k, notFound(err, "key '%s' (a revoked one is found by its id only)", ref)
	}
	return k, notFound(err, "key '%s'", ref)
}

// KeyFilter says which keys to list.
type KeyFilter struct {
	// UserFold is the folded name of the owner; empty means all users.
	UserFold string
	// Revoked includes revoked keys.
	Revoked bool
	// After is the id after which to begin; empty means the beginning.
	After string
	// Limit is the greatest number of keys.
	Limit int
}

// Keys lists keys in the order of their ids.
func (s *Store) Keys(ctx context.Context, f KeyFilter) ([]Key, error) {
	where, args := `WHERE k.id > ?`, []any{f.After}
	if f.UserFold != "" {
		where += ` AND u.username_fold = ?`
		args = append(args, f.UserFold)
	}
	if !f.Revoked {
		where += ` AND k.revoked IS NULL`
	}
	return readAll(ctx, s, scanKey, `SELECT `+keyColumns+keysFrom+where+` ORDER BY k.id LIMIT ?`, append(args, f.Limit)...)
}

// InsertKey adds a key with one secret. The error is ErrExists if the user has a
// key of that name, ErrPepperGone if the store does not know its pepper.
func (c *Change) InsertKey(k *Key) error {
	_, err := c.tx.ExecContext(c.ctx, `INSERT INTO api_keys (id, user_id, name, prefix, verifier, pepper_id, scopes,
		networks, user_agent, audience, subject, api_version, not_before, expires, created, created_by,
		impersonation, agents, by_name, imported_hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		k.ID, k.UserID, k.Name, k.Prefix, k.Verifier[:], k.Pepper, scopesColumn{&k.Scopes},
		listColumn[netip.Prefix]{&k.Networks}, k.UserAgent, listColumn[string]{&k.Audience}, listColumn[string]{&k.Subject},
		k.APIVersion, optionalMicros(k.NotBefore), optionalMicros(k.Expires), micros(k.Created), k.CreatedBy,
		k.Impersonation, listColumn[string]{&k.Agents}, k.ByName, k.ImportedHash)
	if c.dialect.isUnique(err) {
		return fmt.Errorf("key '%s/%s' %w", k.Username, k.Name, ErrExists)
	}
	if c.dialect.isOrphan(err) {
		return fmt.Errorf("key '%s/%s': %w", k.Username, k.Name, ErrPepperGone)
	}
	if err != nil {
		return err
	}
	return c.changed(keyChange, k.ID)
}

// UpdateKey writes what may change of a key: verifiers and form of the secret, agents,
// disabled, revoked. The error is ErrPepperGone if the store does not know the pepper of a verifier.
func (c *Change) UpdateKey(k *Key) error {
	var previous, previousPepper any
	if !k.PreviousExpires.IsZero() {
		previous, previousPepper = k.Previous[:], k.PreviousPepper
	}
	result, err := c.tx.ExecContext(c.ctx, `UPDATE api_keys SET prefix = ?, verifier = ?, pepper_id = ?,
		previous_verifier = ?, previous_pepper_id = ?, previous_expires = ?,
		disabled = ?, disabled_by = ?, revoked = ?, revoked_reason = ?, agents = ?, by_name = ?, imported_hash = ? WHERE id = ?`,
		k.Prefix, k.Verifier[:], k.Pepper, previous, previousPepper, optionalMicros(k.PreviousExpires),
		optionalMicros(k.Disabled), k.DisabledBy, optionalMicros(k.Revoked), k.RevokedReason,
		listColumn[string]{&k.Agents}, k.ByName, k.ImportedHash, k.ID)
	if c.dialect.isOrphan(err) {
		err = ErrPepperGone
	}
	if err := onlyOne(result, err); err != nil {
		return fmt.Errorf("key '%s/%s': %w", k.Username, k.Name, err)
	}
	return c.changed(keyChange, k.ID)
}

// MarkUsed writes when keys were last used, in one transaction. It is not a
// change of the keys and takes no number. Keys that are gone are skipped, and a
// time that is later already stays, unless it has not come yet: then the clock was
// set back.
func (s *Store) MarkUsed(ctx context.Context, used map[credential.KeyID]time.Time) error {
	return s.markUsed(ctx, "api_keys", used)
}

// futureSlack is by how much the clocks of processes and machines may differ
// before a time counts as one that has not come yet.
const futureSlack = time.Minute

func (s *Store) markUsed(ctx context.Context, table string, used map[credential.KeyID]time.Time) error {
	return s.inTransaction(ctx, func(tx *sql.Tx) error {
		statement, err := tx.PrepareContext(ctx, `UPDATE `+table+` SET last_used = ? WHERE id = ? AND (last_used IS NULL OR last_used < ? OR last_used > ?)`)
		if err != nil {
			return err
		}
		defer statement.Close()
		future := micros(s.now().Add(futureSlack))
		for id, at := range used {
			if _, err := statement.ExecContext(ctx, micros(at), id.String(), micros(at), future); err != nil {
				return err
			}
		}
		return nil
	})
}
