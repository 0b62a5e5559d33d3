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
	switch err := atomicfile.ReplaceIn(at.home, at.name, c.content, c.was, func() error { return c.keep(at) }); {
	case err == nil:
		return "", nil
	case errors.Is(err, atomicfile.ErrReplaced), errors.Is(err, ErrChanged):
		return "", ErrChanged
	case errors.Is(err, fs.ErrPermission):
		return c.inPlace(at, err)
	default:
		return "", fault(path, err)
	}
}

// keep writes the old content where it is kept. What was kept there before goes last,
// when all that is left to do is to give a file its name, so that no save which comes
// to nothing takes it along. Should that name be refused after all, what is kept is
// what the file holds.
func (c *change) keep(at *place) error {
	unchanged := func() error { return c.unchanged(at.path) }
	if !c.backup {
		return unchanged()
	}
	name := filepath.Base(at.path) + backupSuffix
	switch err := atomicfile.Put(at.folder, name, c.old, c.was, unchanged); {
	case err == nil:
		return nil
	case errors.Is(err, ErrChanged):
		return ErrChanged
	default:
		return fault(at.path+backupSuffix, err)
	}
}

// unchanged gives ErrChanged if the file is not as it was: somebody who does not know
// of the lock may have an editor open.
func (c *change) unchanged(path string) error {
	now, err := atomicfile.Look(path)
	if err != nil {
		return fileError(path, err)
	}
	if !atomicfile.Unchanged(now, c.was) {
		return ErrChanged
	}
	return nil
}

// inPlace is for where the file cannot be replaced, and why says for which
// reason. Where the folder takes no new files there is no backup.
func (c *change) inPlace(at *place, why error) (warning string, err error) {
	if err := c.keep(at); errors.Is(err, fs.ErrPermission) && at.home == at.folder {
		why = err
	} else if err != nil {
		return "", err
	}
	if err := c.overwrite(at); errors.Is(err, fs.ErrPermission) {
		return "", fault(at.path, why)
	} else if err != nil {
		return "", fault(at.path, err)
	}
	return fmt.Sprintf("'%s' was written over in place, where a crash could leave half of it, since it cannot be replaced: %s", at.path, why), nil
}

// fault names the file that an error is about, unless it does so itself.
func fault(path string, err error) error {
	if _, told := errors.AsType[*FileError](err); told {
		return err
	}
	return fileError(path, err)
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
