package caddyauth

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/store"
)

// auditCommand is `caddy auth audit`.
func auditCommand(where *targetFlags) *cobra.Command {
	return command.Group("audit", "Shows what was done to users and keys", auditListCommand(where))
}

// actorOf names who did something, and as whom.
func actorOf(e *store.Event) string {
	if e.OnBehalfOf == "" {
		return e.Actor
	}
	return e.Actor + " on behalf of " + e.OnBehalfOf
}

func auditListCommand(where *targetFlags) *cobra.Command {
	var asJSON bool
	var last int
	c := verb(where, cobra.Command{
		Use:     "list",
		Short:   "Lists who did what, the newest first",
		Long:    "Lists the last changes of users and keys, and who made them, the newest first.",
		Example: "  caddy auth audit list --last 20",
	}, func(s *session, _ []string) error {
		row := func(e store.Event) string {
			return strings.Join([]string{e.Time.Format(time.RFC3339), actorOf(&e), e.Kind, e.Detail}, "\t")
		}
		var events []store.Event
		if err := s.perform("audit/list", listEventsInput{last}, &events); err != nil {
			return err
		}
		return command.List(s.Run, asJSON, "TIME\tACTOR\tKIND\tWHAT", row, func(*store.Event) ([]store.Event, bool, error) { return events, true, nil })
	})
	c.Flags().BoolVar(&asJSON, "json", false, "Write a JSON array")
	c.Flags().IntVar(&last, "last", 100, "How many, at most 10000")
	return c
}
