package intelmqsetup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

var (
	errLink = errors.New("it is a symbolic link; put in its place what it leads to")
	errHard = errors.New("it is a file with several names; copy it, so that it has one")
)

// thing is a file or folder of the configuration that IntelMQ's group can write.
type thing struct {
	// config is the folder of the configuration, open, and dir its path.
	config *os.Root
	dir    string
	// name is below it.
	name   string
	folder bool
	// content is that of a new file. made is whether it is made where it is missing;
	// it belongs to IntelMQ then.
	content string
	made    bool
	owner   Account
	// caddy is Caddy's user.
	caddy Account
	// vouched is what had the name when the set-up began, if it was root's and IntelMQ's
	// user could not have put it there.
	vouched fs.FileInfo
	// mode is that of a new one. All must have the group's part of it.
	mode fs.FileMode
}

// folder is the one of the configuration, where saving makes a new file before it
// takes the old one's place.
func (w *work) folder() thing {
	return thing{config: w.config, dir: w.ConfigDir, name: ".", folder: true, owner: w.intelmq, caddy: w.caddy, mode: 0o070}
}

func (w *work) runtime() thing {
	return thing{config: w.config, dir: w.ConfigDir, name: "runtime.yaml", owner: w.intelmq, caddy: w.caddy, mode: 0o060}
}

// manager has where the pictures of the bots are on the page of intelmq-manager.
func (w *work) manager() thing {
	return thing{config: w.config, dir: w.ConfigDir, name: "manager", folder: true, made: true, owner: w.intelmq, caddy: w.caddy, mode: 0o775}
}

func (w *work) positions() thing {
	return thing{config: w.config, dir: w.ConfigDir, name: "manager/positions.conf", content: "{}", made: true, owner: w.intelmq, caddy: w.caddy, mode: 0o664}
}

func (t thing) path() string { return filepath.Join(t.dir, t.name) }

func (t thing) step() step {
	return step{
		state: fmt.Sprintf("group '%s' can write '%s'", t.owner.Group, t.path()),
		how:   t.how(),
		done:  t.done,
		do:    t.do,
	}
}

func (t thing) how() []string {
	_, err := t.open()
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case missing && t.folder:
		return []string{fmt.Sprintf("install -d -o %s -g %s -m %04o '%s'", t.owner.Name, t.owner.Group, t.mode, t.path())}
	case missing:
		return []string{
			fmt.Sprintf("printf '%s' >'%s'", t.content, t.path()),
			fmt.Sprintf("chown %s:%s '%s'", t.owner.Name, t.owner.Group, t.path()),
			fmt.Sprintf("chmod %04o '%s'", t.mode, t.path()),
		}
	}
	rights := "rw"
	if t.folder {
		rights = "rwx"
	}
	return []string{
		fmt.Sprintf("chgrp %s '%s'", t.owner.Group, t.path()),
		fmt.Sprintf("chmod g+%s '%s'", rights, t.path()),
	}
}

// done reports whether the group has its rights. What lacks them and may not be
// given is an error.
func (t thing) done() (bool, error) {
	info, err := t.open()
	if errors.Is(err, fs.ErrNotExist) && t.made {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, gid, _ := owner(info)
	bits := t.mode & 0o070
	if gid == t.owner.GID && info.Mode()&bits == bits {
		return true, nil
	}
	return false, t.mayChange(info)
}

// open looks at it through an open file.
func (t thing) open() (fs.FileInfo, error) {
	file, info, err := t.use()
	if err != nil {
		return nil, err
	}
	return info, file.Close()
}

// use opens it. A link is refused, and a file with several names too: who makes one
// would be given what it leads to.
func (t thing) use() (*os.File, fs.FileInfo, error) {
	named, err := t.config.Lstat(t.name)
	if err != nil {
		return nil, nil, err
	}
	if named.Mode()&fs.ModeSymlink != 0 {
		return nil, nil, errLink
	}
	open := atomicfile.OpenRegularIn
	if t.folder {
		open = atomicfile.OpenFolderIn
	}
	file, info, err := open(t.config, t.name)
	if err != nil {
		return nil, nil, err
	}
	_, _, hard := owner(info)
	switch {
	case !os.SameFile(named, info):
		err = atomicfile.ErrReplaced
	case hard && !t.folder:
		err = errHard
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// do makes it, if it is missing, and gives the group its rights.
func (t thing) do(context.Context) error {
	if _, err := t.config.Lstat(t.name); errors.Is(err, fs.ErrNotExist) && t.made {
		return t.create()
	}
	file, info, err := t.use()
	if err != nil {
		return err
	}
	err = t.mayChange(info)
	if err == nil {
		err = t.give(file, info)
	}
	return errors.Join(err, file.Close())
}

// give changes what is open, and not what has its name by now. Who owns a file
// keeps it.
func (t thing) give(file *os.File, info fs.FileInfo) error {
	uid, gid, _ := owner(info)
	if err := file.Chown(uid, t.owner.GID); gid != t.owner.GID && err != nil {
		return err
	}
	return file.Chmod(info.Mode()&(fs.ModePerm|fs.ModeSetgid|fs.ModeSticky) | t.mode&0o070)
}

// create makes what is missing, and gives it away without looking for its name
// again: IntelMQ's user may have put another file there.
func (t thing) create() error {
	file, err := t.fresh()
	if err != nil {
		return err
	}
	return errors.Join(t.dress(file), file.Close())
}

func (t thing) fresh() (*os.File, error) {
	if t.folder {
		return atomicfile.NewDir(t.config, t.name)
	}
	file, err := t.config.OpenFile(t.name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := file.WriteString(t.content); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// dress gives what is new its owner, group and mode. Only root can give it to
// IntelMQ. Where Caddy's own user sets up it stays Caddy's, and the group has it.
func (t thing) dress(file *os.File) error {
	uid := -1
	if os.Geteuid() == 0 {
		uid = t.owner.UID
	}
	if err := file.Chown(uid, t.owner.GID); err != nil {
		return err
	}
	return errors.Join(file.Chmod(t.mode), file.Sync())
}
