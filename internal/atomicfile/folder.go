package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder looks at the folder that a file is to be made in, and whether one may enter
// it. Where it is missing the error is fs.ErrNotExist, names it and ends with how to
// make it: nobody but its owner should see into one of secrets, so that it is not made
// by the way. Where one may not enter it the error is fs.ErrPermission.
func Folder(path string) (fs.FileInfo, error) {
	dir := filepath.Dir(path)
	// The dot is looked up in the folder, for which one must be able to enter it.
	info, err := os.Stat(dir + string(filepath.Separator) + ".")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the folder '%s': %w; make it by `install -d -m 0700 '%s'`", dir, fs.ErrNotExist, dir)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the folder '%s' cannot be entered: %w; run the command as a user who may, such as root, or name another one", dir, fs.ErrPermission)
	}
	return info, err
}
