package store

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/internal/credential"
)

// Move brings a secret that was presented under a newer pepper.
type Move struct {
	// ID is that of the key, or of the token.
	ID credential.KeyID
	// Token is true for a token, which gets a new id.
	Token bool
	// Old is the verifier it has, New the one under the pepper of number Pepper.
	Old, New credential.Verifier
	Pepper   int64
	// Used is when it was presented.
	Used time.Time
}

// MoveVerifier makes a move. One that is no longer right is skipped: the secret
// was changed or has ended, or the pepper was removed.
func (c *Change) MoveVerifier(m *Move) error {
	if m.Token {
		return c.moveToken(m)
	}
	for _, columns := range [][2]string{{"verifier", "pepper_id"}, {"previous_verifier", "previous_pepper_id"}} {
		moved, err := c.affected(`UPDATE api_keys SET `+columns[0]+` = ?, `+columns[1]+` = ? WHERE id = ? AND `+columns[0]+` = ? `+pepperThere,
			m.New[:], m.Pepper, m.ID.String(), m.Old[:], m.Pepper)
		if err != nil {
			return fmt.Errorf("moving key %s: %w", m.ID, err)
		}
		if moved {
			return c.changed(keyChange, m.ID.String())
		}
	}
	return nil
}

const pepperThere = `AND EXISTS (SELECT 1 FROM peppers WHERE id = ?)`

func (c *Change) moveToken(m *Move) error {
	id := m.New.ID().String()
	moved, err := c.affected(`UPDATE tokens SET id = ?, former_id = id, verifier = ?, pepper_id = ?, last_used = MAX(last_used, ?)
		WHERE id = ? AND verifier = ? `+pepperThere,
		id, m.New[:], m.Pepper, micros(m.Used), m.ID.String(), m.Old[:], m.Pepper)
	if err != nil {
		return fmt.Errorf("moving token %s: %w", m.ID, err)
	}
	if !moved {
		return nil
	}
	if err := c.changed(tokenChange, m.ID.String()); err != nil {
		return err
	}
	return c.changed(tokenChange, id)
}

// affected reports whether a statement has changed anything.
func (c *Change) affected(statement string, args ...any) (bool, error) {
	result, err := c.tx.ExecContext(c.ctx, statement, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}
