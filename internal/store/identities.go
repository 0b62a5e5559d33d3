package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Identity links whom another provider means, by issuer and subject, to a user.
type Identity struct {
	// ID is the digest of both (principal.IdentityDigest) in hexadecimal digits.
	ID     string `json:"id"`
	UserID string `json:"-"`
	// Username is the user's; it is filled in when identities are listed.
	Username string `json:"user"`
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
	// Provider is what the configuration called the provider, and Email what it said of
	// the user, when the identity was linked. They are for people and decide nothing.
	Provider string    `json:"provider"`
	Email    string    `json:"email,omitempty"`
	Created  time.Time `json:"created"`
}

const identityColumns = `i.id, i.user_id, u.username, i.issuer, i.subject, i.provider, i.email, i.created`

const identitiesFrom = ` FROM external_identities i JOIN users u ON u.id = i.user_id `

func scanIdentity(r row) (i Identity, err error) {
	return i, r.Scan(&i.ID, &i.UserID, &i.Username, &i.Issuer, &i.Subject, &i.Provider, &i.Email, timeColumn{&i.Created})
}

// identitiesToLoad has only what decides about a request.
const identitiesToLoad = `SELECT id, user_id FROM external_identities`

func (i *Identity) loaded() []sql.Scanner {
	return []sql.Scanner{textColumn{&i.ID}, textColumn{&i.UserID}}
}

// Identity finds an identity by its id. The error is ErrNotFound if there is none.
func (c *Change) Identity(id string) (Identity, error) {
	i, err := scanIdentity(c.tx.QueryRowContext(c.ctx, `SELECT `+identityColumns+identitiesFrom+`WHERE i.id = ?`, id))
	return i, notFound(err, "identity '%s'", id)
}

// Identities lists up to limit identities in the order of their ids, those of one user or,
// if userID is empty, of all, beginning after the one with the id after.
func (s *Store) Identities(ctx context.Context, userID, after string, limit int) ([]Identity, error) {
	where, args := `WHERE i.id > ?`, []any{after}
	if userID != "" {
		where += ` AND i.user_id = ?`
		args = append(args, userID)
	}
	return readAll(ctx, s, scanIdentity, `SELECT `+identityColumns+identitiesFrom+where+` ORDER BY i.id LIMIT ?`, append(args, limit)...)
}

// InsertIdentity links an identity. The error is ErrExists if it is linked already, to
// whomever.
func (c *Change) InsertIdentity(i *Identity) error {
	_, err := c.tx.ExecContext(c.ctx, `INSERT INTO external_identities (id, issuer, subject, user_id, provider, email, created) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		i.ID, i.Issuer, i.Subject, i.UserID, i.Provider, i.Email, micros(i.Created))
	if c.dialect.isUnique(err) {
		return fmt.Errorf("identity '%s' of issuer '%s' %w", i.Subject, i.Issuer, ErrExists)
	}
	if err != nil {
		return err
	}
	return c.changed(identityChange, i.ID)
}

// DeleteIdentity takes a link away. The error is ErrNotFound if there is none of that id.
func (c *Change) DeleteIdentity(id string) error {
	result, err := c.tx.ExecContext(c.ctx, `DELETE FROM external_identities WHERE id = ?`, id)
	if err := onlyOne(result, err); err != nil {
		return fmt.Errorf("identity '%s': %w", id, err)
	}
	return c.changed(identityChange, id)
}

// HasIdentityOf reports whether a user is linked to a subject of an issuer.
func (c *Change) HasIdentityOf(userID, issuer string) (has bool, err error) {
	err = c.tx.QueryRowContext(c.ctx, `SELECT EXISTS (SELECT 1 FROM external_identities WHERE user_id = ? AND issuer = ?)`, userID, issuer).Scan(&has)
	return has, err
}

// UserByEmail finds the one user who has an address of mail that is verified, or one that
// FoldEmail makes equal. The error is ErrNotFound if there is none, or more
// than one.
func (c *Change) UserByEmail(email string) (User, error) {
	rows, err := c.tx.QueryContext(c.ctx, `SELECT `+userColumns+` FROM users
		WHERE email <> '' AND lower(email) = ? AND email_verified = 1 LIMIT 2`, FoldEmail(email))
	if err != nil {
		return User{}, err
	}
	found, err := collect(rows, scanUser)
	if err != nil || len(found) == 1 {
		return append(found, User{})[0], err
	}
	return User{}, fmt.Errorf("one user of that address of mail: %w", ErrNotFound)
}

// FoldEmail is an address of mail in lower case, as lower in SQL makes it: letters of ASCII
// only. Unicode's lower case makes a k of U+212A, and an i of U+0130, and so the address of
// one person that of another.
func FoldEmail(email string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, email)
}

// IsAgent reports whether a key for impersonation names a user, by the folded name, as
// one who may use it. He need not be there.
func (c *Change) IsAgent(fold string) (is bool, err error) {
	err = c.tx.QueryRowContext(c.ctx, `SELECT EXISTS (SELECT 1 FROM api_keys k, json_each(k.agents) a WHERE k.agents <> '[]' AND a.value = ?)`, fold).Scan(&is)
	return is, err
}

// RefusedToken is a token of another provider that is not accepted.
type RefusedToken struct {
	// ID is the digest of issuer and jti (principal.TokenDigest) in hexadecimal digits.
	ID string
	// UserID says to people whose it was, if that is known.
	UserID string
	// Spent: it was good for one time.
	Spent bool
	// Expires is when the record may go.
	Expires, Created time.Time
}

const refusedColumns = `id, user_id, spent, expires, created`

func scanRefused(r row) (t RefusedToken, err error) {
	return t, r.Scan(&t.ID, &t.UserID, boolColumn{&t.Spent}, timeColumn{&t.Expires}, timeColumn{&t.Created})
}

// refusedToLoad has only what decides about a request.
const refusedToLoad = `SELECT id, spent FROM refused_tokens`

func (t *RefusedToken) loaded() []sql.Scanner {
	return []sql.Scanner{textColumn{&t.ID}, boolColumn{&t.Spent}}
}

// RefusedToken finds a token that is refused by its id. The error is ErrNotFound if it is
// not refused.
func (c *Change) RefusedToken(id string) (RefusedToken, error) {
	t, err := scanRefused(c.tx.QueryRowContext(c.ctx, `SELECT `+refusedColumns+` FROM refused_tokens WHERE id = ?`, id))
	return t, notFound(err, "refused token '%s'", id)
}

// RefuseToken writes down that a token is refused. Where it was already, the later end
// counts, and it is spent no more but refused.
func (c *Change) RefuseToken(t *RefusedToken) error {
	_, err := c.tx.ExecContext(c.ctx, `INSERT INTO refused_tokens (`+refusedColumns+`) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET spent = MIN(spent, excluded.spent), expires = MAX(expires, excluded.expires)`,
		t.ID, t.UserID, t.Spent, micros(t.Expires), micros(t.Created))
	if err != nil {
		return fmt.Errorf("refused token '%s': %w", t.ID, err)
	}
	return c.changed(refusedChange, t.ID)
}

// SweepRefused removes up to limit refused tokens that are over before now.
func (c *Change) SweepRefused(now time.Time, limit int) error {
	ids, err := c.texts(`DELETE FROM refused_tokens WHERE id IN (SELECT id FROM refused_tokens WHERE expires < ? LIMIT ?) RETURNING id`, micros(now), limit)
	if err != nil {
		return fmt.Errorf("removing refused tokens: %w", err)
	}
	return c.allChanged(refusedChange, ids)
}
