package caddyauth

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/plural"
	"github.com/sallyport/sallyport/internal/store"
)

// restored is what a restore tells as JSON.
type restored struct {
	Store  string        `json:"store"`
	Backup store.Summary `json:"backup"`
	// Replaced is missing where there was no store that can be read.
	Replaced *store.Comparison `json:"replaced,omitempty"`
	// Aside are the files of one that cannot be read, under their new names.
	Aside []string `json:"aside,omitempty"`
	// PepperAgain is the fingerprint of an older pepper that comes into use with it.
	PepperAgain string `json:"pepper_again,omitempty"`
	// Done is false where the restore was refused for want of --force.
	Done bool `json:"done"`
}

// restoreFlags are those of `caddy auth store restore`.
type restoreFlags struct {
	pepper        string
	force, asJSON bool
}

func restoreCommand(where *targetFlags) *cobra.Command {
	var flags restoreFlags
	c := verb(where, cobra.Command{
		Use:   "restore <file>",
		Short: "Puts a backup in place of the store",
		Long: `Puts a backup in place of the store, after all of it was checked on a copy.

Where there is a store nothing is changed without --force; what would be lost, and
which keys and users would be accepted again, is told. With --force the content of
the store is replaced at once, while the server goes on, and it follows within half
a second. A store that cannot be read is moved aside, with the server stopped.

The pepper file has to have the pepper that the backup needs; --pepper adds those of
another file to it. A backup from before a change of the pepper brings the older
one back into use, which is told.`,
		Example: "  caddy auth store restore /var/backups/sallyport/auth-2026-11-22.db --force",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		f, err := s.readableFile()
		if err != nil {
			return err
		}
		r, err := identity.NewRestore(s.Ctx, f.settings, args[0], flags.pepper)
		if err != nil {
			return err
		}
		return errors.Join(s.restore(&f, r, &flags), r.Close())
	})
	c.Flags().StringVar(&flags.pepper, "pepper", "", "Add the peppers of this file to the store's pepper file")
	c.Flags().BoolVar(&flags.force, "force", false, "Replace the store that is there")
	c.Flags().BoolVar(&flags.asJSON, "json", false, "Write what is replaced as JSON")
	return withoutCreate(c)
}

// restore puts a backup that was checked in place.
func (s *session) restore(f *storeFile, r *identity.Restore, flags *restoreFlags) error {
	told := restored{Store: f.settings.Location.String(), Backup: r.Backup()}
	if err := s.Say("backup: %s", inWords(&told.Backup)); err != nil {
		return err
	}
	refused := s.mayReplace(f, r, flags, &told)
	if refused == nil {
		refused = s.apply(f, r, flags, &told)
	}
	if flags.asJSON {
		return errors.Join(refused, s.Show(told))
	}
	return refused
}

// apply puts it in place and tells what that has done, also where it has done only a
// part.
func (s *session) apply(f *storeFile, r *identity.Restore, flags *restoreFlags, told *restored) error {
	done, err := r.Apply(s.Ctx, command.CurrentUser())
	told.Aside, told.Done = done.Aside, err == nil
	for _, name := range told.Aside {
		err = errors.Join(err, s.Say("moved aside: '%s'", name))
	}
	if err != nil {
		return err
	}
	if told.Replaced != nil && done.Later != nil {
		told.Replaced = done.Later
		if err := errors.Join(s.Say("the store has changed since; when it was replaced it was this:"), s.sayReplaced(done.Later, flags)); err != nil {
			return err
		}
	}
	return s.sayRestored(f, told)
}

// mayReplace tells what the store is that the backup is to replace. The error is that
// it must not be.
func (s *session) mayReplace(f *storeFile, r *identity.Restore, flags *restoreFlags, told *restored) error {
	now, err := r.Compare(s.Ctx)
	told.PepperAgain = r.PepperAgain()
	switch {
	case errors.Is(err, store.ErrNoStore):
		if f.server != "" {
			return fmt.Errorf("the server at %s has a store open whose file is gone; stop it first", f.server)
		}
		return nil
	case errors.Is(err, store.ErrDamaged) && !flags.force:
		return &existsError{fmt.Errorf("%s; nothing was changed; with the server stopped --force moves it aside and puts the backup in its place", damage(err))}
	case errors.Is(err, store.ErrDamaged) && f.server != "":
		return fmt.Errorf("%s; stop the server at %s first", damage(err), f.server)
	case errors.Is(err, store.ErrDamaged):
		return s.Say("%s", damage(err))
	case err != nil:
		return err
	}
	told.Replaced = &now
	if err := s.sayReplaced(&now, flags); err != nil {
		return err
	}
	if !flags.force {
		return fmt.Errorf("store %s: %w, and nothing was changed; --force puts the backup in its place", f.settings.Location, fs.ErrExist)
	}
	return nil
}

// damage tells of a damaged store, without the advice to do what is being done.
func damage(err error) string {
	return strings.Replace(err.Error(), store.ErrDamaged.Error(), "is damaged", 1)
}

// sayReplaced tells what is lost with a store, and what would be accepted again.
func (s *session) sayReplaced(c *store.Comparison, flags *restoreFlags) error {
	if err := s.Say("there:  %s", inWords(&c.Now)); err != nil {
		return err
	}
	if c.Newer {
		return s.Say("it was used by a newer version of this program, so that keys and users cannot be compared")
	}
	err := errors.Join(
		s.sayReturning("user", "as before again", c.Users, flags),
		s.sayReturning("key", "accepted again", c.Keys, flags))
	err = errors.Join(err, s.sayReturning("link", "to a provider there again", c.Identities, flags))
	if c.Refused > 0 {
		err = errors.Join(err, s.Say("%s of providers accepted again that had been refused", plural.Of(c.Refused, "token")))
	}
	if c.Sessions > 0 {
		err = errors.Join(err, s.Say("%s accepted again that had ended", plural.Of(c.Sessions, "session")))
	}
	return err
}

// maxReturning is how many names are told as text.
const maxReturning = 20

func (s *session) sayReturning(what, happens string, list []store.Returning, flags *restoreFlags) error {
	if len(list) == 0 {
		return nil
	}
	if err := s.Say("%s %s:", plural.Of(len(list), what), happens); err != nil {
		return err
	}
	for _, b := range list[:min(len(list), maxReturning)] {
		if err := s.Say("  %s (%s): %s", b.Name, b.ID, b.Why); err != nil {
			return err
		}
	}
	if len(list) > maxReturning && !flags.asJSON {
		return s.Say("  and %d more, which --json lists", len(list)-maxReturning)
	}
	return nil
}

func (s *session) sayRestored(f *storeFile, told *restored) error {
	if told.Replaced != nil {
		if err := s.sayLost(told.Backup.Latest); err != nil {
			return err
		}
	}
	if told.PepperAgain != "" {
		if err := s.Say("the pepper in use is %s again; if it was changed because somebody may have seen it, change it again by `caddy auth store pepper rotate`", told.PepperAgain); err != nil {
			return err
		}
	}
	if f.server != "" {
		return s.Say("store restored; the running server takes it within half a second")
	}
	return s.Say("store restored")
}

// sayLost tells what a restore undoes: all after the last event of the backup.
func (s *session) sayLost(latest time.Time) error {
	if latest.IsZero() {
		return s.Say("all that was there is lost; do again what has to be")
	}
	return s.Say("all that was changed after %s is lost; do again what has to be", eventTime(latest))
}

// existsError is fs.ErrExist to whoever asks, and does not say so: the sentence has said
// already what is in the way.
type existsError struct{ error }

func (*existsError) Is(target error) bool { return target == fs.ErrExist }
