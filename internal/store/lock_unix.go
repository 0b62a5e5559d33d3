//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// Where SQLite's connections lock the file of a database: with a write-ahead log
// each one as long as it is open (https://www.sqlite.org/src/file/src/os.h,
// SHARED_FIRST and SHARED_SIZE).
const (
	sharedFirst = 0x40000002
	sharedSize  = 510
)

// lockAlone locks a file that may be a database against all other processes, until
// release. If one has it open the error is ErrInUse. Without such a file there is
// nothing to lock.
func lockAlone(root *os.Root, name string) (release func() error, err error) {
	// To be locked for writing it has to be open for it.
	file, err := root.OpenFile(name, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return func() error { return nil }, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = atomicfile.ErrNotRegular
	}
	if err == nil {
		lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: sharedFirst, Len: sharedSize}
		err = syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, &lock)
	}
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		err = fmt.Errorf("%w; stop the server, or find who has it open by `fuser`", ErrInUse)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file.Close, nil
}
