package atomicfile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// draft is a file under a temporary name, in a directory that is open.
type draft struct {
	root *os.Root
	file *os.File
	name string
}

// write writes a file in a directory that it opens.
func write(dir string, content []byte, steps ...func(*draft) error) (err error) {
	// Without a directory the path is in the current one.
	root, err := os.OpenRoot(filepath.Clean(dir))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	return writeIn(root, content, steps...)
}

// writeIn writes a draft into a directory, takes the steps with it, the last of
// which gives it its name, and makes that name last.
func writeIn(root *os.Root, content []byte, steps ...func(*draft) error) error {
	fill := func(d *draft) error {
		_, err := d.file.Write(content)
		return err
	}
	return writeDraft(root, prefix, append([]func(*draft) error{fill}, steps...)...)
}

// writeDraft makes a draft and takes the steps with it, those that write it among
// them.
func writeDraft(root *os.Root, prefix string, steps ...func(*draft) error) (err error) {
	name := prefix + rand.Text()
	// Exclusive, so that no link that is there already is followed.
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	d := &draft{root, file, name}
	defer func() { err = errors.Join(err, d.discard()) }()
	for _, step := range steps {
		if err := step(d); err != nil {
			return err
		}
	}
	return d.syncDir()
}

// settle puts the draft on disk and closes it, since not every system moves open
// files.
func (d *draft) settle() error {
	written, err := d.file.Stat()
	if err != nil {
		return err
	}
	if err := errors.Join(d.file.Sync(), d.file.Close()); err != nil {
		return err
	}
	return d.expect(d.name, written)
}

// expect gives ErrReplaced if the name is not that of this file, but of another
// one or of a link.
func (d *draft) expect(name string, file fs.FileInfo) error {
	there, err := d.root.Lstat(name)
	if err != nil {
		return err
	}
	if !os.SameFile(there, file) {
		return ErrReplaced
	}
	return nil
}

// syncDir makes new names in the directory last.
func (d *draft) syncDir() error {
	dir, err := d.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// discard gives the temporary name back. After a rename it is gone already.
func (d *draft) discard() error {
	// After an error it may still be open.
	if err := d.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	if err := d.root.Remove(d.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
