package intelmqsetup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// mayChange refuses to change the rights on what need not be IntelMQ's. Who can
// write in a folder can move other files there, and would be given them.
func (t thing) mayChange(info fs.FileInfo) error {
	uid, _, _ := owner(info)
	switch {
	case uid == t.owner.UID, uid == t.caddy.UID:
		return nil
	case uid != 0:
		return fmt.Errorf("it belongs to user %d, who is neither '%s' nor '%s'; if it is IntelMQ's, give it to its user by `chown %s`", uid, t.owner.Name, t.caddy.Name, t.owner.Name)
	case t.name == ".", t.vouched != nil && os.SameFile(t.vouched, info):
		return nil
	}
	return fmt.Errorf("it belongs to root, and '%s' may have put it there; if it is IntelMQ's, give it to its user by `chown %s`", t.owner.Name, t.owner.Name)
}

// vouch remembers what is there if IntelMQ's user could not have put it there. It is
// for the beginning: the set-up itself lets that user write in the folder.
func (t *thing) vouch() {
	folder, err := t.config.Stat(filepath.Dir(t.name))
	info, otherErr := t.config.Lstat(t.name)
	if errors.Join(err, otherErr) == nil && !canWrite(t.owner, folder) {
		t.vouched = info
	}
}

// canWrite reports whether a user can write in a folder, or give itself the right.
func canWrite(who Account, folder fs.FileInfo) bool {
	uid, gid, _ := owner(folder)
	return uid == who.UID || folder.Mode()&0o002 != 0 || folder.Mode()&0o020 != 0 && slices.Contains(who.Groups, gid)
}
