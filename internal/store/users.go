package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

const userColumns = `id, username, username_fold, display_name, email, state, roles, groups, auth_epoch, created, updated, version, quota, email_verified, tokens_after`

func scanUser(r row) (User, error) {
	var u User
	err := r.Scan(&u.ID, &u.Username, &u.Fold, &u.DisplayName, &u.Email, &u.State,
		namesColumn{&u.Roles}, namesColumn{&u.Groups}, &u.Epoch,
		timeColumn{&u.Created}, timeColumn{&u.Updated}, &u.Version, &u.Quota, boolColumn{&u.EmailVerified}, timeColumn{&u.TokensAfter})
	return u, err
}

// UserByFold finds a user by the unique form of the name. The error is
// ErrNotFound if there is none.
func (s *Store) UserByFold(ctx context.Context, fold string) (u User, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		u, err = userByFold(ctx, tx, fold)
		return err
	})
	return u, err
}

// UserByFold is Store.UserByFold within the change.
func (c *Change) UserByFold(fold string) (User, error) {
	return userByFold(c.ctx, c.tx, fold)
}

func userByFold(ctx context.Context, tx *sql.Tx, fold string) (User, error) {
	u, err := scanUser(tx.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users WHERE username_fold = ?`, fold))
	return u, notFound(err, "user '%s'", fold)
}

// Users lists up to limit users in the order of their folded names, beginning
// after the one named after ("" is the beginning).
func (s *Store) Users(ctx context.Context, after string, limit int) ([]User, error) {
	return readAll(ctx, s, scanUser, `SELECT `+userColumns+` FROM users WHERE username_fold > ? ORDER BY username_fold LIMIT ?`, after, limit)
}

// InsertUser adds a user. The error is ErrExists if the name is taken.
func (c *Change) InsertUser(u *User) error {
	u.Version, u.Epoch = 1, 1
	_, err := c.tx.ExecContext(c.ctx, `INSERT INTO users (`+userColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		u.ID, u.Username, u.Fold, u.DisplayName, u.Email, u.State,
		listColumn[string]{&u.Roles}, listColumn[string]{&u.Groups}, u.Epoch,
		micros(u.Created), micros(u.Updated), u.Version, u.Quota, u.EmailVerified, optionalMicros(u.TokensAfter))
	if c.dialect.isUnique(err) {
		return fmt.Errorf("user '%s' %w", u.Username, ErrExists)
	}
	if err != nil {
		return err
	}
	return c.changed(userChange, u.ID)
}

// UpdateUser writes what may change of a user and counts the version up.
func (c *Change) UpdateUser(u *User) error {
	u.Version++
	result, err := c.tx.ExecContext(c.ctx, `UPDATE users SET display_name = ?, email = ?, state = ?, roles = ?, groups = ?, auth_epoch = ?, updated = ?, version = ?, quota = ?, email_verified = ?, tokens_after = ? WHERE id = ?`,
		u.DisplayName, u.Email, u.State, listColumn[string]{&u.Roles}, listColumn[string]{&u.Groups}, u.Epoch,
		micros(u.Updated), u.Version, u.Quota, u.EmailVerified, optionalMicros(u.TokensAfter), u.ID)
	if err := onlyOne(result, err); err != nil {
		return fmt.Errorf("user '%s': %w", u.Username, err)
	}
	return c.changed(userChange, u.ID)
}

// RefuseTokens lets no token of another provider count that was issued to a user until
// then. It is no change of the record, whose version stays.
func (c *Change) RefuseTokens(userID string, until time.Time) error {
	result, err := c.tx.ExecContext(c.ctx, `UPDATE users SET tokens_after = ? WHERE id = ?`, micros(until), userID)
	if err := onlyOne(result, err); err != nil {
		return fmt.Errorf("user '%s': %w", userID, err)
	}
	return c.changed(userChange, userID)
}

// DeleteUser removes a user with password, keys, sessions and identities, and from the agents of
// the keys of others.
func (c *Change) DeleteUser(u *User) error {
	if _, err := c.EndSessions(SessionFilter{UserID: u.ID}); err != nil {
		return err
	}
	keys, err := c.texts(`SELECT id FROM api_keys WHERE user_id = ?`, u.ID)
	if err != nil {
		return err
	}
	identities, err := c.texts(`SELECT id FROM external_identities WHERE user_id = ?`, u.ID)
	if err != nil {
		return err
	}
	if err := c.dropAgent(u.Fold); err != nil {
		return err
	}
	result, err := c.tx.ExecContext(c.ctx, `DELETE FROM users WHERE id = ?`, u.ID)
	if err := onlyOne(result, err); err != nil {
		return fmt.Errorf("user '%s': %w", u.Username, err)
	}
	if err := errors.Join(c.allChanged(keyChange, keys), c.allChanged(identityChange, identities)); err != nil {
		return err
	}
	return c.changed(userChange, u.ID)
}

// dropAgent takes a user out of all lists of agents: whoever gets the name one day is
// somebody else.
func (c *Change) dropAgent(fold string) error {
	ids, err := c.texts(`SELECT k.id FROM api_keys k, json_each(k.agents) a WHERE k.agents <> '[]' AND a.value = ?`, fold)
	if err != nil {
		return err
	}
	for _, id := range ids {
		k, err := c.Key(KeyRef{ID: id})
		if err != nil {
			return err
		}
		k.Agents = slices.DeleteFunc(k.Agents, func(agent string) bool { return agent == fold })
		if err := c.UpdateKey(&k); err != nil {
			return err
		}
	}
	return nil
}

// onlyOne checks that a statement has changed the one row it was meant for.
func onlyOne(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}
