package atomicfile

import (
	"errors"
	"io/fs"
	"os"
)

// ErrNotRegular: what is at the path is a directory, a pipe or another thing
// that has no content of its own.
var ErrNotRegular = errors.New("it is not a regular file")

// OpenRegular opens a file for reading, and says what it is. It never waits: a
// pipe that somebody has put at the path, at whatever moment, is ErrNotRegular.
func OpenRegular(path string) (*os.File, fs.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// Unchanged reports whether nothing has happened to a file between two looks at
// its path.
func Unchanged(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && a.Mode() == b.Mode()
}
