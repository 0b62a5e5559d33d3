package caddyauth

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/store"
)

// userCommand is `caddy auth user`.
func userCommand(where *targetFlags) *cobra.Command {
	return command.Group("user", "Manages users",
		userAddCommand(where), userListCommand(where), userShowCommand(where), userEditCommand(where),
		userVerb(where, "disable", "user/disable", "Refuses all of a user's credentials until 'enable', and ends all sessions"),
		userVerb(where, "enable", "user/enable", "Accepts a disabled user's password and keys again"),
		userPasswdCommand(where), userUnlockCommand(where),
		userVerb(where, "delete", "user/delete", "Deletes a user with password, keys and sessions, for ever"),
	)
}

// userFlags are the properties of a user.
type userFlags struct {
	displayName, email string
	roles, groups      []string
}

func (u *userFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&u.displayName, "display-name", "", "Name for people")
	flags.StringVar(&u.email, "email", "", "E-mail address")
	flags.StringSliceVar(&u.roles, "role", nil, "Roles, separated by commas")
	flags.StringSliceVar(&u.groups, "group", nil, "Groups, separated by commas")
}

func userAddCommand(where *targetFlags) *cobra.Command {
	var u userFlags
	var withPassword bool
	c := verb(where, cobra.Command{
		Use:   "add <name>",
		Short: "Adds a user",
		Long: `Adds a user. The name has 1 to 64 letters, digits and . _ - @; upper and lower
case are the same name. Without --password the user can only have API keys.`,
		Example: "  caddy auth user add alice --role admin --group ops --password",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		input := identity.NewUser{Username: args[0], DisplayName: u.displayName, Email: u.email, Roles: u.roles, Groups: u.groups}
		if withPassword {
			var err error
			if input.Password, err = s.readNewPassword(); err != nil {
				return err
			}
		}
		return s.do("user/add", input, new(store.User), "user %s added", args[0])
	})
	u.register(c.Flags())
	c.Flags().BoolVar(&withPassword, passwordFlag, false, "Ask for a password, at the terminal or from standard input")
	return c
}

func userEditCommand(where *targetFlags) *cobra.Command {
	var u userFlags
	var quota int64
	var c *cobra.Command
	c = verb(where, cobra.Command{
		Use:   "edit <name>",
		Short: "Changes a user",
		Long: `Changes what is given and leaves the rest. The roles that are given replace all
roles, and the groups all groups; --role "" takes all away.`,
		Example: "  caddy auth user edit alice --role admin,auditor",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		var edit identity.UserEdit
		given := c.Flags().Changed
		if given("display-name") {
			edit.DisplayName = &u.displayName
		}
		if given("email") {
			edit.Email = &u.email
		}
		if given("role") {
			edit.Roles = &u.roles
		}
		if given("group") {
			edit.Groups = &u.groups
		}
		if given("quota") {
			edit.Quota = &quota
		}
		if edit == (identity.UserEdit{}) {
			return &command.UsageError{Text: "nothing is to be changed; give --display-name, --email, --role, --group or --quota"}
		}
		return s.do("user/edit", editInput{userInput{args[0]}, edit}, new(store.User), "user %s changed", args[0])
	})
	u.register(c.Flags())
	c.Flags().Int64Var(&quota, "quota", 0, "How many requests of the user auth_api answers at once; 0 leaves it to auth_api")
	return c
}

func userListCommand(where *targetFlags) *cobra.Command {
	var asJSON bool
	c := verb(where, cobra.Command{
		Use:     "list",
		Short:   "Lists users",
		Long:    "Lists all users by name.",
		Example: "  caddy auth user list --json",
	}, func(s *session, _ []string) error {
		row := func(u store.User) string {
			return strings.Join([]string{u.Username, string(u.State), strings.Join(u.Roles, ","), strings.Join(u.Groups, ",")}, "\t")
		}
		return command.List(s.Run, asJSON, "USER\tSTATE\tROLES\tGROUPS", row, func(last *store.User) (page []store.User, end bool, err error) {
			var input listUsersInput
			if last != nil {
				input.After = last.Username
			}
			err = s.perform("user/list", input, &page)
			return page, len(page) < pageSize, err
		})
	})
	c.Flags().BoolVar(&asJSON, "json", false, "Write a JSON array")
	return c
}

func userShowCommand(where *targetFlags) *cobra.Command {
	return verb(where, cobra.Command{
		Use:     "show <name>",
		Short:   "Shows a user as JSON",
		Long:    "Shows all that is known of a user, as JSON.",
		Example: "  caddy auth user show alice",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		var u store.User
		if err := s.perform("user/show", userInput{args[0]}, &u); err != nil {
			return err
		}
		return s.Show(u)
	})
}

func userPasswdCommand(where *targetFlags) *cobra.Command {
	return verb(where, cobra.Command{
		Use:   "passwd <name>",
		Short: "Sets a user's password",
		Long: `Sets a user's password, or changes it. It is asked for at the terminal, without
being shown; if standard input is no terminal it is read from there. All sessions
that began with the old password end.`,
		Example: "  caddy auth user passwd alice",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		text, err := s.readNewPassword()
		if err != nil {
			return err
		}
		return s.do("user/passwd", passwordInput{userInput{args[0]}, text}, new(store.User), "password of user %s set", args[0])
	})
}

func userUnlockCommand(where *targetFlags) *cobra.Command {
	return verb(where, cobra.Command{
		Use:   "unlock <name>",
		Short: "Forgets the failed log-ins of a user",
		Long: `Forgets the failed log-ins of a user, from wherever they came, so that the next one
does not have to wait. A network from which all names are refused stays so until its
time is over. 'user enable' is for users that were disabled.`,
		Example: "  caddy auth user unlock alice",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		var was unlocked
		if err := s.perform("user/unlock", userInput{args[0]}, &was); err != nil {
			return err
		}
		if !was.Unlocked {
			return s.Say("user %s was not locked; if log-ins answer 429, all names are refused from that network for a while (GET /caddyauth/lockouts)", args[0])
		}
		return s.Say("user %s unlocked", args[0])
	})
}

// userVerb makes a command that only needs a name.
func userVerb(where *targetFlags, name, operation, short string) *cobra.Command {
	return verb(where, cobra.Command{
		Use:     name + " <name>",
		Short:   short,
		Long:    short + ". It is in force when the command has ended; for a server that was not asked, within half a second.",
		Example: "  caddy auth user " + name + " alice",
		Args:    cobra.ExactArgs(1),
	}, func(s *session, args []string) error {
		return s.do(operation, userInput{args[0]}, new(store.User), "user %s %sd", args[0], name)
	})
}
