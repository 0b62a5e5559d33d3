//go:build unix

package atomicfile

import "syscall"

// nonBlocking: without it opening a pipe waits until somebody writes into it.
const nonBlocking = syscall.O_NONBLOCK
