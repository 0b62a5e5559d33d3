package caddyintelmq

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/plugin/command"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "intelmq",
		Short: "Prepares a machine for the IntelMQ endpoint, and says what is wrong",
		Long: `
Prepares a machine for the IntelMQ endpoint, and says what is wrong with one. Results
go to standard output, everything else to standard error. Exit codes:

   0  done, or nothing is wrong
   1  the command line is not understood
   2  a value is refused
   5  something cannot be read, run or written
  10  something works, but less well or less safely
  20  something does not work`,
		CobraFunc: buildCommand,
	})
}

// buildCommand hangs the sub-commands under `caddy intelmq`.
func buildCommand(root *cobra.Command) {
	root.Use = "intelmq"
	root.AddCommand(setupCommand(), checkCommand())
	command.RefuseUnknown(root)
}
