package atomicfile

import (
	"io/fs"
	"os"
	"path/filepath"
)

// WriteNewMode is WriteNew for a file that others may use too. The mode does not
// depend on the umask.
func WriteNewMode(path string, content []byte, mode fs.FileMode) error {
	dir, name := filepath.Split(path)
	chmod := func(d *draft) error { return d.file.Chmod(mode.Perm()) }
	return write(dir, content, (*draft).own, chmod, (*draft).settle, func(d *draft) error {
		return d.root.Link(d.name, name)
	})
}

// Put writes a file in place of whatever has its name, if anything: a link is
// replaced, too, and not followed. It is for a copy of another file, like, whose
// owner, group and mode it takes as far as this process may give them. Where it may
// not give the group, the group gets no rights.
func Put(path string, content []byte, like fs.FileInfo) error {
	dir, name := filepath.Split(path)
	resemble := func(d *draft) error { return resemble(d.file, like) }
	return write(dir, content, resemble, (*draft).settle, func(d *draft) error {
		return d.root.Rename(d.name, name)
	})
}

// MakeDir makes a directory if there is none, with the mode of the one above, and
// its owner and group as far as this process may give them. It says what the
// directory is. The one above must be there.
func MakeDir(path string) (fs.FileInfo, error) {
	path = filepath.Clean(path)
	parent, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	// Nobody else may put anything into it before it is as it should be.
	if err := os.Mkdir(path, 0o700); err == nil {
		if err := dress(path, parent); err != nil {
			return nil, err
		}
	} else if info, statErr := os.Stat(path); statErr != nil || !info.IsDir() {
		return nil, err
	}
	return os.Stat(path)
}

// dress gives a directory that was just made the owner, group and mode of another.
func dress(path string, like fs.FileInfo) (err error) {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return resemble(dir, like)
}
