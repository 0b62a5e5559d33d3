package atomicfile

import (
	"errors"
	"io/fs"
	"os"
)

// ErrNotFolder: what is at the path is not a directory.
var ErrNotFolder = errors.New("it is not a folder")

// ErrNotRegular: what is at the path is a directory, a pipe or another thing
// that has no content of its own.
var ErrNotRegular = errors.New("it is not a regular file")

// OpenRegular opens a file for reading, and says what it is. It never waits: a
// pipe that somebody has put at the path, at whatever moment, is ErrNotRegular.
func OpenRegular(path string) (*os.File, fs.FileInfo, error) {
	return regular(os.OpenFile(path, os.O_RDONLY|nonBlocking, 0))
}

// OpenRegularIn does the same below an open directory, which no link leads out of.
func OpenRegularIn(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	return regular(root.OpenFile(name, os.O_RDONLY|nonBlocking, 0))
}

// OpenFolderIn opens a directory below an open one, to see what is in it. It never
// waits, as [os.Root.OpenRoot] does for a pipe. All else is ErrNotFolder.
func OpenFolderIn(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|nonBlocking, 0)
	return opened(file, err, fs.FileMode.IsDir, ErrNotFolder)
}

func regular(file *os.File, err error) (*os.File, fs.FileInfo, error) {
	return opened(file, err, fs.FileMode.IsRegular, ErrNotRegular)
}

// opened says what a file is, and closes it if it is not what it has to be.
func opened(file *os.File, err error, is func(fs.FileMode) bool, not error) (*os.File, fs.FileInfo, error) {
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !is(info.Mode()) {
		err = not
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
