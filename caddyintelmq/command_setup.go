package caddyintelmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/intelmqctl"
	"github.com/sallyport/sallyport/internal/intelmqsetup"
	"github.com/sallyport/sallyport/internal/plugin/command"
)

// setupLimit is how long a set-up may take: visudo and usermod take a moment.
const setupLimit = 2 * time.Minute

// setup are the flags of `caddy intelmq setup`.
type setup struct {
	user, intelmqUser, intelmqctl, configDir string
	dryRun                                   bool
}

func setupCommand() *cobra.Command {
	var flags setup
	c := command.Verb(cobra.Command{
		Use:   "setup",
		Short: "Gives Caddy's user the rights that the endpoint needs",
		Long: `
Makes a machine on which IntelMQ is installed ready for the endpoint: the folder and
the file in which the manager keeps positions, rights of IntelMQ's group on them and
on runtime.yaml, Caddy's user as a member of that group, and a line for sudo by which
it may run intelmqctl as IntelMQ's user and nothing else. Where Caddy runs as IntelMQ's
own user it needs no line for sudo, and no membership.

Without --config-dir intelmqctl is asked for the folder, as IntelMQ's user. IntelMQ of
pip has its command at /usr/local/bin/intelmqctl, that of packages at
/usr/bin/intelmqctl.

Each thing is a line that begins with done, or with already where it was so. With
--dry-run nothing is changed. It must run as root, and may be run again.`,
		Example: `  caddy intelmq setup --dry-run
  caddy intelmq setup --user caddy --intelmqctl /usr/bin/intelmqctl --config-dir /etc/intelmq`,
	}, nil, func(r *command.Run, _ []string) error { return flags.run(r) })
	c.Flags().StringVar(&flags.user, "user", "caddy", "The user that Caddy runs as")
	c.Flags().StringVar(&flags.intelmqUser, "intelmq-user", "intelmq", "The user that IntelMQ runs as")
	c.Flags().StringVar(&flags.intelmqctl, "intelmqctl", "/usr/local/bin/intelmqctl", "The control command, as in 'command'")
	c.Flags().StringVar(&flags.configDir, "config-dir", "", "The folder of runtime.yaml (default: the one that intelmqctl says)")
	c.Flags().BoolVar(&flags.dryRun, "dry-run", false, "Change nothing, and say what would be done")
	return c
}

func (f *setup) run(r *command.Run) error {
	ctx, cancel := context.WithTimeout(r.Ctx, setupLimit)
	defer cancel()
	here := intelmqsetup.Here()
	err := intelmqsetup.Setup{
		System: here, User: f.user, IntelMQUser: f.intelmqUser, Intelmqctl: f.intelmqctl, ConfigDir: f.configDir,
		Ask: func(ctx context.Context) string { return f.ask(ctx, r, here.Self.Name) },
	}.Run(ctx, f.dryRun, r.Out)
	if refused, is := errors.AsType[*intelmqsetup.RefusedError](err); is {
		return &command.UsageError{Text: refused.Error()}
	}
	return err
}

// ask asks intelmqctl for its folder, or takes the usual one.
func (f *setup) ask(ctx context.Context, r *command.Run, self string) string {
	program := &intelmqctl.Program{Words: actingAs(f.intelmqUser, self, []string{f.intelmqctl})}
	at, err := askOnce(ctx, program)
	if err != nil {
		at = intelmqctl.UsualInstallation()
		fmt.Fprintf(r.Talk, "intelmqctl does not say where its configuration is (%v); '%s' is taken, and --config-dir names another\n", err, at.ConfigDir)
	}
	return at.ConfigDir
}

// actingAs are the words by which self, who may do so, runs a command as user.
func actingAs(user, self string, words []string) []string {
	if user == self {
		return words
	}
	return append([]string{"sudo", "-n", "-u", user}, words...)
}
