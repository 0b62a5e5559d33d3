//go:build unix

package store_test

import (
	"os"
	"syscall"
	"testing"
)

func owners(t *testing.T, path string) (uid, gid uint32) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	return owner.Uid, owner.Gid
}
