//go:build !unix

package cscp

import "net"

// quietOf makes a function that cannot be asked here: the next command finds out.
func quietOf(net.Conn) func() bool { return func() bool { return true } }
