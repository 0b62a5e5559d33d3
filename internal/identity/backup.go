package identity

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// Backup writes the store into a new file, and says what is in it. The peppers are
// written into a file of their own if pepperFile names one, which must not be there
// yet, and not in the folder of the backup: a thief needs both.
func Backup(ctx context.Context, c Config, file, pepperFile string) (store.Summary, error) {
	if file == "-" || pepperFile == "-" {
		return store.Summary{}, invalid("a backup is written into a file, which is checked before it has its name; name one")
	}
	if file == "" {
		return store.Summary{}, invalid("the name of the backup is empty; name a file that is not there yet")
	}
	if pepperFile == "" {
		return store.Backup(ctx, c.Location, file)
	}
	if err := apart(file, pepperFile); err != nil {
		return store.Summary{}, err
	}
	peppers, err := ReadPeppers(c.pepperFile())
	if err != nil {
		return store.Summary{}, err
	}
	summary, err := store.Backup(ctx, c.Location, file)
	if err != nil {
		return summary, err
	}
	if err := has(peppers, &summary); err != nil {
		return summary, fmt.Errorf("the backup '%s' is made, but pepper file '%s' %w", file, c.pepperFile(), err)
	}
	if err := atomicfile.WriteNew(pepperFile, []byte(peppers.Text().Reveal())); err != nil {
		return summary, fmt.Errorf("the backup '%s' is made, but not the copy of the pepper: %w", file, err)
	}
	return summary, nil
}

// apart refuses to write the pepper beside the backup, or over something.
func apart(file, pepperFile string) error {
	backups, err := atomicfile.Folder(file)
	if err != nil {
		return err
	}
	peppers, err := atomicfile.Folder(pepperFile)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(pepperFile); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fmt.Errorf("'%s': %w; a copy of the pepper replaces nothing, so name a file that is not there yet", pepperFile, fs.ErrExist)
		}
		return err
	}
	if os.SameFile(backups, peppers) {
		return invalid("the pepper must not lie beside the backup, since a thief needs both; name a file in another folder, better on another machine")
	}
	return nil
}

// pepperFile is where the pepper is.
func (c *Config) pepperFile() string {
	if c.PepperFile == "" {
		return DefaultPepperFile(c.Location)
	}
	return c.PepperFile
}

// has gives an error if a pepper that a store needs is not among those at hand.
func has(peppers *credential.Peppers, s *store.Summary) error {
	for _, p := range s.Peppers {
		if peppers.Find(p.Fingerprint) == nil {
			return fmt.Errorf("lacks the pepper of fingerprint %s: %w", p.Fingerprint, store.ErrPepper)
		}
	}
	return nil
}
