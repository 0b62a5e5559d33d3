//go:build unix

package store

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// giveAway says to whom a file has to be given where it belongs to somebody else than
// the user with this number, whom modes of files keep out. It is empty where there is
// nothing to say. The file is not opened: SQLite's locks would be lost with it.
func giveAway(path string, me int) string {
	info, err := os.Stat(path)
	if err != nil || me == 0 {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == me {
		return ""
	}
	return fmt.Sprintf("; the file belongs to %s (mode %04o) and this is user %s: run `chown %s '%s'`",
		userName(int(stat.Uid)), info.Mode().Perm(), userName(me), userName(me), path)
}

// userName is the name of a user, or the number of one who has none.
func userName(id int) string {
	number := strconv.Itoa(id)
	known, err := user.LookupId(number)
	if err != nil {
		return number
	}
	return known.Username
}
