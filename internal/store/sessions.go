package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
)

// A token binds as its key does, so the key's limits are read with it.
const tokenColumns = `t.id, t.session_id, t.kind, t.verifier, t.pepper_id, COALESCE(t.former_id, ''), t.expires, t.idle, t.last_used, s.user_id, s.scopes, s.roles, s.groups,
	COALESCE(k.networks, '[]'), COALESCE(k.user_agent, ''), COALESCE(k.audience, '[]'), COALESCE(k.subject, '[]'), COALESCE(k.api_version, '')`

const tokensFrom = ` FROM tokens t JOIN sessions s ON s.id = t.session_id LEFT JOIN api_keys k ON k.id = s.key_id `

func scanToken(r row) (t Token, err error) {
	return t, r.Scan(&t.ID, &t.SessionID, &t.Kind, verifierColumn{&t.Verifier}, &t.Pepper, &t.FormerID, timeColumn{&t.Expires}, durationColumn{&t.Idle}, timeColumn{&t.LastUsed},
		&t.UserID, scopesColumn{&t.Scopes}, namesColumn{&t.Roles}, namesColumn{&t.Groups}, listColumn[netip.Prefix]{&t.Networks}, &t.UserAgent,
		listColumn[string]{&t.Audience}, listColumn[string]{&t.Subject}, &t.APIVersion)
}

const sessionColumns = `s.id, s.user_id, u.username, s.method, COALESCE(s.key_id, ''), s.scopes, s.roles, s.groups, s.address, s.user_agent, s.created`

const sessionsFrom = ` FROM sessions s JOIN users u ON u.id = s.user_id `

func scanSession(r row) (s Session, err error) {
	return s, r.Scan(&s.ID, &s.UserID, &s.Username, &s.Method, &s.KeyID, scopesColumn{&s.Scopes}, namesColumn{&s.Roles}, namesColumn{&s.Groups}, &s.Address, &s.UserAgent, timeColumn{&s.Created})
}

// InsertSession adds a session with its tokens. The error is ErrPepperGone if the
// store does not know the pepper of one.
func (c *Change) InsertSession(s *Session) error {
	var key any
	if s.KeyID != "" {
		key = s.KeyID
	}
	_, err := c.tx.ExecContext(c.ctx, `INSERT INTO sessions (id, user_id, method, key_id, scopes, roles, groups, address, user_agent, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		s.ID, s.UserID, s.Method, key, scopesColumn{&s.Scopes}, listColumn[string]{&s.Roles}, listColumn[string]{&s.Groups}, s.Address, s.UserAgent, micros(s.Created))
	if err != nil {
		return fmt.Errorf("session %s: %w", s.ID, err)
	}
	for i := range s.Tokens {
		if err := c.insertToken(s.ID, &s.Tokens[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *Change) insertToken(sessionID string, t *Token) error {
	_, err := c.tx.ExecContext(c.ctx, `INSERT INTO tokens (id, session_id, kind, verifier, pepper_id, expires, idle, last_used) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		t.ID, sessionID, t.Kind, t.Verifier[:], t.Pepper, optionalMicros(t.Expires), optionalDuration(t.Idle), micros(t.LastUsed))
	if c.dialect.isOrphan(err) {
		// Its session is there.
		err = ErrPepperGone
	}
	if err != nil {
		return fmt.Errorf("token %s: %w", t.ID, err)
	}
	return c.changed(tokenChange, t.ID)
}

// Session finds a session by its id. The error is ErrNotFound if there is none.
func (c *Change) Session(id string) (Session, error) {
	s, err := scanSession(c.tx.QueryRowContext(c.ctx, `SELECT `+sessionColumns+sessionsFrom+`WHERE s.id = ?`, id))
	return s, notFound(err, "session '%s'", id)
}

// SessionOfToken finds the id of the session that a token belongs to, by the
// token's id or by its former one.
func (c *Change) SessionOfToken(tokenID string) (id string, err error) {
	err = c.tx.QueryRowContext(c.ctx, `SELECT session_id FROM tokens WHERE id = ? OR former_id = ?`, tokenID, tokenID).Scan(&id)
	return id, notFound(err, "token '%s'", tokenID)
}

// SessionFilter says which sessions to list or end; empty fields do not count.
type SessionFilter struct {
	// ID is the session's, UserID its user's, KeyID that of the key it came
	// from. Method is how its user logged in.
	ID, UserID, KeyID, Method string
	// Alive leaves out sessions of which no token is alive at that time.
	Alive time.Time
	// After is the id after which a list begins, Limit the greatest number.
	After string
	Limit int
}

func (f *SessionFilter) where() (text string, args []any) {
	text = `WHERE s.id > ?`
	args = append(args, f.After)
	for _, c := range []struct{ column, value string }{{"s.id", f.ID}, {"s.user_id", f.UserID}, {"s.key_id", f.KeyID}, {"s.method", f.Method}} {
		if c.value != "" {
			text += ` AND ` + c.column + ` = ?`
			args = append(args, c.value)
		}
	}
	if !f.Alive.IsZero() {
		// As Token.Ended has it.
		text += ` AND EXISTS (SELECT 1 FROM tokens t WHERE t.session_id = s.id
			AND (t.expires IS NULL OR t.expires > ?) AND (t.idle IS NULL OR t.last_used + t.idle >= ?))`
		args = append(args, micros(f.Alive), micros(f.Alive))
	}
	return text, args
}

// Sessions lists sessions with their tokens in the order of their ids, which is
// that of their beginning.
func (s *Store) Sessions(ctx context.Context, f SessionFilter) (list []Session, err error) {
	where, args := f.where()
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT `+sessionColumns+sessionsFrom+where+` ORDER BY s.id LIMIT ?`, append(args, f.Limit)...)
		if err != nil {
			return err
		}
		if list, err = collect(rows, scanSession); err != nil {
			return err
		}
		for i := range list {
			rows, err := tx.QueryContext(ctx, `SELECT `+tokenColumns+tokensFrom+`WHERE t.session_id = ? ORDER BY t.id`, list[i].ID)
			if err != nil {
				return err
			}
			if list[i].Tokens, err = collect(rows, scanToken); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// EndSessions removes all sessions that the filter names, and reports how many
// there were. A filter that names nothing is an error: it would end all.
func (c *Change) EndSessions(f SessionFilter) (int, error) {
	if f.ID == "" && f.UserID == "" && f.KeyID == "" {
		return 0, errors.New("sessions to end must be named")
	}
	where, args := f.where()
	return c.endSessions(`SELECT s.id FROM sessions s `+where, args...)
}

// EndOldestSessions removes the oldest sessions that come from a key until keep
// are left; if keyID is empty, those of the user that come from none.
func (c *Change) EndOldestSessions(userID, keyID string, keep int) (int, error) {
	// With IS NULL the index of the keys could be taken, and the sessions of all
	// users be read.
	of, id := `user_id = ? AND COALESCE(key_id, '') = ''`, userID
	if keyID != "" {
		of, id = `key_id = ?`, keyID
	}
	return c.endSessions(`SELECT id FROM sessions WHERE `+of+` AND id NOT IN (
		SELECT id FROM sessions WHERE `+of+` ORDER BY id DESC LIMIT ?)`, id, id, keep)
}

func (c *Change) endSessions(which string, args ...any) (int, error) {
	ids, err := c.texts(which, args...)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := c.endSession(id); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

func (c *Change) endSession(id string) error {
	if err := c.endTokens(`SELECT id FROM tokens WHERE session_id = ?`, id); err != nil {
		return err
	}
	_, err := c.tx.ExecContext(c.ctx, `DELETE FROM sessions WHERE id = ?`, id)
	return err
}

func (c *Change) endTokens(which string, args ...any) error {
	ids, err := c.texts(which, args...)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := c.tx.ExecContext(c.ctx, `DELETE FROM tokens WHERE id = ?`, id); err != nil {
			return err
		}
		if err := c.changed(tokenChange, id); err != nil {
			return err
		}
	}
	return nil
}

// CapTokens lets the tokens that came from a key live no longer than until.
func (c *Change) CapTokens(keyID string, until time.Time) error {
	ids, err := c.texts(`SELECT t.id FROM tokens t JOIN sessions s ON s.id = t.session_id
		WHERE s.key_id = ? AND (t.expires IS NULL OR t.expires > ?)`, keyID, micros(until))
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := c.tx.ExecContext(c.ctx, `UPDATE tokens SET expires = ? WHERE id = ?`, micros(until), id); err != nil {
			return err
		}
		if err := c.changed(tokenChange, id); err != nil {
			return err
		}
	}
	return nil
}

// SweepSessions removes up to limit tokens that have expired, or lain idle for
// too long, before now, and the sessions that have none left.
func (c *Change) SweepSessions(now time.Time, limit int) error {
	err := c.endTokens(`SELECT id FROM tokens WHERE expires < ? OR last_used + idle < ? LIMIT ?`, micros(now), micros(now), limit)
	if err != nil {
		return fmt.Errorf("removing expired tokens: %w", err)
	}
	_, err = c.tx.ExecContext(c.ctx, `DELETE FROM sessions WHERE NOT EXISTS (SELECT 1 FROM tokens t WHERE t.session_id = sessions.id)`)
	return err
}

// CapUses makes the last use of each token no later than now, for when the clock
// was set back. It is not a change of the tokens and takes no number.
func (c *Change) CapUses(now time.Time) error {
	_, err := c.tx.ExecContext(c.ctx, `UPDATE tokens SET last_used = ? WHERE last_used > ?`, micros(now), micros(now))
	return err
}

// texts reads a query's only column.
func (c *Change) texts(query string, args ...any) ([]string, error) {
	rows, err := c.tx.QueryContext(c.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row) (text string, err error) { return text, r.Scan(&text) })
}

// MarkTokensUsed is MarkUsed for tokens.
func (s *Store) MarkTokensUsed(ctx context.Context, used map[credential.KeyID]time.Time) error {
	return s.markUsed(ctx, "tokens", used)
}
