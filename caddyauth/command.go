package caddyauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/signal"
	"syscall"
	"text/tabwriter"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "auth",
		Short: "Manages users, API keys, sessions and client secrets",
		Long: `
Manages the users, API keys and sessions of the caddyauth app.

The commands work with the server running or not: if a server runs with the
store they ask it, through its admin API, else they open the store themselves.
The configuration (--config, or the Caddyfile in this directory) says which store
is meant. A store that is named by --store is always opened. A store is made only
with --create. The commands of client-secret work on the file that they name.

Results go to standard output, everything else to standard error. Exit codes:

  0  done
  1  the command line is not understood
  2  a value is refused
  3  there is no such user, key, session or entry
  4  it exists already, or is revoked
  5  the store, the server or the file cannot be used

'caddy auth doctor' has two more: 10 for warnings, 20 for errors that it found.`,
		CobraFunc: buildCommand,
	})
}

// Exit codes besides those of Caddy's own.
const (
	exitInvalid     = 2
	exitNotFound    = 3
	exitConflict    = 4
	exitUnavailable = 5
)

// buildCommand hangs the sub-commands under `caddy auth`.
func buildCommand(root *cobra.Command) {
	root.Use = "auth"
	var where targetFlags
	flags := root.PersistentFlags()
	flags.StringVarP(&where.config, "config", "c", "", "Configuration file that names the store")
	flags.StringVarP(&where.adapter, "adapter", "a", "", "Name of the adapter of the configuration file")
	flags.StringVar(&where.address, "address", "", "Address of the running server's admin API (default: from the configuration)")
	flags.StringVar(&where.store, "store", "", "The store itself, as sqlite:<path>")
	flags.StringVar(&where.pepperFile, "pepper-file", "", "The store's pepper file (default: from the configuration, or 'pepper' beside the database)")
	flags.BoolVar(&where.create, "create", false, "Make the store, and its pepper, if there is none")
	root.AddCommand(userCommand(&where), keyCommand(&where), sessionCommand(&where), clientSecretCommand(&where), auditCommand(&where), storeCommand(&where), doctorCommand(&where))
	refuseUnknown(root)
}

// session is one run of a command.
type session struct {
	ctx   context.Context
	where *targetFlags
	// target is opened when the first operation needs it, so that a command
	// whose flags are wrong makes no store.
	target *target
	// out is for results, talk for everything else.
	out, talk io.Writer
}

// usageError is a flag or an argument that cannot be meant.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// verb makes a sub-command that works on a store.
func verb(where *targetFlags, c cobra.Command, run func(s *session, args []string) error) *cobra.Command {
	cmd := &c
	// Errors are written here, as plain text, and not through the server's log.
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if cmd.Args == nil {
		cmd.Args = cobra.NoArgs
	}
	check := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err != nil {
			// Cobra's words for it do not say what to write.
			cmd.PrintErrf("Error: write: %s\n", cmd.UseLine())
		}
		return err
	}
	cmd.RunE = caddycmd.WrapCommandFuncForCobra(func(f caddycmd.Flags) (int, error) {
		err := runVerb(cmd, where, func(s *session) error { return run(s, f.Args()) })
		if found, ok := errors.AsType[*findingsError](err); ok {
			return found.exitCode(), nil
		}
		if err != nil {
			cmd.PrintErrf("Error: %v\n", err)
		}
		return exitCode(err), nil
	})
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok && wrong.GetFlag().Name == passwordFlag {
			// What follows it is a password, as somebody thought.
			err = &usageError{"--" + passwordFlag + " takes no value, since everybody on this machine could read it: the password is asked for"}
		}
		cmd.PrintErrf("Error: %v; see '%s --help'\n", err, cmd.CommandPath())
		return err
	})
	return cmd
}

func runVerb(cmd *cobra.Command, where *targetFlags, run func(*session) error) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	s := &session{ctx: ctx, where: where, out: cmd.OutOrStdout(), talk: cmd.ErrOrStderr()}
	defer func() { err = errors.Join(err, s.target.close()) }()
	return run(s)
}

// perform runs an operation and decodes its result into out.
func (s *session) perform(operation string, input, out any) (err error) {
	if s.target == nil {
		if s.target, err = s.where.find(s.ctx, s.talk); err != nil {
			return err
		}
	}
	return s.target.perform(s.ctx, operation, input, out)
}

// exitCode is the exit code for an error of an operation.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if errors.Is(err, errNoServer) {
		return exitUnavailable
	}
	status := statusOf(err)
	if e, ok := errors.AsType[*operationError](err); ok {
		status = e.status
	}
	switch status {
	case http.StatusBadRequest:
		return exitInvalid
	case http.StatusNotFound:
		return exitNotFound
	case http.StatusConflict:
		return exitConflict
	}
	return exitUnavailable
}

// group makes a command that only has sub-commands.
func group(name, short string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: name, Short: short}
	c.AddCommand(verbs...)
	refuseUnknown(c)
	return c
}

// refuseUnknown makes a mistyped sub-command an error: a script that has asked
// to revoke a key must not take the help text for success.
func refuseUnknown(c *cobra.Command) {
	c.SilenceErrors, c.SilenceUsage = true, true
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		err := fmt.Errorf("command '%s %s' is unknown; see '%s --help'", c.CommandPath(), args[0], c.CommandPath())
		c.PrintErrf("Error: %v\n", err)
		return err
	}
}

// do runs an operation and tells what was done.
func (s *session) do(operation string, input, out any, format string, args ...any) error {
	if err := s.perform(operation, input, out); err != nil {
		return err
	}
	return s.say(format, args...)
}

// say tells something that is no result.
func (s *session) say(format string, args ...any) error {
	_, err := fmt.Fprintf(s.talk, format+"\n", args...)
	return err
}

// list prints page after page, either as a JSON array or as a table. page gets
// the last item of the page before, or nil, and says whether its page is the
// last one.
func list[T any](s *session, asJSON bool, header string, row func(T) string, page func(last *T) (items []T, end bool, err error)) error {
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	if !asJSON {
		fmt.Fprintln(table, header)
	}
	separator := "["
	var last *T
	for {
		items, end, err := page(last)
		if err != nil {
			return err
		}
		for i := range items {
			if asJSON {
				text, err := json.Marshal(items[i])
				if err != nil {
					return err
				}
				fmt.Fprintf(s.out, "%s\n%s", separator, text)
				separator = ","
			} else {
				fmt.Fprintln(table, row(items[i]))
			}
			last = &items[i]
		}
		if end {
			break
		}
	}
	if !asJSON {
		return table.Flush()
	}
	if separator == "[" {
		_, err := fmt.Fprintln(s.out, "[]")
		return err
	}
	_, err := fmt.Fprintln(s.out, "\n]")
	return err
}

// show prints one record as indented JSON.
func (s *session) show(record any) error {
	encoder := json.NewEncoder(s.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(record)
}
