// Package command is what the sub-commands of all plugins have in common: how
// they are put together, what they print, how they end.
//
// A sub-command writes its results to standard output, and everything else to
// standard error. A mistyped one is an error, and never only the help text.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"os/user"
	"syscall"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/plugin/admin"
)

// Exit codes besides 0, and 1 for a command line that is not understood.
const (
	// ExitInvalid: a value is refused.
	ExitInvalid = 2
	// ExitNotFound: there is no such thing.
	ExitNotFound = 3
	// ExitConflict: it exists already, or is not in the state for it.
	ExitConflict = 4
	// ExitUnavailable: the store, the server or the file cannot be used.
	ExitUnavailable = 5
)

// Exit codes of commands that look for what is wrong, above all others.
const (
	// ExitWarnings: something works, but less well or less safely.
	ExitWarnings = 10
	// ExitErrors: something does not work.
	ExitErrors = 20
)

// UsageError is a flag or an argument that cannot be meant.
type UsageError struct{ Text string }

func (e *UsageError) Error() string { return e.Text }

// Exit ends a command with a code of its own, where everything is said already.
type Exit struct{ Code int }

func (e *Exit) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// Run is one run of a command. Its context ends when the command is interrupted.
type Run struct {
	Ctx context.Context
	// Out is for results, Talk for everything else.
	Out, Talk io.Writer
}

// Verb makes a sub-command of its texts and what it does. Without Args it takes
// no arguments. code is the exit code for an error; nil means ExitCode.
func Verb(c cobra.Command, code func(error) int, run func(r *Run, args []string) error) *cobra.Command {
	cmd := &c
	if code == nil {
		code = ExitCode
	}
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
			cmd.PrintErrf("Error: usage: %s\n", cmd.UseLine())
		}
		return err
	}
	cmd.RunE = caddycmd.WrapCommandFuncForCobra(func(f caddycmd.Flags) (int, error) {
		err := once(cmd, func(r *Run) error { return run(r, f.Args()) })
		if exit, ok := errors.AsType[*Exit](err); ok {
			return exit.Code, nil
		}
		if err != nil {
			cmd.PrintErrf("Error: %v\n", err)
		}
		return code(err), nil
	})
	cmd.SetFlagErrorFunc(RefuseFlag)
	return cmd
}

func once(cmd *cobra.Command, run func(*Run) error) error {
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	// `nohup` has it ignored.
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	return run(&Run{Ctx: ctx, Out: cmd.OutOrStdout(), Talk: cmd.ErrOrStderr()})
}

// RefuseFlag tells what is wrong with a flag, and where the help is.
func RefuseFlag(cmd *cobra.Command, err error) error {
	cmd.PrintErrf("Error: %v; see '%s --help'\n", err, cmd.CommandPath())
	return err
}

// ExitCode is the exit code for an error.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if _, ok := errors.AsType[*admin.NoServerError](err); ok {
		return ExitUnavailable
	}
	if refused, ok := errors.AsType[*admin.RefusedError](err); ok {
		return ExitCodeOf(refused.Status)
	}
	if _, ok := errors.AsType[*UsageError](err); ok {
		return ExitInvalid
	}
	if errors.Is(err, allowlist.ErrNoEntry) {
		return ExitNotFound
	}
	return ExitUnavailable
}

// ExitCodeOf is the exit code for the HTTP status that an error has in the admin
// API.
func ExitCodeOf(status int) int {
	switch status {
	case http.StatusBadRequest:
		return ExitInvalid
	case http.StatusNotFound:
		return ExitNotFound
	case http.StatusConflict:
		return ExitConflict
	}
	return ExitUnavailable
}

// Group makes a command that only has sub-commands.
func Group(name, short string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: name, Short: short}
	c.AddCommand(verbs...)
	RefuseUnknown(c)
	return c
}

// RefuseUnknown makes a mistyped sub-command an error: a script that has asked
// to revoke a key must not take the help text for success.
func RefuseUnknown(c *cobra.Command) {
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

// CurrentUser names the operating system's user, for audit trails: os:<name>.
func CurrentUser() string {
	u, err := user.Current()
	if err != nil {
		return "os:unknown"
	}
	return "os:" + u.Username
}
