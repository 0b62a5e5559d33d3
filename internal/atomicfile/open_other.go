//go:build !unix

package atomicfile

// nonBlocking: there are no pipes among the files.
const nonBlocking = 0
