package caddyintelmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/sallyport/sallyport/internal/intelmqctl"
	"github.com/sallyport/sallyport/internal/intelmqsetup"
	"github.com/sallyport/sallyport/internal/plugin/admin"
	"github.com/sallyport/sallyport/internal/plugin/command"
)

// checking are the flags of `caddy intelmq check`.
type checking struct {
	command.ConfigFlags
	user   string
	asJSON bool
}

func checkCommand() *cobra.Command {
	var flags checking
	c := command.Verb(cobra.Command{
		Use:   "check",
		Short: "Says what is wrong with the IntelMQ endpoints, and what to do",
		Long: `
Looks at what the endpoints need: the command and sudo, the files of the configuration
and the rights on them, the broker, the service under which Caddy runs. Each finding is
written with its remedy.

A running server is asked, since it is the one that must be able to do all this. If
none answers the endpoints of the configuration are looked at from here, and what the
user of --user may do, as far as that can be told. Root can tell all of it.

Exit codes: 0 nothing was found, 10 there are warnings, 20 there are errors. With any
other nothing was looked at.`,
		Example: "  caddy intelmq check --config /etc/caddy/Caddyfile",
	}, nil, func(r *command.Run, _ []string) error { return flags.run(r) })
	flags.Register(c.Flags(), "the endpoints")
	c.Flags().StringVar(&flags.user, "user", "", "The user that Caddy runs as, if no server answers (default: caddy for root, if there is one, else who runs this)")
	c.Flags().BoolVar(&flags.asJSON, "json", false, "Write a JSON array")
	return c
}

func (f *checking) run(r *command.Run) error {
	endpoints, err := f.look(r)
	if err != nil {
		return err
	}
	if len(endpoints) == 0 {
		return &command.UsageError{Text: "there is no IntelMQ endpoint; name the configuration that has one by --config, or its server by --address"}
	}
	if f.asJSON {
		err = r.Show(endpoints)
	} else {
		err = tell(r, endpoints)
	}
	if err != nil {
		return err
	}
	if code := exitCodeOf(endpoints); code != 0 {
		return &command.Exit{Code: code}
	}
	return nil
}

// look asks the server, or looks here if there is none.
func (f *checking) look(r *command.Run) (endpoints []condition, err error) {
	config, file, err := f.Load()
	if err != nil {
		return nil, &command.UsageError{Text: err.Error()}
	}
	server, err := f.Server(adminName, config, file)
	if err != nil {
		return nil, err
	}
	answer, err := server.Do(r.Ctx, checkOperation, admin.Call{Actor: command.CurrentUser(), Input: json.RawMessage("{}")})
	_, nobody := errors.AsType[*admin.NoServerError](err)
	switch {
	case err == nil:
		if err := r.Say("what the server at %s finds:", server.Address); err != nil {
			return nil, err
		}
		err := json.Unmarshal(answer, &endpoints)
		return endpoints, err
	case nobody && f.Address == "" && file != "":
		here := intelmqsetup.Here()
		who, err := f.caddyUser(here)
		if err != nil {
			return nil, err
		}
		if err := r.Say("no server answers at %s; what is found without one, for a Caddy that runs as user '%s':", server.Address, who); err != nil {
			return nil, err
		}
		return lookHere(r.Ctx, config, here, who)
	}
	return nil, fmt.Errorf("the server at %s: %w", server.Address, err)
}

// caddyUser is whose rights are looked at.
func (f *checking) caddyUser(here intelmqsetup.System) (string, error) {
	const usual = "caddy"
	if f.user != "" {
		if _, err := here.Account(f.user); err != nil {
			return "", &command.UsageError{Text: fmt.Sprintf("the user of Caddy: %v; name the one that its unit has as `User=` by --user", err)}
		}
		return f.user, nil
	}
	if _, err := here.Account(usual); err == nil && here.Self.UID == 0 {
		return usual, nil
	}
	return here.Self.Name, nil
}

// lookHere looks at the endpoints of a configuration for a user, without the files
// that only the server can know of.
func lookHere(ctx context.Context, config []byte, here intelmqsetup.System, who string) ([]condition, error) {
	var all any
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, &command.UsageError{Text: "the configuration is not JSON: " + err.Error()}
	}
	var endpoints []condition
	for _, text := range handlersIn(all) {
		h := &IntelMQ{log: zap.NewNop()}
		if err := json.Unmarshal(text, h); err != nil {
			return nil, &command.UsageError{Text: "the endpoint: " + err.Error()}
		}
		effective, err := h.effective()
		if err == nil {
			err = h.provisionSettings(effective)
		}
		if err != nil {
			return nil, &command.UsageError{Text: "the endpoint: " + err.Error()}
		}
		endpoints = append(endpoints, h.lookHere(ctx, here, who))
	}
	return endpoints, nil
}

// handlersIn finds the endpoints in a configuration, wherever they are.
func handlersIn(config any) (found []json.RawMessage) {
	switch node := config.(type) {
	case []any:
		for _, one := range node {
			found = append(found, handlersIn(one)...)
		}
	case map[string]any:
		if node["handler"] == "intelmq" {
			delete(node, "handler")
			// What was unmarshalled marshals.
			text, _ := json.Marshal(node)
			return append(found, text)
		}
		for _, one := range node {
			found = append(found, handlersIn(one)...)
		}
	}
	return found
}

// lookHere looks after an endpoint that is not provisioned. Root does not run as itself
// what another user would, since files that are made by it would be root's.
func (h *IntelMQ) lookHere(ctx context.Context, here intelmqsetup.System, who string) condition {
	words := h.settings.command
	if here.Self.UID == 0 && intelmqctl.TakeApart(words).Sudo == "" {
		words = actingAs(who, here.Self.Name, words)
	}
	program := &intelmqctl.Program{Words: words}
	at := intelmqctl.UsualInstallation()
	if h.settings.configDir != "" {
		at = intelmqctl.InstallationAt(h.settings.configDir)
	} else if said, err := askOnce(ctx, program); err == nil {
		at = said
	}
	c := checkerOf(&h.settings, at)
	c.User, c.Executor = who, program
	return condition{Base: h.Base, Command: program.Line(nil), Problems: append([]intelmqsetup.Finding{}, c.Check(ctx)...)}
}

// askOnce asks intelmqctl for its paths.
func askOnce(ctx context.Context, program *intelmqctl.Program) (intelmqctl.Installation, error) {
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	output, err := program.Execute(ctx, intelmqctl.Arguments(intelmqctl.Paths{}))
	if err != nil {
		return intelmqctl.Installation{}, err
	}
	return intelmqctl.ParsePaths(output.Stdout)
}

// tell writes what was found for people.
func tell(r *command.Run, endpoints []condition) error {
	for _, e := range endpoints {
		where := "the endpoint at " + e.Base
		if e.Base == "" {
			where = "the endpoint of a whole site"
		}
		if len(e.Problems) == 0 && len(e.Stuck) == 0 {
			fmt.Fprintf(r.Out, "%s: nothing is wrong\n", where)
			continue
		}
		fmt.Fprintf(r.Out, "%s, which runs %s:\n", where, e.Command)
		for _, p := range e.Problems {
			fmt.Fprintf(r.Out, "%s %s: %s\n    %s\n", p.Severity, p.ID, p.Text, p.Do)
		}
		for _, s := range e.Stuck {
			fmt.Fprintf(r.Out, "running since %s: %s\n", s.Since.Format(time.RFC3339), s.Command)
		}
	}
	return nil
}

// exitCodeOf is the exit code for the worst that was found.
func exitCodeOf(endpoints []condition) (code int) {
	for _, e := range endpoints {
		switch {
		case e.broken():
			return command.ExitErrors
		case len(e.Problems) > 0:
			code = command.ExitWarnings
		}
	}
	return code
}
