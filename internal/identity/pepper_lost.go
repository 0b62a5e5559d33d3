package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// ReplaceLostPepper makes a new pepper for a store whose pepper file is gone, when
// nobody has the store open. Users, passwords, roles, groups and the audit trail stay;
// all keys are revoked and all sessions end, since none can be checked any more. If
// it is broken off, doing it again completes it.
func ReplaceLostPepper(ctx context.Context, c Config, actor string) (lost store.Lost, fingerprint string, err error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	path := c.pepperFile()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fmt.Errorf("pepper file '%s' is there; where it is the store's own nothing is lost, and where it is not, first move it aside: %w", path, fs.ErrExist)
		}
		return lost, "", err
	}
	if err := store.MustBeIdle(c.Location); err != nil {
		return lost, "", err
	}
	pepper, err := credential.NewPepper(c.Random)
	if err != nil {
		return lost, "", err
	}
	id, err := uuid.NewV7FromReader(c.Random)
	if err != nil {
		return lost, "", fmt.Errorf("making an id: %w", err)
	}
	peppers, err := new(credential.Peppers).With(pepper)
	if err != nil {
		return lost, "", err
	}
	event := store.Event{ID: id.String(), Time: c.Now(), Kind: "pepper.replace_lost", Outcome: "ok", Actor: actor}
	// First the store: if the file could not be written the next run makes another
	// pepper. The other way round the file would be there, and not the store's.
	if lost, err = store.ReplaceLostPepper(ctx, c.Location, pepper.Fingerprint(), &event); err != nil {
		return lost, "", err
	}
	if err := atomicfile.WriteNew(path, []byte(peppers.Text().Reveal())); err != nil {
		return lost, "", fmt.Errorf("pepper file '%s' cannot be made: %w; mend that and do it again", path, err)
	}
	return lost, pepper.Fingerprint(), nil
}
