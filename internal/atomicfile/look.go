package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// ErrForeignLink: on the path is a symbolic link of somebody who is neither root nor
// the user of this process. It may lead to a file that he must not have.
var ErrForeignLink = errors.New("it is a symbolic link of another user, who can lead it to any file; name the file itself, or make the link root's by `chown -h root`")

// Look says what file is at a path, as os.Stat does, but refuses with
// ErrForeignLink to follow a link that is not root's or our own, whether it is the
// last part of the path or a folder before it. It is for work in somebody else's
// directory. What was looked at has to be held against what is opened or replaced
// afterwards.
func Look(path string) (fs.FileInfo, error) { return LookAs(os.Geteuid(), path) }

// LookAs is Look for a process of another user.
func LookAs(uid int, path string) (fs.FileInfo, error) {
	_, info, err := Walk(path, linksOf(0, uid))
	return info, err
}

// Locate is Look, and says where the file is, without links.
func Locate(path string) (where string, info fs.FileInfo, err error) { return Walk(path, ours()) }

// OpenTrusted is OpenRegular with the links that Look follows. A file that is put
// there at the wrong moment is ErrReplaced.
func OpenTrusted(path string) (*os.File, fs.FileInfo, error) {
	end, where, err := walk(path, ours())
	if err != nil {
		return nil, nil, err
	}
	// As long as it is held no other file has its number.
	defer end.close()
	if !end.info.Mode().IsRegular() {
		return nil, nil, ErrNotRegular
	}
	file, info, err := OpenRegular(where)
	if err == nil && !os.SameFile(info, end.info) {
		return nil, nil, errors.Join(ErrReplaced, file.Close())
	}
	return file, info, err
}

// OpenFolder opens a directory with the links that Look follows, to work below it,
// and says where it is, without links. All else is ErrNotFolder, and what is put
// there at the wrong moment ErrReplaced.
func OpenFolder(path string) (root *os.Root, where string, err error) {
	end, where, err := walk(path, ours())
	if err != nil {
		return nil, "", err
	}
	defer end.close()
	if !end.info.IsDir() {
		return nil, "", ErrNotFolder
	}
	// With the dot a pipe is not waited for.
	root, err = os.OpenRoot(where + string(filepath.Separator) + ".")
	if err != nil {
		return nil, "", err
	}
	info, err := root.Stat(".")
	if err == nil && !os.SameFile(info, end.info) {
		err = ErrReplaced
	}
	if err != nil {
		return nil, "", errors.Join(err, root.Close())
	}
	return root, where, nil
}

func ours() func(string, fs.FileInfo) error { return linksOf(0, os.Geteuid()) }

// linksOf refuses the links of all but some users.
func linksOf(uids ...int) func(string, fs.FileInfo) error {
	return func(_ string, info fs.FileInfo) error {
		if uid, known := owner(info); known && info.Mode()&fs.ModeSymlink != 0 && !slices.Contains(uids, uid) {
			return ErrForeignLink
		}
		return nil
	}
}
