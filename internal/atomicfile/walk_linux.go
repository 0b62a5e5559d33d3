package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// held is a file, a folder or a link that is held by a handle and not by its name.
type held struct {
	file *os.File
	info fs.FileInfo
}

func (h held) close() { _ = h.file.Close() }

func holdTop(path string) (held, error) { return hold(unix.AT_FDCWD, path, path) }

// child holds what has a name in the folder.
func (h held) child(path, name string) (held, error) { return hold(int(h.file.Fd()), path, name) }

// hold neither opens what it holds nor follows it, so that nothing is waited for and
// no right on it is needed.
func hold(folder int, path, name string) (held, error) {
	const flags = unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC
	// As a folder first: nothing else mounts what is mounted when it is needed.
	fd, err := openat(folder, name, flags|unix.O_DIRECTORY)
	if errors.Is(err, syscall.ENOTDIR) {
		fd, err = openat(folder, name, flags)
	}
	if err != nil {
		return held{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	file := os.NewFile(uintptr(fd), path)
	info, err := file.Stat()
	if err != nil {
		return held{}, errors.Join(err, file.Close())
	}
	return held{file, info}, nil
}

func openat(folder int, name string, flags int) (fd int, err error) {
	for {
		fd, err = unix.Openat(folder, name, flags, 0)
		if !errors.Is(err, syscall.EINTR) {
			return fd, err
		}
	}
}

// target is where the link leads.
func (h held) target() (string, error) {
	// PATH_MAX is what a link can have at most.
	text := make([]byte, unix.PathMax)
	// Without a name it is the handle's own, see readlink(2).
	n, err := unix.Readlinkat(int(h.file.Fd()), "", text)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: h.file.Name(), Err: err}
	}
	return string(text[:n]), nil
}
