package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// largePrefix begins the names of drafts of large files; random letters and digits
// follow.
const largePrefix = ".large-"

// leftAfter is how long a draft of a large file has lain untouched before it may be
// one that was left: its writer locks it a moment after it has made it.
const leftAfter = time.Minute

// WriteNewLarge is WriteNew for a file that is too large to be held in memory. fill
// writes the content; accept is asked about the draft, which is on disk under
// another name. On the error of either there is no new file. A draft that a killed
// process has left in the directory is removed first.
func WriteNewLarge(path string, fill func(io.Writer) error, accept func(draft string) error) (err error) {
	dir, name := filepath.Split(path)
	dir = filepath.Clean(dir)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := sweepLarge(root, time.Now()); err != nil {
		return err
	}
	return writeDraft(root, largePrefix,
		func(d *draft) error { return tryLock(d.file) },
		(*draft).own,
		func(d *draft) error { return fill(d.file) },
		func(d *draft) error { return d.file.Sync() },
		func(d *draft) error { return accept(filepath.Join(dir, d.name)) },
		(*draft).settle,
		func(d *draft) error { return root.Link(d.name, name) })
}

// sweepLarge removes the drafts of large files that nobody writes any more.
func sweepLarge(root *os.Root, now time.Time) error {
	files, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, file := range files {
		if !file.Type().IsRegular() || !isDraft(largePrefix, file.Name()) {
			continue
		}
		if err := removeIfLeft(root, file.Name(), now); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func removeIfLeft(root *os.Root, name string, now time.Time) error {
	file, info, err := OpenRegularIn(root, name)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, ErrNotRegular) {
		// It is somebody else's.
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	if now.Sub(info.ModTime()) < leftAfter || tryLock(file) != nil {
		return nil
	}
	return root.Remove(name)
}
