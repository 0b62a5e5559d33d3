//go:build unix

package intelmqsetup

import (
	"io/fs"
	"syscall"
)

// owner is to whom a file belongs. hard is true if it has other names too.
func owner(info fs.FileInfo) (uid, gid int, hard bool) {
	of, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, -1, false
	}
	return int(of.Uid), int(of.Gid), of.Nlink > 1
}

func access(path string, bits fs.FileMode) error { return syscall.Access(path, uint32(bits)) }
