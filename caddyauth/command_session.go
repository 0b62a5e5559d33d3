package caddyauth

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/plural"
	"github.com/sallyport/sallyport/internal/store"
)

// sessionCommand is `caddy auth session`.
func sessionCommand(where *targetFlags) *cobra.Command {
	return command.Group("session", "Shows and ends sessions", sessionListCommand(where), sessionRevokeCommand(where))
}

func sessionListCommand(where *targetFlags) *cobra.Command {
	var asJSON bool
	var user string
	c := verb(where, cobra.Command{
		Use:   "list",
		Short: "Lists sessions, the oldest first",
		Long: `Lists the sessions that have not ended, the oldest first: who logged in, when, how
and from where, and when the session was used last, exact to a minute.`,
		Example: "  caddy auth session list --user alice",
	}, func(s *session, _ []string) error {
		page := func(last *store.Session) (page []store.Session, end bool, err error) {
			input := listSessionsInput{User: user}
			if last != nil {
				input.After = last.ID
			}
			err = s.perform("session/list", input, &page)
			return page, len(page) < pageSize, err
		}
		return command.List(s.Run, asJSON, "ID\tUSER\tMETHOD\tADDRESS\tBEGAN\tLAST USED", sessionRow, page)
	})
	c.Flags().BoolVar(&asJSON, "json", false, "Write a JSON array")
	c.Flags().StringVar(&user, "user", "", "Only the sessions of this user")
	return c
}

func sessionRow(s store.Session) string {
	used := s.Created
	for i := range s.Tokens {
		if t := s.Tokens[i].LastUsed; t.After(used) {
			used = t
		}
	}
	return strings.Join([]string{s.ID, s.Username, s.Method, s.Address, s.Created.Format(time.RFC3339), used.Format(time.RFC3339)}, "\t")
}

func sessionRevokeCommand(where *targetFlags) *cobra.Command {
	var user string
	c := verb(where, cobra.Command{
		Use:   "revoke [<id>]",
		Short: "Ends a session, or all of a user",
		Long: `Ends a session: its tokens and its cookie are not accepted any more. With --user
all sessions of that user end, and tokens of other providers that he has so far are not
accepted any more. API keys are not touched.`,
		Example: "  caddy auth session revoke --user alice",
		Args:    cobra.MaximumNArgs(1),
	}, func(s *session, args []string) error {
		input := revokeSessionsInput{User: user}
		if len(args) == 1 {
			input.ID = args[0]
		}
		if (input.ID == "") == (user == "") {
			return &command.UsageError{Text: "give the id of a session, or --user"}
		}
		var n ended
		if err := s.perform("session/revoke", input, &n); err != nil {
			return err
		}
		if user == "" {
			return s.Say("%s ended", plural.Of(n.Ended, "session"))
		}
		return s.Say("%s ended; tokens of other providers that were issued until now are refused", plural.Of(n.Ended, "session"))
	})
	c.Flags().StringVar(&user, "user", "", "End all sessions of this user")
	return c
}
