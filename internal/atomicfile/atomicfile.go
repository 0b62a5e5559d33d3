// Package atomicfile writes files that are there whole and on disk, or not at
// all: the content goes into a temporary file in the same directory, which gets
// its name only after an fsync. What is cut off by a crash is a file with
// another name. What must be a regular file is opened so that a pipe in its
// place is not waited for.
//
// The directory may belong to somebody else than the process: root writes files
// into the directory of the service. Its owner may put a link in place of any
// file in it at any moment. So the directory is opened once, all names are
// looked up in it, and owner and mode are changed on the open file.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrReplaced: the file at the path is not the one that was meant to be
// replaced.
var ErrReplaced = errors.New("another program has put another file in its place")

// WriteNew writes a file that must not be there yet, with mode 0600 and, if we
// are root, the owner of the directory. If another process was faster the error
// is fs.ErrExist.
func WriteNew(path string, content []byte) error {
	dir, name := filepath.Split(path)
	return write(dir, content, (*draft).own, (*draft).settle, func(d *draft) error {
		// A link, unlike a rename, does not replace what another process may have
		// put there meanwhile.
		return d.root.Link(d.name, name)
	})
}

// Replace writes a file in place of the one that was found at path, whose mode,
// owner and group it keeps: whoever may read it must not be locked out by a
// change. If they cannot be kept the old file stays. If another file is there
// by now the error is ErrReplaced: a symbolic link that was put there must not
// lead to a file that nobody meant. A path that was a symbolic link stays one;
// the file that it leads to is replaced.
func Replace(path string, content []byte, was fs.FileInfo) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	dir, name := filepath.Split(path)
	return write(dir, content, replacing(name, was, func() error { return nil })...)
}

// ReplaceIn is Replace in a directory that is open. A link that has the name is
// ErrReplaced. Once the content is on disk, under another name, ready is called; on
// its error the old file stays.
func ReplaceIn(root *os.Root, name string, content []byte, was fs.FileInfo, ready func() error) error {
	return writeIn(root, content, replacing(name, was, ready)...)
}

// replacing are the steps from a draft to the file.
func replacing(name string, was fs.FileInfo, ready func() error) []func(*draft) error {
	unchanged := func(d *draft) error { return d.expect(name, was) }
	imitate := func(d *draft) error { return imitate(d.file, was) }
	rename := func(d *draft) error { return d.root.Rename(d.name, name) }
	settled := func(*draft) error { return ready() }
	return []func(*draft) error{unchanged, imitate, (*draft).settle, settled, unchanged, rename}
}
