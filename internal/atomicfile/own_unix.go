//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// own gives the draft the owner and group of its directory, if we are root: a
// file that root makes in the service's directory must belong to the service.
func (d *draft) own() error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := d.root.Stat(".")
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	// By name it would follow a link that the owner of the directory has put in
	// place of the draft, and give him any file of root's.
	return d.file.Chown(int(owner.Uid), int(owner.Gid))
}

// imitate gives file the owner, the group and the mode of like.
func imitate(file *os.File, like fs.FileInfo) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	is, known := info.Sys().(*syscall.Stat_t)
	want, alsoKnown := like.Sys().(*syscall.Stat_t)
	if known && alsoKnown && (is.Uid != want.Uid || is.Gid != want.Gid) {
		if err := file.Chown(int(want.Uid), int(want.Gid)); err != nil {
			return fmt.Errorf("%s: %w", whoKeeps(is, want), err)
		}
	}
	// Last, since a change of owner may take bits away.
	return file.Chmod(like.Mode().Perm())
}

// whoKeeps says who can give a file the owner and the group that are wanted, where
// this process cannot.
func whoKeeps(is, want *syscall.Stat_t) string {
	if is.Uid != want.Uid {
		return fmt.Sprintf("the file belongs to user %d, and only root can keep that; do this as root, or give the file to user %d", want.Uid, is.Uid)
	}
	return fmt.Sprintf("the file belongs to group %d, and only its members can keep that; make user %d one by `usermod -a -G` and restart its service, or give the file another group", want.Gid, is.Uid)
}

// resemble is imitate as far as this process may.
func resemble(file *os.File, like fs.FileInfo) error {
	mode := like.Mode().Perm()
	if want, known := like.Sys().(*syscall.Stat_t); known {
		err := file.Chown(int(want.Uid), int(want.Gid))
		if errors.Is(err, fs.ErrPermission) {
			err = file.Chown(-1, int(want.Gid))
		}
		if errors.Is(err, fs.ErrPermission) {
			mode, err = mode&^0o070, nil
		}
		if err != nil {
			return err
		}
	}
	// It gives what is made in a directory the group of the directory.
	if like.IsDir() {
		mode |= like.Mode() & fs.ModeSetgid
	}
	return file.Chmod(mode)
}

// ownedByUs reports whether a file belongs to the user of this process.
func ownedByUs(info fs.FileInfo) bool {
	owner, known := info.Sys().(*syscall.Stat_t)
	return known && int64(owner.Uid) == int64(os.Geteuid())
}
