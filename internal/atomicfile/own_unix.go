//go:build unix

package atomicfile

import (
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
			return fmt.Errorf("only root can keep the owner %d:%d of the file: %w", want.Uid, want.Gid, err)
		}
	}
	// Last, since a change of owner may take bits away.
	return file.Chmod(like.Mode().Perm())
}
