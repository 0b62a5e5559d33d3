package caddyauth

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/plural"
	"github.com/sallyport/sallyport/internal/store"
)

// pepperCommand is `caddy auth store pepper`.
func pepperCommand(where *targetFlags) *cobra.Command {
	return command.Group("pepper", "Changes the pepper", pepperRotateCommand(where), pepperStatusCommand(where), pepperRetireCommand(where), replaceLostCommand(where))
}

func pepperRotateCommand(where *targetFlags) *cobra.Command {
	return verb(where, cobra.Command{
		Use:   "rotate",
		Short: "Begins to use a new pepper",
		Long: `Puts a new pepper into the pepper file, before those that are there. New keys and
sessions are kept under it from now on; those that are there go on working, and
move to it when they are used. Peppers that only backups need stay in the file, as
long as there is room. If it is broken off, run it again.`,
		Example: "  caddy auth store pepper rotate",
	}, func(s *session, _ []string) error {
		var status identity.PepperStatus
		if err := s.perform("store/pepper/rotate", struct{}{}, &status); err != nil {
			return err
		}
		if err := s.Say("a new pepper is in use; keep a copy of the pepper file apart from copies of the store"); err != nil {
			return err
		}
		return errors.Join(s.showPeppers(&status), fileErrorOf(&status))
	})
}

func pepperStatusCommand(where *targetFlags) *cobra.Command {
	var asJSON bool
	c := verb(where, cobra.Command{
		Use:   "status",
		Short: "Shows how far a change of the pepper has come",
		Long: `Lists the peppers, the newest first, with the keys and tokens that need each. A key
whose secret was rotated with an overlap may need two. A key needs its pepper until it
is revoked, even if it has expired, since the clock may be wrong. Tokens that have
ended need none, but for those of the last five minutes.`,
		Example: "  caddy auth store pepper status",
	}, func(s *session, _ []string) error {
		var status identity.PepperStatus
		if err := s.perform("store/pepper/status", struct{}{}, &status); err != nil {
			return err
		}
		show := s.showPeppers
		if asJSON {
			show = func(status *identity.PepperStatus) error { return s.Show(status) }
		}
		return errors.Join(show(&status), fileErrorOf(&status))
	})
	c.Flags().BoolVar(&asJSON, "json", false, "Write JSON")
	return c
}

// fileErrorOf is why the pepper file cannot be read, nil if it can.
func fileErrorOf(status *identity.PepperStatus) error {
	if status.FileError == "" {
		return nil
	}
	return errors.New(status.FileError)
}

// showPeppers prints a status as text.
func (s *session) showPeppers(status *identity.PepperStatus) error {
	page := func(*store.PepperUse) ([]store.PepperUse, bool, error) { return status.Peppers, true, nil }
	row := func(p store.PepperUse) string {
		return fmt.Sprintf("%s\t%s\t%d\t%d", p.Fingerprint, p.Created.Format(time.RFC3339), p.Keys, p.Tokens)
	}
	if err := command.List(s.Run, false, "PEPPER\tCREATED\tKEYS\tTOKENS", row, page); err != nil {
		return err
	}
	if len(status.LeftOver) > 0 {
		if err := s.Say("in the pepper file, and not needed: %s", strings.Join(status.LeftOver, ", ")); err != nil {
			return err
		}
	}
	all := status.Keys + status.Tokens
	// Rounded down, so that all of them are moved at 100 %.
	return s.Say("%d of %d keys and tokens moved (%d %%)", all-status.OldKeys-status.OldTokens, all, int(status.Moved*100))
}

// pepperRetireInput is the input of store/pepper/retire.
type pepperRetireInput struct {
	Force bool `json:"force,omitempty"`
}

func pepperRetireCommand(where *targetFlags) *cobra.Command {
	var in pepperRetireInput
	c := verb(where, cobra.Command{
		Use:   "retire",
		Short: "Removes all peppers but the newest",
		Long: `Removes all peppers but the newest, from the store and then from the pepper file.
It refuses while a token or a key needs one of them, a key that has expired among
them, since by the right clock it may not have: revoke it. It refuses, too, for an
hour after the clock was set, or as long as the audit trail has later events. With
--force those are refused for ever: the keys are revoked, the sessions end. If it is
broken off, run it again. Backups of the store from before need the old pepper file.`,
		Example: "  caddy auth store pepper retire",
	}, func(s *session, _ []string) error {
		if in.Force {
			var status identity.PepperStatus
			if err := s.perform("store/pepper/status", struct{}{}, &status); err != nil {
				return err
			}
			if _, err := fmt.Fprintf(s.Talk, "refusing for ever: %s, %s\n", plural.Of(status.OldKeys, "key"), plural.Of(status.OldTokens, "token")); err != nil {
				return err
			}
		}
		var done identity.Retired
		if err := s.perform("store/pepper/retire", in, &done); err != nil {
			return err
		}
		if in.Force {
			if err := s.Say("%s revoked, %s ended", plural.Of(done.Keys, "key"), plural.Of(done.Sessions, "session")); err != nil {
				return err
			}
		}
		if len(done.Peppers) == 0 {
			return s.Say("there is no old pepper")
		}
		return s.Say("retired: %s", strings.Join(done.Peppers, ", "))
	})
	c.Flags().BoolVar(&in.Force, "force", false, "Refuse for ever what needs an old pepper")
	return c
}
