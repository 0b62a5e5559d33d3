//go:build unix

package atomicfile

import (
	"io/fs"
	"os"
	"syscall"
)

// isOurs reports whether a file belongs to root or to the user of this process.
func isOurs(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && (owner.Uid == 0 || int64(owner.Uid) == int64(os.Geteuid()))
}
