//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package intelmqctl

import "errors"

// tryLock fails: changes of other processes could not be noticed.
func tryLock(string) (unlock func(), err error) {
	return nil, errors.ErrUnsupported
}
