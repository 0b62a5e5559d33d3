//go:build !unix

package atomicfile

import "io/fs"

// owner is not known where files have no Unix owner.
func owner(fs.FileInfo) (uid int, known bool) { return -1, false }
