package atomicfile

import (
	"errors"
	"io/fs"
	"os"
)

// ErrForeignLink: the path is a symbolic link of somebody who is neither root nor
// the user of this process. It may lead to a file that he must not have.
var ErrForeignLink = errors.New("it is a symbolic link of another user, who can lead it to any file; name the file itself, or make the link root's by `chown -h root`")

// Look says what file is at a path, as os.Stat does, but refuses with
// ErrForeignLink to follow a link there that is not root's or our own. It is for
// root at work in somebody else's directory. What was looked at has to be held
// against what is opened or replaced afterwards.
func Look(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return info, err
	}
	if !isOurs(info) {
		return nil, ErrForeignLink
	}
	return os.Stat(path)
}
