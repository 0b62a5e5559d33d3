package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/allowlist"
	"github.com/sallyport/sallyport/internal/plugin/accesslist"
)

// Secrets are the commands that work on a file of client secrets.
type Secrets struct {
	// Parent is the command under which they hang, such as
	// `caddy auth client-secret`, and File is a file: both for examples.
	Parent, File string
	// Option says where the file is named, such as
	// `'secrets_file' of a client_secret`.
	Option string
}

// Commands are list, rotate and hash.
func (s *Secrets) Commands() []*cobra.Command {
	return []*cobra.Command{s.listCommand(), s.rotateCommand(), s.hashCommand()}
}

// long adds to what a command does which file it is for.
func (s *Secrets) long(text string) string {
	return text + "\n\nThe file is that of " + s.Option + "."
}

// changes is long for a command that changes the file.
func (s *Secrets) changes(text string) string {
	return s.long(text) + " It is changed itself, and\na running server follows within a second."
}

// example is a line that works on the file, with more arguments or none.
func (s *Secrets) example(verb, more string) string {
	return strings.TrimRight("  "+s.Parent+" "+verb+" "+s.File+" "+more, " ")
}

// describedSecret is what `list` tells of an entry.
type describedSecret struct {
	Entry string `json:"entry"`
	// Hashed: the file holds only a digest of the secret.
	Hashed bool `json:"hashed"`
	// Weak: the secret is so short that it can be guessed.
	Weak bool `json:"weak,omitempty"`
}

func (s *Secrets) listCommand() *cobra.Command {
	var asJSON bool
	c := Verb(cobra.Command{
		Use:     "list <file>",
		Short:   "Lists the entries of a file, without their secrets",
		Long:    s.long("Lists the entries of a file of client secrets, and whether the file holds the\nsecret itself or only a digest of it. Secrets are not shown."),
		Example: s.example("list", ""),
		Args:    cobra.ExactArgs(1),
	}, nil, func(r *Run, args []string) error {
		document, err := allowlist.Read(args[0])
		if err != nil {
			return err
		}
		var entries []describedSecret
		for _, e := range document.Entries() {
			entries = append(entries, describedSecret{e.Entry.Text, e.Hashed, e.Weak})
		}
		row := func(e describedSecret) string { return e.Entry + "\t" + e.kept() }
		return List(r, asJSON, "ENTRY\tSECRET", row, func(*describedSecret) ([]describedSecret, bool, error) { return entries, true, nil })
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

func (s *Secrets) rotateCommand() *cobra.Command {
	return Verb(cobra.Command{
		Use:     "rotate <file> <entry>",
		Short:   "Gives an entry a new secret, and writes it to standard output, this once",
		Long:    s.changes("Gives an entry of a file of client secrets a new secret, and writes the secret to\nstandard output. Where the file held only a digest it holds only one again."),
		Example: s.example("rotate", "191.89.131.84/32"),
		Args:    cobra.ExactArgs(2),
	}, nil, func(r *Run, args []string) error {
		entry, err := allowlist.ParseEntry(args[1])
		if err != nil {
			return &UsageError{err.Error()}
		}
		var secret string
		err = allowlist.Edit(r.Ctx, args[0], func(d *allowlist.Document) (err error) {
			secret, err = d.Rotate(entry.Prefix, accesslist.RandomSecret)
			return named(entry, err)
		})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(r.Out, secret); err != nil {
			return fmt.Errorf("entry '%s' has a new secret, which could not be written, and the old one is refused within a second; rotate it again: %w", entry.Text, err)
		}
		return r.Say("entry %s has a new secret; the old one is refused within a second", entry.Text)
	})
}

func (s *Secrets) hashCommand() *cobra.Command {
	return Verb(cobra.Command{
		Use:     "hash <file> [<entry>]",
		Short:   "Replaces secrets by digests of them",
		Long:    s.changes("Replaces the secrets of a file, or that of one entry, by salted SHA-256 digests.\nClients go on using the same secrets, but nobody can read them in the file any\nmore: where they are not written down elsewhere only 'rotate' helps."),
		Example: s.example("hash", ""),
		Args:    cobra.RangeArgs(1, 2),
	}, nil, func(r *Run, args []string) error {
		var only *allowlist.Entry
		if len(args) == 2 {
			entry, err := allowlist.ParseEntry(args[1])
			if err != nil {
				return &UsageError{err.Error()}
			}
			only = &entry
		}
		var done, weak []string
		err := allowlist.Edit(r.Ctx, args[0], func(d *allowlist.Document) (err error) {
			done, weak, err = hashSecrets(d, only)
			return err
		})
		if err != nil {
			return err
		}
		return tellHashed(r, done, weak)
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
		changed, err := d.Hash(e.Entry.Prefix, accesslist.RandomSecret)
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

func tellHashed(r *Run, done, weak []string) error {
	if len(done) == 0 {
		return r.Say("nothing to do: there are only digests")
	}
	err := r.Say("secrets that can no longer be shown: %s", strings.Join(done, ", "))
	if err == nil && len(weak) > 0 {
		err = r.Say("secrets so short that they can be found from their digest; rotate them: %s", strings.Join(weak, ", "))
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
