package atomicfile

import (
	"io/fs"
	"path/filepath"
)

// Install writes a file with a mode, in place of the one that may be there. It
// belongs to us or, if we are root, to the owner of the directory. accept is asked
// about the draft, which is on disk under another name; on its error the old file
// stays. It is for directories that nobody else may write in: between question and
// answer somebody could change the draft.
func Install(path string, content []byte, mode fs.FileMode, accept func(draft string) error) error {
	dir, name := filepath.Split(path)
	return write(dir, content,
		(*draft).own,
		func(d *draft) error { return d.file.Chmod(mode) },
		(*draft).settle,
		func(d *draft) error { return accept(filepath.Join(dir, d.name)) },
		func(d *draft) error { return d.root.Rename(d.name, name) })
}
