package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// TempFolder is a folder for files that nobody needs when the work on them is done. It
// is locked as long as the process works on it, so that one that a killed process has
// left is known.
type TempFolder struct {
	// Path is where it is, below the folder for temporary files.
	Path string
	lock *os.File
}

// NewTempFolder makes a folder with mode 0700, whose name has the prefix. Those of the
// same prefix that killed processes of this user have left are removed first.
func NewTempFolder(prefix string) (*TempFolder, error) {
	// What cannot be removed costs room only, and the next call tries it again.
	_ = sweepFolders(os.TempDir(), prefix, time.Now())
	path, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	t := &TempFolder{Path: path}
	if t.lock, err = os.Open(path); err == nil {
		err = tryLock(t.lock)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking '%s': %w", path, err), t.Remove())
	}
	return t, nil
}

// Remove removes the folder with all that is in it.
func (t *TempFolder) Remove() error {
	// Where there is no flock an open folder might not be removed.
	if t.lock != nil {
		_ = t.lock.Close()
	}
	return os.RemoveAll(t.Path)
}

// sweepFolders removes the folders that nobody works on any more.
func sweepFolders(dir, prefix string, now time.Time) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if entry.IsDir() && strings.HasPrefix(entry.Name(), prefix) {
			errs = append(errs, removeFolderIfLeft(root, entry.Name(), now))
		}
	}
	return errors.Join(errs...)
}

func removeFolderIfLeft(root *os.Root, name string, now time.Time) error {
	folder, info, err := OpenFolderIn(root, name)
	if err != nil {
		// It is somebody else's, or gone.
		return nil
	}
	defer folder.Close()
	if !ownedByUs(info) || now.Sub(info.ModTime()) < leftAfter || tryLock(folder) != nil {
		return nil
	}
	// A link that somebody has put in its place is removed itself.
	return root.RemoveAll(name)
}
