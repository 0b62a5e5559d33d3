package caddyauth

import (
	"encoding/json"
	"errors"
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sallyport/sallyport/internal/plugin/admin"
	"github.com/sallyport/sallyport/internal/plugin/command"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "auth",
		Short: "Manages users, API keys, sessions, client secrets and other providers",
		Long: `
Manages the users, API keys and sessions of the caddyauth app.

The commands work with the server running or not: if a server runs with the
store they ask it, through its admin API, else they open the store themselves.
The configuration (--config, or the Caddyfile in this directory) says which store
is meant. A store that is named by --store is always opened. A store is made only
with --create. The commands of client-secret work on the file that they name, and
'store backup', 'restore', 'check' and 'pepper replace-lost' on the file of the store,
beside the server that may have it open.

Results go to standard output, everything else to standard error. Exit codes:

  0  done
  1  the command line is not understood
  2  a value is refused
  3  there is no such user, key, session, entry or refusal
  4  it exists already, is revoked, or is still needed
  5  the store, the server or the file cannot be used

'caddy auth doctor' and 'caddy auth store check' have two more: 10 for warnings, 20
for errors that they found.`,
		CobraFunc: buildCommand,
	})
}

// buildCommand hangs the sub-commands under `caddy auth`.
func buildCommand(root *cobra.Command) {
	root.Use = "auth"
	var where targetFlags
	flags := root.PersistentFlags()
	where.Register(flags, "the store")
	flags.StringVar(&where.store, "store", "", "The store itself, as sqlite:<path>")
	flags.StringVar(&where.pepperFile, "pepper-file", "", "The store's pepper file (default: from the configuration, or 'pepper' beside the database)")
	flags.BoolVar(&where.create, "create", false, "Make the store, and its pepper, if there is none")
	root.AddCommand(userCommand(&where), importCommand(&where), keyCommand(&where), sessionCommand(&where), clientSecretCommand(), auditCommand(&where), providerCommand(&where), storeCommand(&where), doctorCommand(&where), whyCommand(&where))
	command.RefuseUnknown(root)
}

// clientSecretCommand is `caddy auth client-secret`.
func clientSecretCommand() *cobra.Command {
	secrets := command.Secrets{
		Parent: "caddy auth client-secret", File: "/etc/sallyport/access", Option: "'secrets_file' of a client_secret",
	}
	return command.Group("client-secret", "Manages files of client secrets", secrets.Commands()...)
}

// session is one run of a command that works on a store.
type session struct {
	*command.Run
	where *targetFlags
	// target is opened when the first operation needs it, so that a command
	// whose flags are wrong makes no store.
	target *target
}

// verb makes a sub-command that works on a store.
func verb(where *targetFlags, c cobra.Command, run func(s *session, args []string) error) *cobra.Command {
	cmd := command.Verb(c, exitCode, func(r *command.Run, args []string) (err error) {
		s := &session{Run: r, where: where}
		defer func() { err = errors.Join(err, s.target.close()) }()
		return run(s, args)
	})
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok && wrong.GetFlag().Name == passwordFlag {
			// What follows it is a password, as somebody thought.
			err = &command.UsageError{Text: "--" + passwordFlag + " takes no value, since everybody on this machine could read it: the password is asked for"}
		}
		return command.RefuseFlag(cmd, err)
	})
	return cmd
}

// withoutCreate leaves --create, which other commands have, out of the help of one that
// begins with no empty store and refuses it.
func withoutCreate(c *cobra.Command) *cobra.Command {
	c.SetHelpFunc(func(c *cobra.Command, args []string) {
		c.InheritedFlags().Lookup("create").Hidden = true
		c.Parent().HelpFunc()(c, args)
	})
	return c
}

// perform runs an operation and decodes its result into out.
func (s *session) perform(operation string, input, out any) (err error) {
	if s.target == nil {
		if s.target, err = s.where.find(s.Ctx, s.Talk); err != nil {
			return err
		}
	}
	return s.target.perform(s.Ctx, operation, input, out)
}

// askServer performs an operation on what the running server has in memory, and decodes
// its result into out. The error is an admin.NoServerError if none runs.
func (s *session) askServer(config []byte, file, operation string, input, out any) error {
	server, err := s.where.Server(appName, config, file)
	if err != nil {
		return err
	}
	text, err := json.Marshal(input)
	if err != nil {
		return err
	}
	if text, err = server.Do(s.Ctx, operation, admin.Call{Actor: command.CurrentUser(), Input: text}); err != nil {
		return err
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("admin API: %w", err)
	}
	return nil
}

// exitCode is the exit code for an error of an operation.
func exitCode(err error) int {
	if code := command.ExitCode(err); code != command.ExitUnavailable {
		return code
	}
	return command.ExitCodeOf(statusOf(err))
}

// do runs an operation and tells what was done.
func (s *session) do(operation string, input, out any, format string, args ...any) error {
	if err := s.perform(operation, input, out); err != nil {
		return err
	}
	return s.Say(format, args...)
}
