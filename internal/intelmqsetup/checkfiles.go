package intelmqsetup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

const (
	setUp     = "run `caddy intelmq setup`"
	chownLink = "make the link root's by `chown -h root`, or configure the path that it leads to"
	// maxRuntime bounds what is read of runtime.yaml, in bytes.
	maxRuntime = 16 << 20
)

// may says why Caddy's user may not do something with a file.
func (c Checker) may(path string, bits fs.FileMode) error {
	who, err := c.System.Account(c.User)
	if err != nil {
		return nil // checkWho tells
	}
	return c.System.may(who, path, bits)
}

// trust is atomicfile.ErrForeignLink where a link of a user who is neither root nor
// Caddy's leads to a file. Caddy does not follow it.
func (c Checker) trust(path string) error {
	who, err := c.System.Account(c.User)
	if err != nil {
		return nil // checkWho tells
	}
	_, err = atomicfile.LookAs(who.UID, c.System.path(path))
	return err
}

// checkRuntime looks at the file that is shown and saved.
func (c Checker) checkRuntime(found *findings) {
	if c.RuntimeFile == "" {
		return
	}
	if err := c.trust(c.RuntimeFile); errors.Is(err, atomicfile.ErrForeignLink) {
		found.broken(RuntimeUnreadable, fmt.Sprintf("'%s' is not read: %v", c.RuntimeFile, err), chownLink)
		return
	}
	if _, err := os.Stat(c.System.path(c.RuntimeFile)); errors.Is(err, fs.ErrNotExist) {
		found.broken(RuntimeMissing, fmt.Sprintf("there is no '%s'", c.RuntimeFile), "make it by `intelmqsetup`, or name the right folder by INTELMQ_ROOT_DIR")
		return
	}
	if err := c.may(c.RuntimeFile, reading); err != nil {
		c.tell(err, found, Finding{RuntimeUnreadable, Broken, fmt.Sprintf("'%s' cannot read '%s'", c.User, c.RuntimeFile), setUp})
		return
	}
	c.parseRuntime(found)
	if err := c.may(c.RuntimeFile, writing); err != nil {
		c.tell(err, found, Finding{RuntimeNotWritable, Broken, fmt.Sprintf("'%s' cannot write '%s', so that nothing can be saved", c.User, c.RuntimeFile), setUp})
	}
}

func (c Checker) parseRuntime(found *findings) {
	if c.Parse == nil {
		return
	}
	content, err := c.readRuntime()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, atomicfile.ErrForeignLink) {
		return // this is not Caddy's user, who can, or whose link it is
	}
	if err == nil {
		err = c.Parse(content)
	}
	if err != nil {
		found.broken(RuntimeBroken, fmt.Sprintf("'%s' is not what it has to be: %v", c.RuntimeFile, err), "mend it, or put runtime.yaml.bak in its place")
	}
}

func (c Checker) readRuntime() ([]byte, error) {
	file, _, err := atomicfile.OpenTrusted(c.System.path(c.RuntimeFile))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxRuntime))
}

// checkFolders looks at what else saving needs.
func (c Checker) checkFolders(found *findings) {
	if c.ConfigDir == "" || found.has(RuntimeMissing) {
		return
	}
	folder := c.may(c.ConfigDir, writing|searching)
	if folder != nil {
		c.tell(folder, found, Finding{ConfigDirNotWritable, Doubtful, fmt.Sprintf("'%s' cannot write in '%s', so that runtime.yaml is written over when it is saved, which a crash can cut short", c.User, c.ConfigDir), setUp})
	}
	manager := filepath.Join(c.ConfigDir, "manager")
	positions := filepath.Join(manager, "positions.conf")
	if err := c.trust(positions); errors.Is(err, atomicfile.ErrForeignLink) {
		found.broken(PositionsNotWritable, fmt.Sprintf("'%s' is neither read nor written: %v", positions, err), chownLink)
		return
	}
	err := c.may(manager, writing|searching)
	if errors.Is(err, fs.ErrNotExist) {
		err = folder // it is made there by the first save
	} else if file := c.may(positions, writing); err != nil && file == nil {
		err = nil // the file is written over
	}
	if err != nil {
		c.tell(err, found, Finding{PositionsNotWritable, Broken, fmt.Sprintf("'%s' cannot write '%s', so that where the bots are drawn cannot be saved", c.User, positions), setUp})
	}
}

// checkMembership tells why files cannot be written.
func (c Checker) checkMembership(files findings, found *findings) {
	if !files.has(RuntimeUnreadable, RuntimeNotWritable, ConfigDirNotWritable, PositionsNotWritable) {
		return
	}
	info, err := os.Stat(c.System.path(c.ConfigDir))
	who, userErr := c.System.Account(c.User)
	if err != nil || userErr != nil {
		return
	}
	_, gid, _ := owner(info)
	switch {
	case !slices.Contains(who.Groups, gid):
		found.doubtful(NotInGroup, fmt.Sprintf("'%s' is not a member of the group of '%s' (%d)", c.User, c.ConfigDir, gid), setUp)
	case c.System.isSelf(who) && !slices.Contains(c.System.Self.Groups, gid):
		found.broken(RestartNeeded, fmt.Sprintf("'%s' has become a member of the group of '%s' after this process was started", c.User, c.ConfigDir), "restart Caddy")
	}
}

func (c Checker) checkAllowedPath(found *findings) {
	if c.AllowedPath == "" {
		return
	}
	err := c.trust(c.AllowedPath)
	if errors.Is(err, atomicfile.ErrForeignLink) {
		found.broken(AllowedPathClosed, fmt.Sprintf("'%s' is not opened, so that no files of bots are shown: %v", c.AllowedPath, err), chownLink)
		return
	}
	err = c.may(c.AllowedPath, reading|searching)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		found.doubtful(AllowedPathMissing, fmt.Sprintf("there is no folder '%s', so that no files of bots are shown", c.AllowedPath), "make it, or write another `allowed_path`")
	case err != nil:
		c.tell(err, found, Finding{AllowedPathClosed, Doubtful, fmt.Sprintf("'%s' cannot read the folder '%s', so that no files of bots are shown", c.User, c.AllowedPath), fmt.Sprintf("let its group read it, by `chmod g+rx '%s'`", c.AllowedPath)})
	}
}

// tell adds what comes of a right that is lacking. Before it comes the cause if that
// is SELinux, and in its place if no right would help.
func (c Checker) tell(err error, found *findings, consequence Finding) {
	if errors.Is(err, syscall.EROFS) {
		found.broken(ReadOnly, fmt.Sprintf("what Caddy sees of IntelMQ's files is read-only: %v", err), "write ReadWritePaths= and the folder under [Service] in the unit of Caddy")
		return
	}
	lack, ok := errors.AsType[*lack](err)
	if ok && lack.asked && errors.Is(err, fs.ErrPermission) && c.confined() && c.System.modes(c.System.Self, lack.path, lack.bits) == nil {
		c.selinux(err.Error(), found)
	}
	found.add(consequence)
}
