package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// Restore is a backup that may be put in place of a store. It works on a copy in a
// folder of its own, below that for temporary files, which Close removes.
type Restore struct {
	dir  *atomicfile.TempFolder
	copy *Store
	// Backup is what was in the backup before it was brought up to date.
	Backup Summary
}

// NewRestore copies a backup, checks that all of it is sound, and brings the copy
// up to the schema of this program. The backup itself stays as it is.
func NewRestore(ctx context.Context, path string, now func() time.Time) (*Restore, error) {
	dir, err := atomicfile.NewTempFolder("sallyport-restore-")
	if err != nil {
		return nil, fmt.Errorf("a copy of the backup cannot be made: %w", err)
	}
	r := &Restore{dir: dir}
	if err := r.take(ctx, path, now); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// take copies the backup and looks at it.
func (r *Restore) take(ctx context.Context, path string, now func() time.Time) (err error) {
	copied := Location{Engine: "sqlite", Path: filepath.Join(r.dir.Path, "backup.db")}
	if err := copyBackup(ctx, path, copied.Path); err != nil {
		return fmt.Errorf("backup '%s': %w", path, err)
	}
	if r.copy, err = attach(ctx, copied, Options{Now: now}); err != nil {
		return useAnOlder(path, err)
	}
	r.copy.title = "backup '" + path + "'"
	return useAnOlder(path, r.check(ctx))
}

// useAnOlder says what to do where a backup cannot be read.
func useAnOlder(path string, err error) error {
	if sqliteDialect.isDamage(err) {
		return fmt.Errorf("backup '%s' is damaged; use an older one", path)
	}
	return err
}

// check looks for what is wrong with the copy, and upgrades it.
func (r *Restore) check(ctx context.Context) error {
	problems, err := r.copy.Inspect(ctx, func(string) {})
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s is damaged; use an older one: %s", r.copy, problems[0])
	}
	if r.Backup, err = r.copy.Summary(ctx); err != nil {
		return err
	}
	return r.copy.upgrade(ctx, nil)
}

// beginning is that of every SQLite database.
const beginning = "SQLite format 3\x00"

// copyBackup copies the file of a backup into a new one, as one that is alone.
func copyBackup(ctx context.Context, from, to string) (err error) {
	source, info, err := atomicfile.OpenRegular(from)
	if err != nil {
		return err
	}
	defer source.Close()
	if err := beAlone(from); err != nil {
		return err
	}
	head := make([]byte, 100)
	if _, err := io.ReadFull(source, head); err != nil || string(head[:len(beginning)]) != beginning {
		return fmt.Errorf("it has %d bytes and is no SQLite database; name a file that `caddy auth store backup` has made", info.Size())
	}
	setVersion(head, alone)
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if _, err := target.Write(head); err != nil {
		return err
	}
	_, err = io.Copy(target, &interruptible{ctx, source})
	return err
}

// beAlone refuses a database whose last changes lie in a file beside it.
func beAlone(path string) error {
	for _, suffix := range []string{logSuffix, journalSuffix} {
		info, err := os.Stat(path + suffix)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
			continue
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("'%s' is beside it, so that it is no backup but a store that is open or was not closed; make a backup of it by `caddy auth store backup --store sqlite:%s`", path+suffix, path)
	}
	return nil
}

// interruptible reads until its context ends.
type interruptible struct {
	ctx  context.Context
	from io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.from.Read(p)
}

// Store is the copy, to look at. It must not be closed.
func (r *Restore) Store() *Store { return r.copy }

// Seal makes the copy a store of its own: it begins a new history, whose first event
// is the restore. Nobody may take its number for that of a change he has seen, so it
// is greater than all that there are in the store that it replaces, and so are the
// numbers of its peppers.
func (r *Restore) Seal(ctx context.Context, history string, replaced *Summary, event *Event) error {
	return r.copy.Change(ctx, func(c *Change) error {
		if err := c.beginHistory(history, replaced.Number); err != nil {
			return err
		}
		if err := c.numberApart(replaced.Peppers); err != nil {
			return err
		}
		return c.Record(event)
	})
}

// beginHistory makes whoever has a copy in memory load everything anew: the numbers
// go on far after that of the last change he may have seen, and there are none
// between.
func (c *Change) beginHistory(history string, seen int64) error {
	_, err := c.tx.ExecContext(c.ctx, `UPDATE change_counter SET history = ?, number = MAX(number, ?) + ?`, history, seen, keptChanges)
	if err != nil {
		return err
	}
	_, err = c.tx.ExecContext(c.ctx, `DELETE FROM changes`)
	return err
}

// Close removes the copy. A nil Restore may be closed.
func (r *Restore) Close() error {
	if r == nil {
		return nil
	}
	return errors.Join(r.copy.Close(), r.dir.Remove())
}
