package caddyauth

import (
	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/command"
)

// storeCommand is `caddy auth store`.
func storeCommand(where *targetFlags) *cobra.Command {
	return command.Group("store", "Looks after the store of users and keys",
		storeInfoCommand(where), backupCommand(where), restoreCommand(where), storeCheckCommand(where), pepperCommand(where))
}

func storeInfoCommand(where *targetFlags) *cobra.Command {
	return verb(where, cobra.Command{
		Use:     "info",
		Short:   "Shows where the store is and what is in it",
		Long:    "Shows, as JSON, where the store is, its schema, the fingerprint of its newest pepper, and how much is in it.",
		Example: "  caddy auth store info --store sqlite:/var/lib/sallyport/auth.db",
	}, func(s *session, _ []string) error {
		var info identity.Info
		if err := s.perform("store/info", struct{}{}, &info); err != nil {
			return err
		}
		return s.Show(info)
	})
}
