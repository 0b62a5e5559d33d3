package intelmqconf

import (
	"errors"
	"os"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// overwrite writes the content into the file that has the old one. What is longer
// than the old is written first: if there is no room for it, the file is as it was.
// It is cut last, so that it is never empty.
func (c *change) overwrite(at *place) (err error) {
	file, err := at.home.OpenFile(at.name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !atomicfile.Unchanged(info, c.was) {
		return ErrChanged
	}
	if err := c.fill(file); err != nil {
		return errors.Join(err, c.restore(file))
	}
	return nil
}

func (c *change) fill(file *os.File) error {
	common := min(len(c.old), len(c.content))
	if _, err := file.WriteAt(c.content[common:], int64(common)); err != nil {
		return err
	}
	if _, err := file.WriteAt(c.content[:common], 0); err != nil {
		return err
	}
	if err := file.Truncate(int64(len(c.content))); err != nil {
		return err
	}
	return file.Sync()
}

// restore puts the old content back.
func (c *change) restore(file *os.File) error {
	_, err := file.WriteAt(c.old, 0)
	return errors.Join(err, file.Truncate(int64(len(c.old))), file.Sync())
}
