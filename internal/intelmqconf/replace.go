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
	// backup: the old content is kept beside the path.
	backup bool
}

// backupSuffix is what the name of a backup has behind that of the file.
const backupSuffix = ".bak"

// replace puts content in place of a file, keeping owner, group and mode. It is
// whole or not there. Only where the folder takes no new files, or where the owner
// could not be kept, it is written over the old one; the warning says so.
func replace(path string, c change) (warning string, err error) {
	at, err := find(path)
	if err != nil {
		return "", err
	}
	defer at.close()
	if err := at.sweep(); err != nil {
		return "", err
	}
	noBackup := c.keep(at)
	closed := errors.Is(noBackup, fs.ErrPermission) && at.home == at.folder
	if noBackup != nil && !closed {
		return "", noBackup
	}
	// Somebody who does not know of the lock may have an editor open.
	if now, err := atomicfile.Look(path); err != nil {
		return "", fileError(path, err)
	} else if !atomicfile.Unchanged(now, c.was) {
		return "", ErrChanged
	}
	if closed {
		return c.inPlace(at, noBackup)
	}
	switch err := atomicfile.ReplaceIn(at.home, at.name, c.content, c.was); {
	case err == nil:
		return "", nil
	case errors.Is(err, atomicfile.ErrReplaced):
		return "", ErrChanged
	case errors.Is(err, fs.ErrPermission):
		return c.inPlace(at, err)
	default:
		return "", fileError(path, err)
	}
}

// keep writes the old content where it is kept.
func (c *change) keep(at *place) error {
	if !c.backup {
		return nil
	}
	name := filepath.Base(at.path) + backupSuffix
	if err := atomicfile.Put(at.folder, name, c.old, c.was); err != nil {
		return fileError(at.path+backupSuffix, err)
	}
	return nil
}

// inPlace is for where the file cannot be replaced, and why says for which
// reason.
func (c *change) inPlace(at *place, why error) (warning string, err error) {
	if err := c.overwrite(at); errors.Is(err, fs.ErrPermission) {
		if _, told := errors.AsType[*FileError](why); told {
			return "", why
		}
		return "", fileError(at.path, why)
	} else if err != nil {
		return "", fileError(at.path, err)
	}
	return fmt.Sprintf("'%s' was written over in place, where a crash could leave half of it, since it cannot be replaced: %s", at.path, why), nil
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
