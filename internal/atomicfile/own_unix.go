//go:build unix

package atomicfile

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Own gives path the owner and group of like, if we are root: a file that root
// makes in the service's directory must belong to the service.
func Own(path, like string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}

// imitate gives path the owner, the group and the mode of like.
func imitate(path string, like fs.FileInfo) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	is, known := info.Sys().(*syscall.Stat_t)
	want, alsoKnown := like.Sys().(*syscall.Stat_t)
	if known && alsoKnown && (is.Uid != want.Uid || is.Gid != want.Gid) {
		if err := os.Chown(path, int(want.Uid), int(want.Gid)); err != nil {
			return fmt.Errorf("only root can keep the owner %d:%d of the file: %w", want.Uid, want.Gid, err)
		}
	}
	// Last, since a change of owner may take bits away.
	return os.Chmod(path, like.Mode().Perm())
}
