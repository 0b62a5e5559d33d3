//go:build unix

package cscp

import (
	"errors"
	"net"
	"syscall"
)

// quietOf makes a function that reports whether nothing has come from the peer,
// not even the end. It is asked before each use of a connection, so it is made
// once and then allocates nothing.
func quietOf(stream net.Conn) func() bool {
	with, ok := stream.(syscall.Conn)
	if !ok {
		return func() bool { return true }
	}
	raw, err := with.SyscallConn()
	if err != nil {
		return func() bool { return false }
	}
	var one [1]byte
	nothing := false
	read := func(fd uintptr) bool {
		_, err := syscall.Read(int(fd), one[:])
		nothing = errors.Is(err, syscall.EAGAIN)
		// What was read, if anything, is lost, but so is the connection.
		return true
	}
	return func() bool {
		nothing = false
		return raw.Read(read) == nil && nothing
	}
}
