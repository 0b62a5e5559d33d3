package caddyauth

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/plural"
)

func replaceLostCommand(where *targetFlags) *cobra.Command {
	var revoke bool
	c := verb(where, cobra.Command{
		Use:   "replace-lost",
		Short: "Makes a new pepper where the old one is lost for ever, and revokes all keys",
		Long: `Makes a new pepper for a store whose pepper file is gone and of which there is no
copy. Users, their passwords, roles and groups and the audit trail stay. All keys
are revoked and all sessions end, since none of them can be checked any more.

The server must be stopped, and the pepper file must not be there.`,
		Example: "  caddy auth store pepper replace-lost --revoke-all-keys",
	}, func(s *session, _ []string) error {
		f, err := s.file()
		if err != nil {
			return err
		}
		if !revoke {
			return &command.UsageError{Text: "this revokes all keys and ends all sessions; look for a copy of the pepper first, and without one say --revoke-all-keys"}
		}
		if f.server != "" {
			return fmt.Errorf("the server at %s has the store open; stop it first", f.server)
		}
		lost, fingerprint, err := identity.ReplaceLostPepper(s.Ctx, f.settings, command.CurrentUser())
		if err != nil {
			return err
		}
		return s.Say("pepper of fingerprint %s made; %s revoked, %s ended; passwords and roles are what they were", fingerprint, plural.Of(lost.Keys, "key"), plural.Of(lost.Sessions, "session"))
	})
	c.Flags().BoolVar(&revoke, "revoke-all-keys", false, "Say that you know that all keys and sessions are lost")
	return withoutCreate(c)
}
