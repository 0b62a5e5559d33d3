package caddyauth

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/howlerusers"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/plural"
	"github.com/sallyport/sallyport/internal/store"
)

func importHowlerCommand(where *targetFlags) *cobra.Command {
	return verb(where, cobra.Command{
		Use:   "howler <file>",
		Short: "Takes users and API keys over from howler",
		Long: `Takes users over from howler with their passwords and API keys. The file has the
documents of users out of howler's database: a JSON list, the answer of Elasticsearch
to a search, or lines of JSON as elasticdump writes them. Those who are there already
stay as they are, and their keys are not taken over. If one user cannot be taken over,
none is.

Passwords and keys stay what they are. howler keeps bcrypt hashes of them, and bcrypt
reads 72 bytes: the first log-in, and the first use of each key, replace the hash, and
from then on the whole of what was presented counts. Keys that have expired are left
out, and so are keys that could not be used.`,
		Example: `  caddy auth import howler users.json`,
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		users, left, err := readHowler(args[0], time.Now())
		if err != nil {
			return err
		}
		var done []identity.Import
		if err := s.perform("user/import", importInput{users}, &done); err != nil {
			return err
		}
		var old store.ImportedLeft
		if err := s.perform("user/imported-left", struct{}{}, &old); err != nil {
			return err
		}
		return sayHowlerImported(s, done, left, old)
	})
}

// readHowler reads users who can be imported, and says what of theirs is left out. The
// error lists all that is wrong.
func readHowler(path string, now time.Time) (users []identity.ImportedUser, left []string, err error) {
	content, err := readBounded(path, howlerusers.MaxFile)
	if err != nil {
		return nil, nil, fmt.Errorf("file '%s': %w", path, err)
	}
	export, err := howlerusers.Parse(content, now)
	if err != nil {
		return nil, nil, &command.UsageError{Text: fmt.Sprintf("file '%s': %s", path, err)}
	}
	wrong, left := export.Wrong, export.Left
	for i := range export.Users {
		u, notes, err := fromHowler(&export.Users[i])
		if err != nil {
			wrong = append(wrong, err)
		}
		users, left = append(users, u), append(left, notes...)
	}
	if wrong = append(wrong, identity.CheckImport(users)...); len(wrong) > 0 {
		lines := strings.ReplaceAll(errors.Join(wrong...).Error(), "\n", "\n  ")
		return nil, nil, &command.UsageError{Text: fmt.Sprintf("file '%s': no user was taken over, since some cannot be:\n  %s", path, lines)}
	}
	return users, left, nil
}

// readBounded reads a file that is not longer than most bytes.
func readBounded(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err == nil {
		defer file.Close()
		var content []byte
		if content, err = io.ReadAll(io.LimitReader(file, most+1)); err == nil {
			return content, nil
		}
	}
	if inner, ok := errors.AsType[*os.PathError](err); ok {
		err = inner.Err
	}
	return nil, err
}

// fromHowler is a user with hashes in the form of the store. A name that is no user's
// is not repeated by an error of a hash: CheckImport tells of it.
func fromHowler(in *howlerusers.User) (u identity.ImportedUser, left []string, err error) {
	var wrong []error
	hash := func(text, of string) string {
		phc, err := password.ImportedBcrypt(text)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", of, err))
			return ""
		}
		return phc
	}
	name := in.Shown()
	u = identity.ImportedUser{
		Username: in.Name, DisplayName: in.DisplayName, Email: in.Email, Roles: in.Roles, Groups: in.Groups,
		Disabled: in.Disabled, Quota: in.Quota,
	}
	if in.PasswordHash != "" {
		u.PasswordHash = hash(in.PasswordHash, "password of user '"+name+"'")
	}
	for i := range in.Keys {
		k := &in.Keys[i]
		expires := k.Expires
		if expires.After(identity.LatestExpiry()) {
			expires = identity.LatestExpiry()
			left = append(left, fmt.Sprintf("end of key %s/%s: it ends %s, since times end there", name, k.Name, expires.UTC().Format(time.RFC3339)))
		}
		kept := identity.ImportedKey{Name: k.Name, Scopes: k.Scopes, Impersonation: k.Impersonation, Agents: k.Agents, Expires: expires}
		if kept.Hash = hash(k.Hash, "key '"+name+"/"+k.Name+"'"); kept.Hash != "" {
			u.Keys = append(u.Keys, kept)
		}
	}
	return u, left, errors.Join(wrong...)
}

// sayHowlerImported tells what has become of each user, what is left out, and what is
// still to come.
func sayHowlerImported(s *session, done []identity.Import, left []string, old store.ImportedLeft) error {
	added, keys := 0, 0
	for _, one := range done {
		line := "already there: " + one.Username
		if one.Added {
			added, keys = added+1, keys+one.Keys
			line = "added " + one.Username + ", with " + plural.Of(one.Keys, "key")
			if !one.HasPassword {
				line += ", without a password"
			}
		}
		if err := s.Say("%s", line); err != nil {
			return err
		}
	}
	for _, line := range left {
		if err := s.Say("left out: %s", line); err != nil {
			return err
		}
	}
	return s.Say("%d added with %s, %d already there; %s and %s wait for their first use", added, plural.Of(keys, "key"), len(done)-added,
		plural.Of(old.Passwords, "password"), plural.Of(old.Keys, "key"))
}
