//go:build !linux

package atomicfile

import (
	"io/fs"
	"os"
)

// held is a file, a folder or a link by its path.
type held struct {
	path string
	info fs.FileInfo
}

func (held) close() {}

func holdTop(path string) (held, error) { return held{}.child(path, "") }

func (held) child(path, _ string) (held, error) {
	info, err := os.Lstat(path)
	return held{path, info}, err
}

// target is where the link leads.
func (h held) target() (string, error) { return os.Readlink(h.path) }
