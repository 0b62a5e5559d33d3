//go:build !unix

package intelmqctl

import "syscall"

// ownSession is nothing where there are no sessions. IntelMQ does not run there.
func ownSession() *syscall.SysProcAttr { return nil }
