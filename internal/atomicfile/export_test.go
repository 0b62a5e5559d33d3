package atomicfile

import (
	"io/fs"
	"os"
)

// OwnAfter does what is done to the draft of a new file, after something has
// happened to its name.
func OwnAfter(dir string, happen func(name string)) error {
	return write(dir, nil, after(happen), (*draft).own, (*draft).settle)
}

// ImitateAfter does what is done to the draft for a file that is like another.
func ImitateAfter(dir string, like fs.FileInfo, happen func(name string)) error {
	imitate := func(d *draft) error { return imitate(d.file, like) }
	return write(dir, nil, after(happen), imitate, (*draft).settle)
}

// Claim opens a directory as one that was just made.
func Claim(root *os.Root, name string) (*os.File, error) { return claim(root, name) }

func after(happen func(name string)) func(*draft) error {
	return func(d *draft) error {
		happen(d.name)
		return nil
	}
}
