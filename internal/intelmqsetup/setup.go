package intelmqsetup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/sallyport/sallyport/internal/atomicfile"
)

// Setup is what a machine shall be prepared for.
type Setup struct {
	System System
	// User is who runs Caddy, IntelMQUser who runs IntelMQ.
	User, IntelMQUser string
	// Intelmqctl is the path of the control command.
	Intelmqctl string
	// ConfigDir is the folder of runtime.yaml.
	ConfigDir string
	// Ask finds that folder where ConfigDir is empty. It is called once the other
	// words are known to be good.
	Ask func(ctx context.Context) (configDir string)
}

// ErrNotRoot is for who may not prepare a machine.
var ErrNotRoot = errors.New("run this as root, or with --dry-run to see what it would do")

// RefusedError is a word that cannot be meant. Nothing was done then.
type RefusedError struct{ Err error }

func (e *RefusedError) Error() string { return e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }

// Run makes everything so, or with dryRun tells what it would do. It writes one line
// for each thing that shall be so, beginning with what has come of it: done, already,
// would do, or not needed. To run it again changes nothing. On an error what was
// done before stays, and what comes after is not done.
func (s Setup) Run(ctx context.Context, dryRun bool, out io.Writer) error {
	if s.System.Self.UID != 0 && !dryRun {
		return ErrNotRoot
	}
	w, err := s.begin(ctx)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; run this as root", err)
	case err != nil:
		return &RefusedError{err}
	}
	defer w.config.Close()
	for _, step := range w.steps() {
		if err := step.run(ctx, dryRun, out); err != nil {
			if errors.Is(err, fs.ErrPermission) {
				err = fmt.Errorf("%w; run this as root", err)
			}
			return err
		}
	}
	return nil
}

// work is a set-up that has begun.
type work struct {
	Setup
	caddy, intelmq Account
	// config is the folder of the configuration. It stays the same one, whatever
	// comes in its place.
	config *os.Root
}

// begin looks whether the words are what they have to be. Nothing is changed if one
// is not.
func (s Setup) begin(ctx context.Context) (*work, error) {
	if err := s.checkWords(); err != nil {
		return nil, err
	}
	w := &work{Setup: s}
	var err error
	if w.caddy, err = s.System.Account(s.User); err != nil {
		return nil, fmt.Errorf("the user of Caddy: %w; name it by --user", err)
	}
	if w.intelmq, err = s.System.Account(s.IntelMQUser); err != nil {
		return nil, fmt.Errorf("the user of IntelMQ: %w; name it by --intelmq-user", err)
	}
	if w.intelmq.UID == 0 && w.caddy.UID != 0 {
		return nil, fmt.Errorf("with '%s' as the user of IntelMQ '%s' could run the command as root; run IntelMQ as a user of its own", s.IntelMQUser, s.User)
	}
	if err := w.checkProgram(); err != nil {
		return nil, err
	}
	if w.ConfigDir == "" {
		w.ConfigDir = s.Ask(ctx)
	}
	w.config, _, err = atomicfile.OpenFolder(s.System.path(w.ConfigDir))
	if err != nil {
		return nil, fmt.Errorf("the folder of IntelMQ's configuration, '%s': %w; %s", w.ConfigDir, err, nameFolder)
	}
	if err := w.checkConfig(); err != nil {
		return nil, errors.Join(err, w.config.Close())
	}
	return w, nil
}

// checkConfig refuses what need not be IntelMQ's: this may be any folder, even /, and
// its rights are about to change.
func (w *work) checkConfig() error {
	if _, err := w.runtime().open(); err != nil {
		return fmt.Errorf("'%s' is not a folder of IntelMQ's configuration: %w; %s", w.ConfigDir, err, nameFolder)
	}
	info, err := w.config.Stat(".")
	if err != nil {
		return err
	}
	if info.Mode()&0o002 != 0 {
		return fmt.Errorf("everybody can write in '%s', so that what is there need not be IntelMQ's; take that right away by `chmod o-w`, and look whose the files are", w.ConfigDir)
	}
	if err := w.folder().mayChange(info); err != nil {
		return fmt.Errorf("'%s': %w", w.ConfigDir, err)
	}
	return nil
}

// nameFolder says how to find the folder.
const nameFolder = "name the CONFIG_DIR that `sudo -u intelmq intelmqctl debug --get-paths` shows by --config-dir"

// What stands in the sudoers file must not be anything but a name there: sudo
// knows wildcards, lists, and aliases in capital letters. See sudoers(5).
var (
	nameForm = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	pathForm = regexp.MustCompile(`^(?:/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)+$`)
)

func (s Setup) checkWords() error {
	for what, name := range map[string]string{"Caddy": s.User, "IntelMQ": s.IntelMQUser} {
		if !nameForm.MatchString(name) {
			return fmt.Errorf("the user of %s, '%s', is not a name of small letters, digits, '-' and '_'", what, name)
		}
	}
	if !pathForm.MatchString(s.Intelmqctl) {
		return fmt.Errorf("the command '%s' is not a whole path of letters, digits, '.', '_', '+' and '-', such as /usr/bin/intelmqctl; write that by --intelmqctl", s.Intelmqctl)
	}
	if s.ConfigDir != "" && !filepath.IsAbs(s.ConfigDir) {
		return fmt.Errorf("the folder '%s' is not a whole path, such as /opt/intelmq/etc; write that by --config-dir", s.ConfigDir)
	}
	return nil
}

// steps are in the order in which they need one another.
func (w *work) steps() []step {
	list := []step{w.membership()}
	for _, thing := range []thing{w.folder(), w.runtime(), w.manager(), w.positions()} {
		thing.vouch()
		list = append(list, thing.step())
	}
	return append(list, w.sudoers())
}

// membership lets Caddy's user save what belongs to IntelMQ's group.
func (w *work) membership() step {
	return step{
		state:    fmt.Sprintf("user '%s' is a member of group '%s'", w.User, w.intelmq.Group),
		how:      []string{fmt.Sprintf("usermod -a -G %s %s", w.intelmq.Group, w.User)},
		needless: w.same(),
		then:     "restart Caddy, since a process keeps the groups with which it was started",
		done:     func() (bool, error) { return slices.Contains(w.caddy.Groups, w.intelmq.GID), nil },
		do: func(ctx context.Context) error {
			if said, err := w.System.Run(ctx, "usermod", "-a", "-G", w.intelmq.Group, w.User); err != nil {
				return fmt.Errorf("usermod: %w: %s", err, oneLine(said))
			}
			return nil
		},
	}
}

// same is why some steps are not needed, or empty.
func (w *work) same() string {
	if w.caddy.UID == w.intelmq.UID {
		return "Caddy runs as IntelMQ's own user"
	}
	return ""
}
