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
	// peppers are those of the pepper file and those to add.
	peppers *credential.Peppers
	more    bool
	// was is the pepper file that they were read from; nil if there was none.
	was fs.FileInfo
	// replaced is the number of the last change in the store that is replaced.
	replaced int64
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
	if err := has(r.peppers, &r.backup.Backup); err != nil {
		return fmt.Errorf("backup '%s': pepper file '%s' %w; name the copy of the pepper with --pepper", file, r.config.pepperFile(), err)
	}
	return nil
}

// gather reads the pepper files: the store's, if it is there, and the one that is
// named besides, if any.
func (r *Restore) gather(pepperFile string) (err error) {
	r.peppers, r.was, err = readPeppers(r.config.pepperFile())
	if errors.Is(err, fs.ErrNotExist) {
		r.peppers, err = &credential.Peppers{}, nil
	}
	if err != nil || pepperFile == "" {
		return err
	}
	added, err := ReadPeppers(pepperFile)
	if err != nil {
		return err
	}
	order, err := r.union(added)
	if err != nil {
		return fmt.Errorf("the peppers of '%s' cannot be added to pepper file '%s': %w; take out those that no store needs", pepperFile, r.config.pepperFile(), err)
	}
	r.more = len(order) > len(r.peppers.Fingerprints())
	if r.more {
		r.peppers, err = listed(order)
	}
	return err
}

// union is in which order the peppers of both files become one: first those that the
// backup needs, since those are the store's then, and what else is in the pepper
// file before what is added. The error is credential.ErrManyPeppers.
func (r *Restore) union(added *credential.Peppers) (order []*credential.Pepper, err error) {
	put := func(file *credential.Peppers, print string) {
		p := file.Find(print)
		same := func(other *credential.Pepper) bool { return other.Fingerprint() == print }
		if p != nil && !slices.ContainsFunc(order, same) {
			order = append(order, p)
		}
	}
	for _, p := range r.backup.Backup.Peppers {
		put(r.peppers, p.Fingerprint)
		put(added, p.Fingerprint)
	}
	for _, file := range []*credential.Peppers{r.peppers, added} {
		for _, print := range file.Fingerprints() {
			put(file, print)
		}
	}
	if len(order) > credential.MaxPeppers {
		return nil, credential.ErrManyPeppers
	}
	return order, nil
}

// Backup says what is in the backup.
func (r *Restore) Backup() store.Summary { return r.backup.Backup }

// Compare holds the backup against the store that it is to replace. The error is
// store.ErrNoStore if there is none, store.ErrDamaged if it cannot be read.
func (r *Restore) Compare(ctx context.Context) (store.Comparison, error) {
	c, err := r.backup.Compare(ctx, r.config.Location)
	r.found, r.replaced = err, c.Now.Number
	return c, err
}

// Apply puts the backup in place: of the content of a store that can be read, which
// may be in use; of the files of one that cannot, which get other names and are
// returned; or where there is none. Which of these, Compare has found out. Peppers
// are added to the pepper file first.
func (r *Restore) Apply(ctx context.Context, actor string) (aside []string, err error) {
	replace := r.found == nil
	if !replace && !errors.Is(r.found, store.ErrNoStore) && !errors.Is(r.found, store.ErrDamaged) {
		return nil, r.found
	}
	if err := r.writePeppers(ctx); err != nil {
		return nil, err
	}
	if err := r.seal(ctx, actor); err != nil {
		return nil, err
	}
	if replace {
		return nil, r.backup.Replace(ctx, r.config.Location)
	}
	if aside, err = store.SetAside(r.config.Location, r.config.Now()); err != nil {
		return aside, err
	}
	return aside, r.backup.Place(ctx, r.config.Location)
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
	return r.backup.Seal(ctx, history.String(), r.replaced, &store.Event{
		ID: id.String(), Time: r.config.Now(), Kind: "store.restore", Outcome: "ok", Actor: actor, Detail: detail,
	})
}

// writePeppers adds peppers to the pepper file, or makes it. Whoever writes it holds
// the store's one turn to write, where there is a store.
func (r *Restore) writePeppers(ctx context.Context) (err error) {
	if !r.more {
		return nil
	}
	if r.found != nil {
		return r.writePepperFile()
	}
	s, err := store.OpenAsItIs(ctx, r.config.Location, r.config.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Change(ctx, func(*store.Change) error { return r.writePepperFile() })
}

func (r *Restore) writePepperFile() (err error) {
	path, text := r.config.pepperFile(), []byte(r.peppers.Text().Reveal())
	if r.was == nil {
		err = atomicfile.WriteNew(path, text)
	} else {
		err = atomicfile.Replace(path, text, r.was)
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
