package intelmqconf

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// change is what is to become of a file.
type change struct {
	old, content []byte
	// was is the file that had the old content.
	was fs.FileInfo
	// backup is the path where the old content goes, or empty.
	backup string
}

// replace puts content in place of a file, keeping owner, group and mode. It is
// whole or not there. Only where the folder takes no new files, or where the owner
// could not be kept, it is written over the old one; the warning says so.
func replace(path string, c change) (warning string, err error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", fileError(path, err)
	}
	if err := sweep(path, target); err != nil {
		return "", err
	}
	noBackup := c.keep()
	closed := errors.Is(noBackup, fs.ErrPermission) && filepath.Dir(path) == filepath.Dir(target)
	if noBackup != nil && !closed {
		return "", noBackup
	}
	// Somebody who does not know of the lock may have an editor open.
	if now, err := look(path); err != nil {
		return "", fileError(path, err)
	} else if !atomicfile.Unchanged(now, c.was) {
		return "", ErrChanged
	}
	if closed {
		return c.inPlace(path, target, noBackup)
	}
	switch err := atomicfile.Replace(path, c.content, c.was); {
	case err == nil:
		return "", nil
	case errors.Is(err, atomicfile.ErrReplaced):
		return "", ErrChanged
	case errors.Is(err, fs.ErrPermission):
		return c.inPlace(path, target, err)
	default:
		return "", fileError(path, err)
	}
}

// keep writes the old content where it is kept.
func (c *change) keep() error {
	if c.backup == "" {
		return nil
	}
	if err := atomicfile.Put(c.backup, c.old, c.was); err != nil {
		return fileError(c.backup, err)
	}
	return nil
}

// inPlace is for where the file cannot be replaced, and why says for which
// reason.
func (c *change) inPlace(path, target string, why error) (warning string, err error) {
	if err := c.overwrite(target); errors.Is(err, fs.ErrPermission) {
		if _, told := errors.AsType[*FileError](why); told {
			return "", why
		}
		return "", fileError(path, why)
	} else if err != nil {
		return "", fileError(path, err)
	}
	return fmt.Sprintf("'%s' was written over in place, where a crash could leave half of it, since it cannot be replaced: %s", path, why), nil
}

// sweep removes what saves that were killed have left where the file and its
// backup are.
func sweep(path, target string) error {
	folders := []string{filepath.Dir(path)}
	if folder := filepath.Dir(target); folder != folders[0] {
		folders = append(folders, folder)
	}
	for _, folder := range folders {
		if err := atomicfile.Sweep(folder); err != nil && !errors.Is(err, fs.ErrPermission) {
			return fileError(folder, err)
		}
	}
	return nil
}

// sentences joins what is to be said.
func sentences(said ...string) string {
	var all []string
	for _, s := range said {
		if s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, "; ")
}
