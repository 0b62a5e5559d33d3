package botfiles

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

var (
	// ErrNotAllowed: the path is not below the allowed path, or a link leads out of
	// it. Whether there is such a file is not told.
	ErrNotAllowed = errors.New("the path is not below the allowed one")
	// ErrTooLarge: the file, or the listing of the folder, is more than is shown.
	ErrTooLarge = errors.New("it is too large to be shown")
)

// maxFetch bounds a file that is fetched, and the contents of one listing together,
// in bytes.
const maxFetch = 16 << 20

// Files are the files below the allowed path.
type Files struct{ allowed string }

// Open takes the allowed path, which must be absolute. It need not be there yet,
// and may be a link or have links in it, if they are root's or our own: it is looked
// up for each request.
func Open(allowedPath string) (*Files, error) {
	if !filepath.IsAbs(allowedPath) {
		return nil, fmt.Errorf("the allowed path '%s' is relative; write it from the root, such as /opt/intelmq/var/lib/bots/", allowedPath)
	}
	return &Files{filepath.Clean(allowedPath)}, nil
}

// Fetch opens a file that a client asks for. The content is that many bytes as the
// file has now, at most 16 MiB. Besides the errors of this package there are
// fs.ErrNotExist, fs.ErrPermission, and atomicfile.ErrNotRegular for a folder and
// for what has no content. Where a link of another user leads to the allowed path it
// is atomicfile.ErrForeignLink.
func (f *Files) Fetch(path string) (io.ReadCloser, error) {
	t, name, err := f.find(path)
	if err != nil {
		return nil, err
	}
	defer t.close()
	// Opening a device can do something already, so it is looked at first.
	if info, err := t.root.Lstat(name); err != nil {
		return nil, told(err)
	} else if !info.Mode().IsRegular() {
		return nil, atomicfile.ErrNotRegular
	}
	file, info, err := atomicfile.OpenRegularIn(t.root, name)
	if err != nil {
		return nil, told(err)
	}
	if info.Size() > maxFetch {
		return nil, errors.Join(ErrTooLarge, file.Close())
	}
	return content{io.LimitReader(file, info.Size()), file}, nil
}

// content is what a file had when it was opened.
type content struct {
	io.Reader
	io.Closer
}

// find opens the allowed path and looks up in it what a client asks for. The caller
// closes the tree.
func (f *Files) find(path string) (*tree, string, error) {
	if !plain(path) {
		return nil, "", ErrNotAllowed
	}
	t, err := f.open()
	if err != nil {
		return nil, "", err
	}
	name, err := t.find(path)
	if err != nil {
		t.close()
		return nil, "", err
	}
	return t, name, nil
}

// open opens the allowed path, with the links in it resolved. Those of the user whose
// bots write there are refused: he would be shown all that this process can read.
func (f *Files) open() (*tree, error) {
	root, where, err := atomicfile.OpenFolder(f.allowed)
	if errors.Is(err, atomicfile.ErrForeignLink) {
		return nil, fmt.Errorf("the allowed path '%s': %w", f.allowed, err)
	}
	if err != nil {
		return nil, err
	}
	return &tree{root: root, real: where, configured: f.allowed}, nil
}

// told is an error of the open folder in the words of this package.
func told(err error) error {
	cause, ok := errors.AsType[*fs.PathError](err)
	if !ok {
		return err
	}
	number, ok := errors.AsType[syscall.Errno](cause.Err)
	switch {
	case !ok:
		// It was os.Root that has refused: a link that leads out was put there just now.
		return ErrNotAllowed
	case slices.Contains([]syscall.Errno{syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP}, number):
		return &fs.PathError{Op: cause.Op, Path: cause.Path, Err: fs.ErrNotExist}
	}
	return err
}
