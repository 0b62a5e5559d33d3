package caddycce

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/plugin/command"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "cce",
		Short: "Manages client secrets and the account of the CCE endpoint",
		Long: `
Manages what the CCE endpoint keeps in files: the client secrets of those who may
ask from elsewhere, and the password of the account as which they act.

The files are changed themselves. A running server follows a change of secrets
within a second, and uses a new password for the next LOGIN, a second later at most.
Results go to standard output, everything else to standard error. Exit codes:

  0  done
  1  the command line is not understood
  2  a value is refused
  3  there is no such entry
  5  the file or cced cannot be used`,
		CobraFunc: buildCommand,
	})
}

// buildCommand hangs the sub-commands under `caddy cce`.
func buildCommand(root *cobra.Command) {
	root.Use = "cce"
	secrets := command.Secrets{
		Parent: "caddy cce secret", File: defaultAccessFile, Option: "'access_file' of a cce",
	}
	root.AddCommand(
		command.Group("secret", "Manages the file of client secrets", secrets.Commands()...),
		command.Group("account", "Manages the account behind LOGIN", rotateCommand()),
	)
	command.RefuseUnknown(root)
}
