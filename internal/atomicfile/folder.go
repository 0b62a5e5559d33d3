package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder looks at the folder that a file is to be made in. Where it is missing the
// error is fs.ErrNotExist, names it and says to make it: nobody but its owner should
// see into one of secrets, so that it is not made by the way.
func Folder(path string) (fs.FileInfo, error) {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the folder '%s' is not there; make it by `install -d -m 0700 '%s'`: %w", dir, dir, fs.ErrNotExist)
	}
	return info, err
}
