//go:build linux || darwin || freebsd

package caddyauth

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// freeSpace tells how many bytes a user who is not root can still write to the
// file system of a path.
func freeSpace(path string) (free uint64, known bool, err error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return 0, false, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	// The types differ between systems; below zero is what is kept for root.
	blocks, size := int64(stat.Bavail), int64(stat.Bsize) //nolint:unconvert // needed on some systems
	return uint64(max(blocks, 0)) * uint64(size), true, nil
}
