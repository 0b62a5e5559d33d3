package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// WriteNewMode is WriteNew in a directory that is open, for a file that others may
// use too. The mode does not depend on the umask.
func WriteNewMode(root *os.Root, name string, content []byte, mode fs.FileMode) error {
	chmod := func(d *draft) error { return d.file.Chmod(mode.Perm()) }
	return writeIn(root, content, (*draft).own, chmod, (*draft).settle, func(d *draft) error {
		return d.root.Link(d.name, name)
	})
}

// Put writes a file in place of whatever has its name in a directory, if anything: a
// link is replaced, too, and not followed. It is for a copy of another file, like,
// whose owner, group and mode it takes as far as this process may give them. Where
// it may not give the group, the group gets no rights. Once the content is on disk,
// under another name, ready is called; on its error what has the name stays.
func Put(root *os.Root, name string, content []byte, like fs.FileInfo, ready func() error) error {
	resemble := func(d *draft) error { return resemble(d.file, like) }
	return writeIn(root, content, resemble, (*draft).settle, func(d *draft) error {
		if err := ready(); err != nil {
			return err
		}
		return d.root.Rename(d.name, name)
	})
}

// MakeDir makes a directory in another one, with its mode, and its owner and group
// as far as this process may give them. If something has the name the error is
// fs.ErrExist.
func MakeDir(root *os.Root, name string) error {
	above, err := root.Stat(".")
	if err != nil {
		return err
	}
	dir, err := NewDir(root, name)
	if err != nil {
		return err
	}
	return errors.Join(resemble(dir, above), dir.Close())
}

// NewDir makes a directory in another one, with mode 0700, and opens it, for its
// owner and mode to be changed. If somebody has put another one in its place the
// error is ErrReplaced, unless that is our own and empty.
func NewDir(root *os.Root, name string) (*os.File, error) {
	// Nobody else may put anything into it before it is as it should be.
	if err := root.Mkdir(name, 0o700); err != nil {
		return nil, err
	}
	return claim(root, name)
}

// claim opens a directory that was just made.
func claim(root *os.Root, name string) (*os.File, error) {
	made, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	dir, info, err := OpenFolderIn(root, name)
	if err != nil {
		return nil, err
	}
	// Who may write in the one above may give another folder of ours the name.
	uid, known := owner(info)
	_, err = dir.Readdirnames(1)
	if !os.SameFile(made, info) || known && uid != os.Geteuid() || !errors.Is(err, io.EOF) {
		return nil, errors.Join(ErrReplaced, dir.Close())
	}
	return dir, nil
}
