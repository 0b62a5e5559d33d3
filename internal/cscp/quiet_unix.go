//go:build unix

package cscp

import (
	"errors"
	"net"
	"syscall"
)

// quiet reports whether nothing has come from the peer, not even the end.
func quiet(stream net.Conn) bool {
	with, ok := stream.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := with.SyscallConn()
	if err != nil {
		return false
	}
	nothing := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, err := syscall.Read(int(fd), one[:])
		nothing = errors.Is(err, syscall.EAGAIN)
		// What was read, if anything, is lost, but so is the connection.
		return true
	})
	return err == nil && nothing
}
