package caddyauth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/allowlist"
)

// clientSecretCommand is `caddy auth client-secret`.
func clientSecretCommand(where *targetFlags) *cobra.Command {
	return group("client-secret", "Manages files of client secrets",
		secretListCommand(where), secretRotateCommand(where), secretHashCommand(where))
}

const aboutSecretsFiles = `
The file is that of 'secrets_file' of a client_secret. It is changed itself, and
a running server follows within a second.`

// describedSecret is what `list` tells of an entry.
type describedSecret struct {
	Entry string `json:"entry"`
	// Hashed: the file holds only a digest of the secret.
	Hashed bool `json:"hashed"`
	// Weak: the secret is so short that it can be guessed.
	Weak bool `json:"weak,omitempty"`
}

func secretListCommand(where *targetFlags) *cobra.Command {
	var asJSON bool
	c := verb(where, cobra.Command{
		Use:     "list <file>",
		Short:   "Lists the entries of a file, without their secrets",
		Long:    "Lists the entries of a file of client secrets, and whether the file holds the\nsecret itself or only a digest of it. Secrets are not shown.\n" + aboutSecretsFiles,
		Example: "  caddy auth client-secret list /etc/sallyport/access",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		document, err := allowlist.Read(args[0])
		if err != nil {
			return err
		}
		var entries []describedSecret
		for _, e := range document.Entries() {
			entries = append(entries, describedSecret{e.Entry.Text, e.Hashed, e.Weak})
		}
		row := func(e describedSecret) string { return e.Entry + "\t" + e.kept() }
		return list(s, asJSON, "ENTRY\tSECRET", row, func(*describedSecret) ([]describedSecret, bool, error) { return entries, true, nil })
	})
	c.Flags().BoolVar(&asJSON, "json", false, "Write a JSON array")
	return c
}

func (e *describedSecret) kept() string {
	switch {
	case e.Hashed:
		return "hashed"
	case e.Weak:
		return "plain, too short"
	}
	return "plain"
}

func secretRotateCommand(where *targetFlags) *cobra.Command {
	return verb(where, cobra.Command{
		Use:     "rotate <file> <entry>",
		Short:   "Gives an entry a new secret, and writes it to standard output, this once",
		Long:    "Gives an entry of a file of client secrets a new secret, and writes the secret to\nstandard output. Where the file held only a digest it holds only one again.\n" + aboutSecretsFiles,
		Example: "  caddy auth client-secret rotate /etc/sallyport/access 191.89.131.84/32",
		Args:    cobra.ExactArgs(2),
	}, func(s *session, args []string) error {
		entry, err := allowlist.ParseEntry(args[1])
		if err != nil {
			return &usageError{err.Error()}
		}
		var secret string
		err = allowlist.Edit(s.ctx, args[0], func(d *allowlist.Document) (err error) {
			secret, err = d.Rotate(entry.Prefix, randomSecret)
			return named(entry, err)
		})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(s.out, secret); err != nil {
			return fmt.Errorf("entry '%s' has a new secret, which could not be written, and the old one is refused within a second; rotate it again: %w", entry.Text, err)
		}
		_, err = fmt.Fprintf(s.talk, "entry %s has a new secret; the old one is refused within a second\n", entry.Text)
		return err
	})
}

func secretHashCommand(where *targetFlags) *cobra.Command {
	return verb(where, cobra.Command{
		Use:     "hash <file> [<entry>]",
		Short:   "Replaces secrets by digests of them",
		Long:    "Replaces the secrets of a file, or that of one entry, by salted SHA-256 digests.\nClients go on using the same secrets, but nobody can read them in the file any\nmore: where they are not written down elsewhere only 'rotate' helps.\n" + aboutSecretsFiles,
		Example: "  caddy auth client-secret hash /etc/sallyport/access",
		Args:    cobra.RangeArgs(1, 2),
	}, func(s *session, args []string) error {
		var only *allowlist.Entry
		if len(args) == 2 {
			entry, err := allowlist.ParseEntry(args[1])
			if err != nil {
				return &usageError{err.Error()}
			}
			only = &entry
		}
		var done, weak []string
		err := allowlist.Edit(s.ctx, args[0], func(d *allowlist.Document) (err error) {
			done, weak, err = hashSecrets(d, only)
			return err
		})
		if err != nil {
			return err
		}
		return s.tellHashed(done, weak)
	})
}

// hashSecrets hashes the secret of one entry, or all of them, and returns the
// entries that were changed, and those of them whose secret is too short.
func hashSecrets(d *allowlist.Document, only *allowlist.Entry) (done, weak []string, err error) {
	chosen := d.Entries()
	if only != nil {
		chosen = slices.DeleteFunc(chosen, func(e allowlist.Description) bool { return e.Entry.Prefix != only.Prefix })
		if len(chosen) == 0 {
			return nil, nil, named(*only, allowlist.ErrNoEntry)
		}
	}
	for _, e := range chosen {
		changed, err := d.Hash(e.Entry.Prefix, randomSecret)
		if err != nil {
			return nil, nil, named(e.Entry, err)
		}
		if changed {
			done = append(done, e.Entry.Text)
		}
		if changed && e.Weak {
			weak = append(weak, e.Entry.Text)
		}
	}
	return done, weak, nil
}

func (s *session) tellHashed(done, weak []string) error {
	if len(done) == 0 {
		_, err := fmt.Fprintln(s.talk, "nothing to do: there are only digests")
		return err
	}
	_, err := fmt.Fprintf(s.talk, "secrets that can no longer be shown: %s\n", strings.Join(done, ", "))
	if err == nil && len(weak) > 0 {
		_, err = fmt.Fprintf(s.talk, "secrets so short that they can be found from their digest; rotate them: %s\n", strings.Join(weak, ", "))
	}
	return err
}

// named says which entry an error is about.
func named(e allowlist.Entry, err error) error {
	if err != nil {
		err = fmt.Errorf("entry '%s': %w", e.Text, err)
	}
	return err
}
