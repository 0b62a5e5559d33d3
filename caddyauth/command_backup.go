package caddyauth

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plural"
	"github.com/sallyport/sallyport/internal/store"
)

func backupCommand(where *targetFlags) *cobra.Command {
	var pepper string
	c := verb(where, cobra.Command{
		Use:   "backup <file>",
		Short: "Copies the store into a new file, with the server running or not",
		Long: `Copies the store, as it is at one moment, into a new file with mode 0600. The
server may be running and goes on. The file is read again before it has its name,
and replaces nothing.

The pepper is not in it. It changes only when it is rotated: copy it once with
--pepper, to another place, since a thief needs both.`,
		Example: "  caddy auth store backup /var/backups/sallyport/auth-2026-11-22.db",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		f, err := s.readableFile()
		if err != nil {
			return err
		}
		summary, err := identity.Backup(s.Ctx, f.settings, args[0], pepper)
		if err != nil {
			return orAnother(err)
		}
		info, err := os.Stat(args[0])
		if err != nil {
			return err
		}
		if err := s.Say("backup '%s' made: %s, %s", args[0], humanize.IBytes(uint64(info.Size())), inWords(&summary)); err != nil {
			return err
		}
		if pepper != "" {
			return s.Say("pepper file '%s' made; keep it where the backup is not: a thief needs both", pepper)
		}
		return s.Say("the pepper is not in it; a restore needs the pepper of fingerprint %s", fingerprints(&summary))
	})
	c.Flags().StringVar(&pepper, "pepper", "", "Copy the pepper into this new file, in another folder")
	return withoutCreate(c)
}

// inWords says what is in a store.
func inWords(s *store.Summary) string {
	return fmt.Sprintf("schema %d, %s, %s, last event %s", s.Schema, plural.Of(s.Users, "user"), plural.Of(s.Keys, "key"), eventTime(s.Latest))
}

func eventTime(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.RFC3339)
}

// fingerprints are those of the peppers that a store needs.
func fingerprints(s *store.Summary) string {
	var list []string
	for _, p := range s.Peppers {
		list = append(list, p.Fingerprint)
	}
	return strings.Join(list, ", ")
}
