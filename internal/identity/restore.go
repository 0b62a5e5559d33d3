package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/credential"
	"github.com/sallyport/sallyport/internal/store"
)

// Restore is a backup that has passed all checks and may be put in place of a store.
type Restore struct {
	backup *store.Restore
	config Config
	// peppers are those of the pepper file and, before them, those of the file that is
	// named besides, whose fingerprints are added.
	peppers *credential.Peppers
	added   []string
	// newest is the fingerprint of the newest pepper of the store that is replaced, or
	// of the pepper file where that cannot be read; empty if there was neither.
	newest string
	// replaced is what was in the store when Compare saw it.
	replaced store.Summary
	// found is how Compare has ended.
	found error
}

// NewRestore checks a backup: all of the database, each record as loading does, and
// that the peppers it needs are in the store's pepper file, or in the one that is
// named besides. Nothing is changed. It must be closed.
func NewRestore(ctx context.Context, c Config, file, pepperFile string) (r *Restore, err error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	r = &Restore{config: c, found: store.ErrNoStore}
	if r.backup, err = store.NewRestore(ctx, file, c.Now); err != nil {
		return nil, err
	}
	if err := r.check(ctx, file, pepperFile); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Restore) check(ctx context.Context, file, pepperFile string) error {
	refused, err := unsound(ctx, r.backup.Store())
	if err != nil {
		return err
	}
	if len(refused) > 0 {
		return fmt.Errorf("backup '%s' has records that this program does not write; use an older one: %s", file, store.FirstOf(refused))
	}
	if err := r.gather(pepperFile); err != nil {
		return err
	}
	err = has(r.peppers, &r.backup.Backup)
	switch path := r.config.pepperFile(); {
	case err == nil:
		return nil
	case len(r.peppers.Fingerprints()) == 0:
		return fmt.Errorf("backup '%s': pepper file '%s': %w; name the copy of the pepper with --pepper", file, path, fs.ErrNotExist)
	case pepperFile != "":
		return fmt.Errorf("backup '%s': the file '%s' %w; name the copy of the pepper that belongs to the backup", file, pepperFile, err)
	default:
		return fmt.Errorf("backup '%s': pepper file '%s' %w; name the copy of the pepper with --pepper", file, path, err)
	}
}

// gather reads the pepper files: the store's, if it is there, and the one that is
// named besides, if any.
func (r *Restore) gather(pepperFile string) (err error) {
	var was fs.FileInfo
	if r.peppers, was, err = readPeppersIfThere(r.config.pepperFile()); err != nil {
		return err
	}
	if was != nil {
		r.newest = r.peppers.Newest().Fingerprint()
	}
	if pepperFile == "" {
		return nil
	}
	added, err := ReadPeppers(pepperFile)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("'%s': %w; name the copy of the pepper that belongs to the backup", pepperFile, fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	r.added = added.Fingerprints()
	if r.peppers, err = withPeppers(r.peppers, added, r.added); err != nil {
		return fmt.Errorf("the peppers of '%s' cannot be added to pepper file '%s': %w; take out those that no store needs", pepperFile, r.config.pepperFile(), err)
	}
	return nil
}

// readPeppersIfThere is readPeppers for a file that may be missing: then there are no
// peppers, and no file.
func readPeppersIfThere(path string) (*credential.Peppers, fs.FileInfo, error) {
	peppers, info, err := readPeppers(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &credential.Peppers{}, nil, nil
	}
	return peppers, info, err
}

// withPeppers are the peppers of a file and, before them, those of the given
// fingerprints that it lacks, as another file has them.
func withPeppers(file, more *credential.Peppers, fingerprints []string) (_ *credential.Peppers, err error) {
	// The newest of them becomes the first, and so is the last to be added.
	prints := more.Fingerprints()
	slices.Reverse(prints)
	for _, print := range prints {
		if !slices.Contains(fingerprints, print) || file.Find(print) != nil {
			continue
		}
		if file, err = file.With(more.Find(print)); err != nil {
			return nil, err
		}
	}
	return file, nil
}

// Backup says what is in the backup.
func (r *Restore) Backup() store.Summary { return r.backup.Backup }

// Compare holds the backup against the store that it is to replace. The error is
// store.ErrNoStore if there is none, store.ErrDamaged if it cannot be read.
func (r *Restore) Compare(ctx context.Context) (store.Comparison, error) {
	c, err := r.backup.Compare(ctx, r.config.Location)
	r.found, r.replaced = err, c.Now
	if len(c.Now.Peppers) > 0 {
		r.newest = c.Now.Peppers[0].Fingerprint
	}
	return c, err
}

// PepperAgain is the fingerprint of the pepper that new secrets come under by the
// restore, where that is another than before; empty if it stays. Compare has to
// come first.
func (r *Restore) PepperAgain() string {
	if p := r.backup.Backup.Peppers; r.newest != "" && len(p) > 0 && p[0].Fingerprint != r.newest {
		return p[0].Fingerprint
	}
	return ""
}

// Applied is what Apply has done besides, even if it ends with an error.
type Applied struct {
	// Aside are the files of a store that could not be read, under their new names.
	Aside []string
	// Later is what the store was when it was replaced, if that is not what Compare
	// saw: somebody has changed it since.
	Later *store.Comparison
}

// Apply puts the backup in place: of the content of a store that can be read, which
// may be in use; of the files of one that cannot, which get other names; or where
// there is none. Which of these, Compare has found out. The pepper file gets what it
// lacks of the peppers first.
func (r *Restore) Apply(ctx context.Context, actor string) (done Applied, err error) {
	if r.found != nil && !errors.Is(r.found, store.ErrNoStore) && !errors.Is(r.found, store.ErrDamaged) {
		return done, r.found
	}
	for _, path := range []string{r.config.Location.Path, r.config.pepperFile()} {
		_, err := atomicfile.Folder(path)
		if errors.Is(err, fs.ErrNotExist) {
			return done, fmt.Errorf("%w, owned by the server's user", err)
		}
		if err != nil {
			return done, err
		}
	}
	if err := r.seal(ctx, actor); err != nil {
		return done, err
	}
	if r.found == nil {
		err = r.backup.Replace(ctx, r.config.Location, func(now *store.Summary) error {
			if now.Number != r.replaced.Number || now.History != r.replaced.History {
				later, err := r.backup.Compare(ctx, r.config.Location)
				if err != nil {
					return err
				}
				done.Later = &later
			}
			return r.keepPeppers()
		})
		return done, err
	}
	err = r.backup.Place(ctx, r.config.Location, func() (err error) {
		if err = r.keepPeppers(); err == nil {
			done.Aside, err = store.SetAside(r.config.Location, r.config.Now())
		}
		return err
	})
	return done, err
}

// seal begins the new history.
func (r *Restore) seal(ctx context.Context, actor string) error {
	id, err := uuid.NewV7FromReader(r.config.Random)
	if err != nil {
		return fmt.Errorf("making an id: %w", err)
	}
	history, err := uuid.NewRandomFromReader(r.config.Random)
	if err != nil {
		return fmt.Errorf("making an id: %w", err)
	}
	detail := fmt.Sprintf("backup of %s, change %d", r.backup.Backup.Latest.Format(time.RFC3339), r.backup.Backup.Number)
	return r.backup.Seal(ctx, history.String(), &r.replaced, &store.Event{
		ID: id.String(), Time: r.config.Now(), Kind: "store.restore", Outcome: "ok", Actor: actor, Detail: detail,
	})
}

// keepPeppers adds to the pepper file what it lacks: those of the file that is named
// besides, and those that the backup needs, since they may have been retired after
// they were looked for. Whoever writes it holds the store's one turn to write, where
// there is a store.
func (r *Restore) keepPeppers() error {
	path := r.config.pepperFile()
	file, was, err := readPeppersIfThere(path)
	if err != nil {
		return err
	}
	wanted := slices.Clone(r.added)
	for _, p := range r.backup.Backup.Peppers {
		wanted = append(wanted, p.Fingerprint)
	}
	next, err := withPeppers(file, r.peppers, wanted)
	if err == nil && len(next.Fingerprints()) > len(file.Fingerprints()) {
		if was == nil {
			err = atomicfile.WriteNew(path, fileOf(next))
		} else {
			err = atomicfile.Replace(path, fileOf(next), was)
		}
	}
	if err != nil {
		return fmt.Errorf("pepper file '%s' cannot be changed: %w", path, err)
	}
	return nil
}

// Close removes what was made to look at. A nil Restore may be closed.
func (r *Restore) Close() error {
	if r == nil {
		return nil
	}
	return r.backup.Close()
}
