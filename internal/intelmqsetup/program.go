package intelmqsetup

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// checkProgram refuses a command that others than root can replace: sudo will run it
// as the user of IntelMQ.
func (w *work) checkProgram() error {
	path := w.System.path(w.Intelmqctl)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("the control command: %w; name the path that `sudo -u intelmq sh -c 'command -v intelmqctl'` shows by --intelmqctl", err)
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return fmt.Errorf("the control command '%s' is not a program; name intelmqctl by --intelmqctl", w.Intelmqctl)
	case info.Mode()&0o002 != 0:
		return fmt.Errorf("everybody can change the control command '%s'; take that right away by `chmod o-w`", w.Intelmqctl)
	case w.same() != "":
		return nil // without sudo it runs as who it is
	}
	_, _, err = atomicfile.Walk(path, func(path string, info fs.FileInfo) error {
		if name, err := filepath.Rel(w.System.Root, path); err != nil || !filepath.IsLocal(name) {
			return nil // above what is taken for /
		}
		return guarded(info)
	})
	if err != nil {
		return fmt.Errorf("the control command '%s' can be replaced by others than root: %w", w.Intelmqctl, err)
	}
	return nil
}

// guarded says who else than root, or who runs this, can change a file or what is in
// a folder. A link cannot be changed but by who owns it or the folder where it is.
func guarded(info fs.FileInfo) error {
	uid, gid, _ := owner(info)
	link := info.Mode()&fs.ModeSymlink != 0
	switch {
	case uid != 0 && uid != os.Geteuid():
		return fmt.Errorf("it belongs to user %d; give it to root by `chown -h root`", uid)
	case link:
		return nil
	case info.Mode()&0o002 != 0:
		return fmt.Errorf("everybody can write there; take that right away by `chmod o-w`")
	case info.Mode()&0o020 != 0 && gid != 0:
		return fmt.Errorf("group %d can write there; take that right away by `chmod g-w`", gid)
	}
	return nil
}
