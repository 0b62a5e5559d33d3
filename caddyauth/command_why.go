package caddyauth

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/plugin/admin"
	"github.com/sallyport/sallyport/internal/plugin/command"
)

// whyCommand is `caddy auth why`.
func whyCommand(where *targetFlags) *cobra.Command {
	var asJSON bool
	c := verb(where, cobra.Command{
		Use:   "why <error-id>",
		Short: "Says what refused a request, and what to change",
		Long: `Says what refused a request, why, and what to change so that it passes.

The error id is the one that the client was told, as error_id in the answer or as
X-Error-Id among its headers. A running server remembers the last 10,000 refusals of
all its modules; they are in its memory only, and gone when it ends. A reload does
not touch them. Where several servers answer at one address, ask each of them.`,
		Example: "  caddy auth why 5YJM7XKQ2H4D",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		id, err := parseErrorID(args[0])
		if err != nil {
			return err
		}
		found, err := s.askWhy(id)
		switch {
		case err != nil:
			return err
		case asJSON:
			return s.Show(found)
		}
		return tellWhy(s.Out, found)
	})
	c.Flags().BoolVar(&asJSON, "json", false, "Write a JSON object")
	return withoutCreate(c)
}

// askWhy asks the running server for a refusal. A store that is named does not help:
// refusals are not in it.
func (s *session) askWhy(id string) (found *explained, err error) {
	if s.where.store != "" || s.where.create {
		return nil, &command.UsageError{Text: "refusals are in the memory of a running server, and not in a store; leave --store and --create out"}
	}
	config, file, err := s.where.Load()
	if err != nil {
		return nil, &command.UsageError{Text: err.Error()}
	}
	found = new(explained)
	err = s.askServer(config, file, showRefusalName, refusalInput{id}, found)
	if _, nobody := errors.AsType[*admin.NoServerError](err); nobody {
		return nil, fmt.Errorf("%w; refusals are in the memory of a running server: name it with --address, or look into the access log", err)
	}
	return found, err
}

// shown is how a letter is shown: nothing that a client has sent may steer the terminal.
func shown(letter rune) rune {
	switch {
	case letter == '`':
		return '\''
	case !unicode.IsPrint(letter):
		return '?'
	}
	return letter
}

// tellWhy writes a refusal for people, one thing in a line.
func tellWhy(out io.Writer, e *explained) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, text string) {
		if text != "" {
			// The table keeps what is wrong with the output, and says so in the end.
			_, _ = fmt.Fprintf(table, "%s:\t%s\n", name, strings.Map(shown, text))
		}
	}
	line("error", e.ErrorID)
	line("when", e.Time.Format(time.RFC3339))
	line("refused by", e.Module)
	from := ""
	if e.ClientIP.IsValid() {
		from = ", from " + e.ClientIP.String()
	}
	line("request", fmt.Sprintf("%s at '%s'%s", e.Method, e.Host, from))
	line("client told", strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, e.Code)))
	line("cause", e.Cause)
	line("reason", e.Reason)
	line("means", e.Means)
	line("credential", e.Credential)
	line("user", e.User)
	line("wanted", e.Wanted)
	change := e.Change
	if change == "" {
		change = "nothing is known about this cause; the lines of the log with this error id may say more"
	}
	line("what to do", change)
	return table.Flush()
}
