//go:build unix

package atomicfile

import (
	"io/fs"
	"syscall"
)

// owner is the number of the user to whom a file belongs. A file that does not tell
// belongs to nobody.
func owner(info fs.FileInfo) (uid int, known bool) {
	of, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, true
	}
	return int(of.Uid), true
}
