package caddyauth

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/store"
)

// doctorCommand is `caddy auth doctor`.
func doctorCommand(where *targetFlags) *cobra.Command {
	var asJSON bool
	c := verb(where, cobra.Command{
		Use:   "doctor",
		Short: "Looks for what is wrong with configuration, files and store",
		Long: `Looks for mistakes in the configuration, in owners and modes of the store's files,
and in the store, and writes each finding with its remedy to standard output.

It changes nothing but the schema of a store from before an upgrade, as every
command does that opens one. Run it as root or as the server's user. With --store
only the store is looked at.

Exit codes: 0 nothing was found, 10 there are warnings, 20 there are errors. With
any other nothing was looked at.`,
		Example: "  caddy auth doctor --config /etc/caddy/Caddyfile",
	}, func(s *session, _ []string) error {
		e, err := s.examination()
		if err != nil {
			return err
		}
		found := e.run()
		return s.conclude(found, asJSON)
	})
	c.Flags().BoolVar(&asJSON, "json", false, "Write a JSON array")
	return withoutCreate(c)
}

// conclude writes findings and gives the exit code that they have.
func (s *session) conclude(found []finding, asJSON bool) (err error) {
	if asJSON {
		err = s.Show(found)
	} else {
		err = s.report(found)
	}
	if err != nil || len(found) == 0 {
		return err
	}
	return &command.Exit{Code: exitCodeOf(found)}
}

// examination collects what the checks look at.
func (s *session) examination() (*examination, error) {
	if s.where.create {
		return nil, &command.UsageError{Text: "the doctor makes no store; leave --create out"}
	}
	e := &examination{ctx: s.Ctx, needsConfig: s.where.store == "", now: time.Now(), freeSpace: freeSpace}
	if err := e.read(s.where); err != nil {
		return nil, err
	}
	s.target, e.opening = s.where.find(s.Ctx, s.Talk)
	if _, misused := errors.AsType[*command.UsageError](e.opening); misused {
		return nil, e.opening
	}
	e.target = s.target
	if e.config == nil && e.target != nil && e.target.server != nil {
		return e, e.followServer(s.where)
	}
	return e, nil
}

// read reads the configuration, and says where the files are.
func (e *examination) read(where *targetFlags) (err error) {
	if e.settings, err = where.namedStore(); err != nil {
		return err
	}
	if where.store == "" {
		config, _, err := where.Load()
		if err != nil {
			return &command.UsageError{Text: err.Error()}
		}
		if e.config, err = readConfig(config); err != nil {
			return err
		}
		if e.settings, err = storeOf(config); err != nil {
			return err
		}
	}
	if where.pepperFile != "" {
		e.settings.PepperFile = where.pepperFile
	}
	if e.settings.PepperFile == "" {
		e.settings.PepperFile = identity.DefaultPepperFile(e.settings.Location)
	}
	return nil
}

// followServer looks at the store that a server has open where no configuration
// names one. Only the server knows where its pepper is.
func (e *examination) followServer(where *targetFlags) (err error) {
	var info identity.Info
	if err := e.target.perform(e.ctx, "store/info", struct{}{}, &info); err != nil {
		return err
	}
	e.settings.PepperFile = where.pepperFile
	e.settings.Location, err = store.ParseLocation(info.Store)
	return err
}

// report writes findings as text, two lines for each.
func (s *session) report(found []finding) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(s.Out, "no findings")
		return err
	}
	for _, f := range found {
		if _, err := fmt.Fprintf(s.Out, "%s %s: %s\n  remedy: %s\n", f.Level, f.Code, f.What, f.Remedy); err != nil {
			return err
		}
	}
	return nil
}

// exitCodeOf is the exit code where there are findings.
func exitCodeOf(found []finding) int {
	if slices.ContainsFunc(found, func(f finding) bool { return f.Level == levelError }) {
		return command.ExitErrors
	}
	return command.ExitWarnings
}
