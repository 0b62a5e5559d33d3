//go:build !unix

package atomicfile

import (
	"io/fs"
	"os"
)

// own does nothing where files have no Unix owner.
func (*draft) own() error { return nil }

// imitate gives file the mode of like.
func imitate(file *os.File, like fs.FileInfo) error { return file.Chmod(like.Mode().Perm()) }

// resemble gives file the mode of like.
func resemble(file *os.File, like fs.FileInfo) error { return imitate(file, like) }

// ownedByUs is false, since it is not known.
func ownedByUs(fs.FileInfo) bool { return false }
