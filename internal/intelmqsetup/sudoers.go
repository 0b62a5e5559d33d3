package intelmqsetup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/internal/atomicfile"
	"github.com/sallyport/sallyport/internal/intelmqctl"
)

// sudoersMode is what sudo's manual asks for.
const sudoersMode fs.FileMode = 0o440

// sudoers lets Caddy's user run intelmqctl as IntelMQ's. A file that sudo does not
// understand would keep everybody from using sudo.
func (w *work) sudoers() step {
	line := intelmqctl.SudoersLine(w.User, w.IntelMQUser, w.Intelmqctl)
	content := []byte(line + "\n")
	path := w.System.path(intelmqctl.SudoersFile)
	return step{
		state:    fmt.Sprintf("user '%s' may run '%s' as '%s', by '%s'", w.User, w.Intelmqctl, w.IntelMQUser, intelmqctl.SudoersFile),
		how:      []string{fmt.Sprintf("the line, with mode %04o, once `visudo -c` has accepted it:", sudoersMode), line},
		needless: w.same(),
		done: func() (bool, error) {
			info, err := os.Lstat(path)
			if errors.Is(err, fs.ErrNotExist) {
				return false, nil
			}
			if err != nil || info.Mode() != sudoersMode {
				return false, err
			}
			text, err := os.ReadFile(path)
			return string(text) == string(content), err
		},
		do: func(ctx context.Context) error {
			if _, err := os.Stat(filepath.Dir(path)); err != nil {
				return fmt.Errorf("%w; install sudo", err)
			}
			return atomicfile.Install(path, content, sudoersMode, func(draft string) error {
				if said, err := w.System.Run(ctx, "visudo", "-c", "-f", draft); err != nil {
					return fmt.Errorf("visudo does not accept it: %w: %s", err, oneLine(said))
				}
				return nil
			})
		},
	}
}
