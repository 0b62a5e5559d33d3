//go:build !unix

package atomicfile

import (
	"io/fs"
	"os"
)

// Own does nothing where files have no Unix owner.
func Own(string, string) error { return nil }

// imitate gives path the mode of like.
func imitate(path string, like fs.FileInfo) error { return os.Chmod(path, like.Mode().Perm()) }
