// Package atomicfile writes files that are there whole and on disk, or not at
// all: the content goes into a temporary file in the same directory, which gets
// its name only after an fsync. What is cut off by a crash is a file with
// another name.
package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
)

// WriteNew writes a file that must not be there yet, with mode 0600 and, if we
// are root, the owner of the directory. If another process was faster the error
// is fs.ErrExist.
func WriteNew(path string, content []byte) error {
	dir := filepath.Dir(path)
	// A link, unlike a rename, does not replace what another process may have
	// put there meanwhile.
	return write(path, content, func(temporary string) error { return Own(temporary, dir) }, os.Link)
}

// Replace writes a file in place of one that is there, whose mode, owner and
// group it keeps: whoever may read it must not be locked out by a change. If
// they cannot be kept the old file stays. A path that is a symbolic link stays
// one; the file that it leads to is replaced.
func Replace(path string, content []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	like, err := os.Stat(path)
	if err != nil {
		return err
	}
	return write(path, content, func(temporary string) error { return imitate(temporary, like) }, os.Rename)
}

// write writes content under a temporary name, prepares that file, and moves it
// to its path.
func write(path string, content []byte, prepare func(temporary string) error, move func(from, to string) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer func() {
		// After a rename it is gone already.
		if removal := os.Remove(file.Name()); !errors.Is(removal, os.ErrNotExist) {
			err = errors.Join(err, removal)
		}
	}()
	if _, err := file.Write(content); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := prepare(file.Name()); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := move(file.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes new names in a directory last.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
