package caddyauth

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/intelmqsession"
	"github.com/sallyport/sallyport/internal/password"
	"github.com/sallyport/sallyport/internal/plugin/command"
)

// importCommand is `caddy auth import`.
func importCommand(where *targetFlags) *cobra.Command {
	return command.Group("import", "Takes users over from other software", importHowlerCommand(where), importIntelMQCommand(where))
}

func importIntelMQCommand(where *targetFlags) *cobra.Command {
	return verb(where, cobra.Command{
		Use:   "intelmq <session database>",
		Short: "Takes users over from intelmq-api",
		Long: `Takes users over from intelmq-api with their passwords. The file is the one that
its configuration calls session_store; it is only read, and intelmq-api may run. The
users have no roles, and can do everything that needs none. Those who are there
already stay as they are. If one user cannot be taken over, none is.

Sessions are not taken over, so everybody logs in again. That replaces the old hash
of the password.`,
		Example: "  caddy auth import intelmq /var/lib/dbconfig-common/sqlite3/intelmq-api/intelmqapi",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		users, err := readIntelMQ(s, args[0])
		if err != nil {
			return err
		}
		var done []identity.Import
		if err := s.perform("user/import", importInput{users}, &done); err != nil {
			return err
		}
		return sayImported(s, done)
	})
}

// readIntelMQ reads users who can be imported. The error lists all that is wrong.
func readIntelMQ(s *session, path string) ([]identity.ImportedUser, error) {
	found, wrong, err := intelmqsession.Read(s.Ctx, path)
	if err != nil {
		return nil, err
	}
	users := make([]identity.ImportedUser, 0, len(found))
	for i := range found {
		u, err := importable(&found[i])
		if err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	if wrong = append(wrong, identity.CheckImport(users)...); len(wrong) > 0 {
		lines := strings.ReplaceAll(errors.Join(wrong...).Error(), "\n", "\n  ")
		return nil, &command.UsageError{Text: fmt.Sprintf("session database '%s': no user was taken over, since some cannot be:\n  %s", path, lines)}
	}
	return users, nil
}

// importable is a user with the hash of the password in the form of the store.
func importable(u *intelmqsession.User) (identity.ImportedUser, error) {
	has, err := u.HasPassword()
	if err != nil || !has {
		return identity.ImportedUser{Username: u.Name}, err
	}
	hash, err := password.Imported(intelmqsession.Rounds, u.Salt, u.Hash)
	return identity.ImportedUser{Username: u.Name, PasswordHash: hash}, err
}

// sayImported tells what has become of each user.
func sayImported(s *session, done []identity.Import) error {
	added := 0
	for _, one := range done {
		line := "already there: " + one.Username
		if one.Added {
			added++
			if line = "added " + one.Username; !one.HasPassword {
				line += ", without a password: it was empty there; set one by 'caddy auth user passwd'"
			}
		}
		if err := s.Say("%s", line); err != nil {
			return err
		}
	}
	return s.Say("%d added, %d already there; sessions are not taken over: everybody logs in again", added, len(done)-added)
}
