//go:build unix

package caddyauth

import (
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

// ownersKnown: files here have an owner and a mode.
const ownersKnown = true

// userID is a user of the system.
type userID uint32

// ownerOf returns the owner of a file.
func ownerOf(info fs.FileInfo) userID {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return userID(stat.Uid)
	}
	return 0
}

// name is the user's name, or the number of one who has none.
func (u userID) name() string {
	number := strconv.FormatUint(uint64(u), 10)
	known, err := user.LookupId(number)
	if err != nil {
		return number
	}
	return known.Username
}

// mayWrite reports whether the user may make files in a directory: as its owner,
// in its group, as everybody, or because he is root. Groups that cannot be
// looked up are none.
func (u userID) mayWrite(dir fs.FileInfo) bool {
	stat, ok := dir.Sys().(*syscall.Stat_t)
	switch {
	case !ok || u == 0:
		return true
	case userID(stat.Uid) == u:
		return dir.Mode().Perm()&0o200 != 0
	case u.isIn(stat.Gid):
		return dir.Mode().Perm()&0o020 != 0
	}
	return dir.Mode().Perm()&0o002 != 0
}

func (u userID) isIn(group uint32) bool {
	known, err := user.LookupId(strconv.FormatUint(uint64(u), 10))
	if err != nil {
		return false
	}
	groups, err := known.GroupIds()
	if err != nil {
		return false
	}
	for _, id := range groups {
		if id == strconv.FormatUint(uint64(group), 10) {
			return true
		}
	}
	return false
}
