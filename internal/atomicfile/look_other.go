//go:build !unix

package atomicfile

import "io/fs"

// isOurs is true of all files where they have no Unix owner.
func isOurs(fs.FileInfo) bool { return true }
